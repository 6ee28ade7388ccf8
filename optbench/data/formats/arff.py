"""ARFF, the format of Weka and OpenML: declared attributes, then comma-separated rows.

Read here and not by SciPy, whose reader drops surplus cells without a word, takes no text
attributes and does not say in which line an error is; the tests compare with it.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from typing import NamedTuple

from optbench.data.formats.content import Content, ReadOptions
from optbench.data.formats.tables import TextRows, check_names
from optbench.data.formats.text import lines_of
from optbench.errors import UserError

ATTRIBUTE = re.compile(
    r"""@attribute\s+('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^\s{]+)\s*(.+)""", re.IGNORECASE
)
TYPES = ("numeric", "real", "integer", "string", "date")
MISSING = "?"


class _Attribute(NamedTuple):
    name: str
    labels: frozenset[str] | None  # the declared ones of a nominal attribute


def read_arff(content: bytes, options: ReadOptions) -> Content:
    """Read dense ARFF; the target is an attribute's name or position, the last by default."""
    options.refuse("ARFF, which declares its columns", "header")
    lines = _filled(lines_of(content))
    attributes = _attributes(lines)
    names = [attribute.name for attribute in attributes]
    check_names(names)
    rows = TextRows(names, options)
    for line, text in lines:
        if text.startswith("{"):
            raise UserError(f"line {line} is sparse ARFF, which is not read; save as LIBSVM")
        cells = _cells(text, line)
        for cell, attribute in zip(cells, attributes, strict=False):
            if attribute.labels is not None and cell and cell not in attribute.labels:
                known = ", ".join(sorted(attribute.labels)[:10])
                raise UserError(
                    f"line {line}, attribute {attribute.name!r} is {cell[:40]!r}, which is not "
                    f"declared; it must be one of {known}"
                )
        rows.add(cells, line)
    return rows.content(declared={name for name, labels in attributes if labels is not None})


def _filled(lines: Iterator[str]) -> Iterator[tuple[int, str]]:
    """Yield the lines that are neither blank nor comments, with their numbers."""
    for line, text in enumerate(lines, start=1):
        stripped = text.strip()
        if stripped and not stripped.startswith("%"):
            yield line, stripped


def _attributes(lines: Iterator[tuple[int, str]]) -> list[_Attribute]:
    """Read the declarations, up to ``@data``."""
    attributes: list[_Attribute] = []
    for line, text in lines:
        keyword = text.split()[0].lower()
        if keyword == "@data":
            return attributes
        if keyword == "@attribute":
            attributes.append(_attribute(text, line))
        elif keyword != "@relation":
            raise UserError(
                f"line {line} begins with {keyword[:40]!r}; it must be @relation, @attribute or "
                "@data"
            )
    raise UserError("there is no line @data")


def _attribute(text: str, line: int) -> _Attribute:
    match = ATTRIBUTE.fullmatch(text)
    if match is None:
        raise UserError(f"line {line} must be @attribute NAME TYPE")
    (name,), kind = _cells(match[1], line), match[2].strip()
    if kind.startswith("{") and kind.endswith("}"):
        return _Attribute(name, frozenset(_cells(kind[1:-1], line)))
    if kind.split()[0].lower() not in TYPES:
        raise UserError(
            f"line {line}, attribute {name!r} is of type {kind[:40]!r}; known: "
            f"{', '.join(TYPES)}, {{a, b, ...}}"
        )
    return _Attribute(name, None)


def _cells(text: str, line: int) -> list[str]:
    """Split one line at commas outside quotes, single or double; a missing cell is empty."""
    opening = re.search(r"""(?:^|,)\s*(['"])""", text)
    quote = opening[1] if opening else "'"
    delimiter = "," if "," in text or "\t" not in text else "\t"
    reader = csv.reader(
        [text],
        delimiter=delimiter,
        quotechar=quote,
        escapechar="\\",
        skipinitialspace=True,
        strict=True,
    )
    try:
        cells = [cell.strip() for cell in next(reader)]
    except csv.Error:
        raise UserError(f"line {line}: a quote is not closed or closed inside a cell") from None
    return ["" if cell == MISSING else cell for cell in cells]
