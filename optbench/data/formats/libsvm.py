"""LIBSVM text: a label and ``index:value`` pairs a line, ``# comments`` and ``qid:`` ignored.

Read here and not by scikit-learn, which takes seconds to import, reads ``1_0`` as 10 and does not
say in which line an error is; the tests compare with it.
"""

from __future__ import annotations

import math
import re
from array import array
from itertools import islice

import numpy as np

from optbench.data.formats.cells import number
from optbench.data.formats.content import Content, ReadOptions
from optbench.data.formats.text import lines_of
from optbench.errors import UserError

LINE = re.compile(r"[^\s:,;]+(\s+qid:\d+)?(\s+\d+:[^\s:]+)*")
PAIR = re.compile(r"\s\d+:")
# Engine and SciPy keep the columns of a sparse matrix as 32-bit integers.
LARGEST_INDEX = 2**31 - 2


def looks_like_libsvm(content: bytes) -> bool:
    """Whether the first lines are labels and pairs, at least one of them a pair."""
    try:
        texts = (line.partition("#")[0].strip() for line in lines_of(content))
        lines = list(islice(filter(None, texts), 20))
    except UserError:  # no text
        return False
    return all(map(LINE.fullmatch, lines)) and any(map(PAIR.search, lines))


def read_libsvm(content: bytes, options: ReadOptions) -> Content:
    """Read sparse rows; indices count from 0 if one of them is 0, else from 1."""
    from scipy.sparse import csr_array

    options.refuse("LIBSVM, where each line begins with its target", "target", "header")
    targets, starts = array("d"), array("q", [0])
    indices, values = array("q"), array("d")
    for line, text in enumerate(lines_of(content), start=1):
        label, *pairs = text.partition("#")[0].split() or [""]
        if not label:
            continue
        if pairs and pairs[0].startswith("qid:"):
            del pairs[0]
        try:
            target, found, numbers = _row(label, pairs)
        except UserError as error:
            raise UserError(f"line {line}: {error}") from None
        targets.append(target)
        indices.extend(found)
        values.extend(numbers)
        starts.append(len(indices))
    if not indices:
        raise UserError("no row has a feature (index:value)")
    columns = np.frombuffer(indices, np.int64)
    columns -= min(columns.min(), 1)
    shape = (len(targets), int(columns.max()) + 1)
    features = csr_array((np.frombuffer(values), columns, np.frombuffer(starts, np.int64)), shape)
    return Content(features, np.frombuffer(targets))


def _row(label: str, pairs: list[str]) -> tuple[float, list[int], list[float]]:
    """Return target, indices and values of one line."""
    text = "".join(pairs)
    if text.isascii() and "_" not in text:  # what int and float read is then a number
        try:
            flat = ":".join(pairs).split(":") if pairs else []
            indices, values = list(map(int, flat[::2])), list(map(float, flat[1::2]))
        except ValueError:
            pass
        else:
            target = number(label)
            ascending = all(map(int.__lt__, [-1, *indices], indices))
            short = not indices or indices[-1] <= LARGEST_INDEX
            whole = len(flat) == 2 * len(pairs) and text.count(":") == len(pairs)
            if whole and ascending and short and math.isfinite(target + sum(values)):
                return target, indices, values
    return _checked_row(label, pairs)


def _checked_row(label: str, pairs: list[str]) -> tuple[float, list[int], list[float]]:
    """Return the same, pair by pair, or say which one is wrong."""
    target = number(label)
    if math.isnan(target):
        raise UserError(f"the target is {label[:40]!r}; it must be a finite number")
    indices, values = [-1], []
    for pair in pairs:
        index, colon, text = pair.partition(":")
        if not colon or not re.fullmatch("[0-9]+", index) or math.isnan(number(text)):
            raise UserError(f"{pair[:40]!r} must be index:value, such as 3:0.5, a finite number")
        if int(index) > LARGEST_INDEX:
            raise UserError(f"index {index[:40]} is larger than {LARGEST_INDEX}")
        if int(index) <= indices[-1]:
            raise UserError(f"index {index} after {indices[-1]}; indices must ascend in a line")
        indices.append(int(index))
        values.append(number(text))
    return target, indices[1:], values
