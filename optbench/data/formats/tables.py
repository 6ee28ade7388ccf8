"""Tables of columns: which one is the target, and rows of text cells as features and targets."""

from __future__ import annotations

import re
from array import array
from collections.abc import Collection, Sequence

import numpy as np

from optbench.data.dataset import Matrix
from optbench.data.formats.cells import feature_row, targets
from optbench.data.formats.content import Content, ReadOptions
from optbench.errors import UserError

INTEGER = re.compile(r"-?[0-9]+")
# pandas reads a column without a name back under this one.
UNNAMED = re.compile(r"(Unnamed: [0-9]+)?")


def check_names(names: Sequence[str]) -> None:
    """Refuse a column without a name, which is an index that was written along, and twins.

    Raises
    ------
    UserError
        Naming the columns, by position from 0.
    """
    for position, name in enumerate(names):
        if UNNAMED.fullmatch(name.strip()):
            raise UserError(
                f"column {position} has no name ({name.strip()!r}), as the row numbers or names "
                "that pandas and R write: remove it (to_csv(index=False), row.names=FALSE) or "
                "name it to keep it as a feature"
            )
        first = names.index(name)
        if first != position:
            raise UserError(
                f"columns {first} and {position} are both called {name!r}; names must differ"
            )


def numbered_names(count: int) -> list[str]:
    """Names of columns that have none: their positions."""
    return [str(position) for position in range(count)]


def target_position(names: Sequence[str], target: str | int | None) -> int:
    """Return the position of the target column: by name, by position from 0, else the last.

    Raises
    ------
    UserError
        When there is no such column, there is no other, or a number names one column and is the
        position of another.
    """
    count = len(names)
    if not isinstance(target, str) or target not in names:
        if isinstance(target, str) and not INTEGER.fullmatch(target):
            shown = ", ".join(names[:20]) + (", ..." if count > 20 else "")
            raise UserError(f"no column {target!r} for the target; the columns are {shown}")
        return column_position(count, target)
    column_position(count, None)
    named = names.index(target)
    if not INTEGER.fullmatch(target) or not -count <= int(target) < count:
        return named
    position = int(target) % count
    if position != named:
        raise UserError(
            f"target={target} is the name of column {named} and the position of column "
            f"{names[position]!r}; count from the end to say which: target={named - count} or "
            f"target={position - count}"
        )
    return named


def column_position(count: int, target: str | int | None) -> int:
    """Return the position of the target in columns without names.

    Raises
    ------
    UserError
        When there is no such position, or no column beside the target.
    """
    if count < 2:
        raise UserError("there is no feature column beside the target")
    if target is None:
        return count - 1
    if not INTEGER.fullmatch(str(target)) or not -count <= int(target) < count:
        raise UserError(
            f"no column at position {target} for the target; positions are 0 to {count - 1}"
        )
    return int(target) % count


def index_notes(features: Matrix, name: str, position: int) -> tuple[str, ...]:
    """Return a note when the first column of a table counts the rows, as an index does."""
    first = features[:, 0]
    # Two rows count by chance.
    if position == 0 or len(first) < 3 or first[0] not in (0.0, 1.0):
        return ()
    if not np.array_equal(first, first[0] + np.arange(len(first))):
        return ()
    start = int(first[0])
    return (
        f"column {name!r} counts the rows {start}, {start + 1}, {start + 2}, ...: "
        "remove it from the file if it is an index",
    )


class TextRows:
    """Rows of text cells, turned into numbers one by one.

    Parameters
    ----------
    names : sequence of str
        One per column.
    options : ReadOptions
        Which column is the target, and whether it may be text.
    """

    def __init__(self, names: Sequence[str], options: ReadOptions) -> None:
        self._position = target_position(names, options.target)
        self._regression = options.regression
        self._names = list(names)
        self._target = self._names.pop(self._position)
        self._width = len(names)
        self._values = array("d")
        self._targets: list[str] = []
        self._lines: list[int] = []

    def add(self, cells: list[str], line: int) -> None:
        """Append the row in this line of the file.

        Raises
        ------
        UserError
            When it has another number of cells, or a feature is not a finite number.
        """
        if len(cells) != self._width:
            raise UserError(
                f"line {line} has {len(cells)} cells, not {self._width}; all rows must have as "
                "many as the first line"
            )
        self._targets.append(cells.pop(self._position))
        self._values.extend(feature_row(cells, self._names, f"line {line}"))
        self._lines.append(line)

    def content(self, declared: Collection[str] = (), notes: tuple[str, ...] = ()) -> Content:
        """Return all rows.

        Parameters
        ----------
        declared : collection of str
            Columns whose labels the file declares.
        notes : tuple of str
            What else is to be said of the file.

        Raises
        ------
        UserError
            When there is no row, or a target is missing or wrong.
        """
        if not self._lines:
            raise UserError("there is no data row")
        features = np.frombuffer(self._values).reshape(len(self._lines), len(self._names))
        numbers, labels = targets(
            self._targets,
            self._target,
            lambda k: f"line {self._lines[k]}",
            self._regression,
            self._target in declared,
        )
        notes += index_notes(features, self._names[0], self._position)
        return Content(features, numbers, labels, notes)
