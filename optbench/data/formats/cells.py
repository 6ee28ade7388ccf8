"""Text cells as numbers, targets or one clear line that says which cell is wrong."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence

import numpy as np

from optbench.data.dataset import Vector
from optbench.errors import UserError

BOOLEANS = {"true": 1.0, "false": 0.0}
DATE = re.compile(r"\d{1,4}([-/.])\d{1,2}\1\d{1,4}([T ].*)?")

Place = Callable[[int], str]


def number(cell: str) -> float:
    """Return the finite number that a cell says, else NaN.

    ``float`` also reads ``1_000`` and the digits of other scripts, which are typing errors here.
    """
    if "_" in cell or not cell.isascii():
        return math.nan
    try:
        value = float(cell)
    except ValueError:
        return math.nan
    return value if math.isfinite(value) else math.nan


def feature_row(cells: Sequence[str], names: Sequence[str], place: str) -> list[float]:
    """Return one row of features; ``place`` says in errors where it stands.

    Raises
    ------
    UserError
        When a cell is not a finite number.
    """
    text = "".join(cells)
    if text.isascii() and "_" not in text:  # what float reads is then a number
        try:
            row = [float(cell) for cell in cells]
        except ValueError:
            pass
        else:
            if math.isfinite(sum(row)):
                return row
    return [
        value(cell, f"{place}, column {name!r}") for cell, name in zip(cells, names, strict=True)
    ]


def value(cell: str, where: str) -> float:
    """Return the number or truth value that a cell says.

    Raises
    ------
    UserError
        When it is empty, not a number or not finite.
    """
    found = number(cell)
    if not math.isnan(found):
        return found
    text = cell.strip()
    if text.lower() in BOOLEANS:
        return BOOLEANS[text.lower()]
    if not text:
        raise UserError(f"{where} is missing; it must be a finite number")
    if DATE.fullmatch(text):
        raise UserError(
            f"{where} is the date {text[:40]!r}; write dates as numbers, such as days since a "
            "first one, or leave the column out"
        )
    raise UserError(f"{where} is {text[:40]!r}; it must be a finite number")


def targets(
    cells: Sequence[str], name: str, place: Place, regression: bool, declared: bool = False
) -> tuple[Vector, tuple[str, ...]]:
    """Return the targets of text cells, and the labels of their classes if they are text.

    Parameters
    ----------
    cells : sequence of str
        Empty where the target is missing; every other text is a label, also ``NA``.
    name : str
        The column, for errors.
    place : callable
        Where the k-th cell stands: ``line 7``.
    regression : bool
        Refuse labels.
    declared : bool
        The file declares the labels, so that some may look like numbers.

    Raises
    ------
    UserError
        When a cell is missing, not a number in a regression, or numbers and text are mixed.
    """

    def where(k: int) -> str:
        return f"{place(k)}, target column {name!r}"

    if regression:
        return np.array([value(cell, where(k)) for k, cell in enumerate(cells)]), ()
    texts = [cell.strip() for cell in cells]
    if "" in texts:
        raise UserError(f"{where(texts.index(''))} is missing; it must be a class")
    numbers = np.array([number(text) for text in texts])
    is_text = np.isnan(numbers)
    if not is_text.any():
        return numbers, ()
    if not is_text.all() and not declared:
        k = int(np.flatnonzero(is_text)[0])
        raise UserError(
            f"target column {name!r} mixes numbers and text ({place(k)} is {texts[k][:40]!r}); it "
            "must be all numbers or all labels"
        )
    labels, classes = np.unique(texts, return_inverse=True)
    return classes.astype(np.float64), tuple(map(str, labels))
