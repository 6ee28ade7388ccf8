"""CSV, TSV and other delimited text, with or without a header."""

from __future__ import annotations

import contextlib
import csv
import math
from collections.abc import Iterable, Iterator
from itertools import islice

from optbench.data.formats.cells import number
from optbench.data.formats.content import Content, ReadOptions
from optbench.data.formats.tables import UNNAMED, TextRows, check_names, numbered_names
from optbench.data.formats.text import lines_of
from optbench.errors import UserError

WHITESPACE = " "
FIRST = 10  # rows that tell the delimiter

Record = tuple[int, list[str]]


def read_csv(content: bytes, options: ReadOptions) -> Content:
    """Read comma-separated text; where commas are missing, semicolons, tabs or spaces."""
    return _read(content, ",", options)


def read_tsv(content: bytes, options: ReadOptions) -> Content:
    """Read tab-separated text; where tabs are missing, semicolons or spaces."""
    return _read(content, "\t", options)


def _read(content: bytes, delimiter: str, options: ReadOptions) -> Content:
    records = _records(content, _delimiter(content, delimiter))
    line, first = next(records, (0, []))
    if not first:
        raise UserError("the file is empty")
    pandas_header = _counts(first)
    header = options.header
    if header is None:
        header = pandas_header or all(math.isnan(number(cell)) for cell in first)
    notes: tuple[str, ...] = ()
    if header:
        names = [cell.strip() for cell in first]
        check_names(names)
        if pandas_header and options.header is None:
            notes = (f"line {line} ({_shown(names)}) names the columns; header=false: it is data",)
    else:
        names = numbered_names(len(first))
    rows = TextRows(names, options)
    try:
        if not header:
            rows.add(first, line)
    except UserError as error:
        raise UserError(f"{error}; if line {line} names the columns, say header=true") from None
    for line, cells in records:
        rows.add(cells, line)
    return rows.content(notes=notes)


def _counts(cells: list[str]) -> bool:
    """Whether a first row is 0, 1, 2, ..., the names that pandas gives columns without one.

    An index that was written along stands before them, without a name.
    """
    names = cells[1:] if UNNAMED.fullmatch(cells[0]) else cells
    return len(names) > 0 and names == numbered_names(len(names))


def _shown(names: list[str]) -> str:
    return ",".join(names[:3]) + (",..." if len(names) > 3 else "")


def _delimiter(content: bytes, expected: str) -> str:
    """Return the first delimiter that splits the first rows alike, or that occurs in them."""
    candidates = (expected, ";", "\t")
    for delimiter in candidates:
        with contextlib.suppress(UserError):  # a quote may stand elsewhere with another one
            widths = {len(cells) for _, cells in islice(_records(content, delimiter), FIRST)}
            if len(widths) == 1 and widths.pop() > 1:
                return delimiter
    lines = [line for line in islice(lines_of(content), FIRST) if line.strip()]
    data = "".join(lines[1:] or lines)  # a header may have another one
    return next((each for each in candidates if each in data), WHITESPACE)


def _records(content: bytes, delimiter: str) -> Iterator[Record]:
    """Yield the cells of every row that is not blank, with the line where it ends."""
    lines = lines_of(content)
    records = _split(lines) if delimiter == WHITESPACE else _quoted(lines, delimiter)
    for line, cells in records:
        if len(cells) > 1 or (cells and cells[0].strip()):
            yield line, cells


def _split(lines: Iterable[str]) -> Iterator[Record]:
    for line, text in enumerate(lines, start=1):
        yield line, text.split()


def _quoted(lines: Iterable[str], delimiter: str) -> Iterator[Record]:
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=True)
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            raise UserError(
                f'line {reader.line_num}: a cell is not quoted as "text", with "" for a quote '
                f"inside, a quote is not closed, or it is longer than {csv.field_size_limit()}"
            ) from None
        yield reader.line_num, cells
