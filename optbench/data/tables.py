"""Tables of named columns (CSV, TSV, Parquet): from text cells to features and a target."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import numpy as np

from optbench.data.dataset import Matrix, Vector
from optbench.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

WHITESPACE = r"\s+"


def read_delimited(content: bytes, delimiter: str, header: bool | None = None) -> pd.DataFrame:
    """Parse delimited text.

    Parameters
    ----------
    content : bytes
        UTF-8 text, not blank.
    delimiter : str
        Expected delimiter; where the second line does not have it, a semicolon, a tab or spaces.
    header : bool, optional
        Whether the first line names the columns. By default it does when none of its cells is a
        number.

    Returns
    -------
    pandas.DataFrame
        Columns named by the header, or ``"1"``, ``"2"``, ... without one.

    Raises
    ------
    UserError
        If there is no data row, or the rows have different numbers of cells.
    """
    import pandas as pd

    text = content.decode("utf-8-sig")
    lines = [line for line in io.StringIO(text) if line.strip()]
    delimiter = _delimiter(lines[min(1, len(lines) - 1)], delimiter)
    cells = _cells(lines[0], delimiter)
    if header is None:
        header = not any(_is_number(cell) for cell in cells)
    body = "".join(lines[1:] if header else lines)
    if not body:
        raise UserError("there is no data row")
    try:
        frame = pd.read_csv(
            io.StringIO(body),
            sep=delimiter,
            header=None,
            skipinitialspace=True,
            low_memory=False,
        )
    except pd.errors.ParserError as error:
        reason = str(error).removeprefix("Error tokenizing data. C error: ").strip()
        raise UserError(f"the rows have different numbers of cells ({reason})") from None
    names = cells if header else [str(k + 1) for k in range(frame.shape[1])]
    if len(names) != frame.shape[1]:
        raise UserError(f"the header names {len(names)} columns but the rows have {frame.shape[1]}")
    frame.columns = pd.Index(names)
    return frame


def split_target(
    frame: pd.DataFrame, target: str | int | None = None, regression: bool = False
) -> tuple[Matrix, Vector, str]:
    """Split a table into numeric features and the target column.

    Parameters
    ----------
    frame : pandas.DataFrame, n rows
        All columns but the target must be numeric.
    target : str or int, optional
        Name of the target column, or its position from 0 (negative: from the end). By default
        the last column.
    regression : bool
        Refuse text in the target instead of numbering its classes.

    Returns
    -------
    features : ndarray, shape (n, d), float64
    targets : ndarray, shape (n,), float64
        Text labels are numbered 0, 1, ... in sorted order.
    labels : str
        What the numbers stand for, ``"b = 0, g = 1"``, or empty.

    Raises
    ------
    UserError
        If the target column is missing, or a cell is empty, not a number or not finite.
    """
    position = _target_position(list(map(str, frame.columns)), target)
    column = frame.iloc[:, position]
    rest = [k for k in range(frame.shape[1]) if k != position]
    if not rest:
        raise UserError("there is no feature column beside the target")
    features = np.empty((len(frame), len(rest)))
    for k, index in enumerate(rest):
        features[:, k] = _numbers(frame.iloc[:, index], "column")
    if regression or not _is_text(column):
        return features, _numbers(column, "target column"), ""
    targets, labels = _numbered_labels(column)
    return features, targets, labels


def _delimiter(line: str, expected: str) -> str:
    for delimiter in (expected, ";", "\t"):
        if delimiter in line:
            return delimiter
    return WHITESPACE


def _cells(line: str, delimiter: str) -> list[str]:
    if delimiter == WHITESPACE:
        return line.split()
    return [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter))]


def _target_position(names: list[str], target: str | int | None) -> int:
    if target is None:
        return len(names) - 1
    if isinstance(target, str) and target in names:
        return names.index(target)
    try:
        position = int(target)
    except ValueError:
        shown = ", ".join(names[:20]) + (", ..." if len(names) > 20 else "")
        raise UserError(f"no column {target!r} for the target; the columns are {shown}") from None
    if not -len(names) <= position < len(names):
        raise UserError(f"no column at position {position}; there are {len(names)}, from 0")
    return position % len(names)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _is_text(column: pd.Series) -> bool:
    import pandas as pd

    return not pd.api.types.is_numeric_dtype(column)


def _numbers(column: pd.Series, role: str) -> Vector:
    """Column as float64; the first cell that is not a finite number is named in the error."""
    import pandas as pd

    if np.iscomplexobj(column.to_numpy()):
        raise UserError(f"{role} {column.name!r} is complex; it must be real")
    values = pd.to_numeric(column, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    bad = np.flatnonzero(~np.isfinite(values))
    if bad.size:
        cell = column.iloc[bad[0]]
        found = "is missing or NaN" if pd.isna(cell) else f"is {str(cell)[:40]!r}"
        raise UserError(
            f"{role} {column.name!r}, data row {bad[0] + 1} {found}; it must be a finite number"
        )
    return np.asarray(values, dtype=np.float64)


def _numbered_labels(column: pd.Series) -> tuple[Vector, str]:
    """Text labels numbered in sorted order; a mix of numbers and text is a typing error."""
    if column.isna().any():
        row = int(np.flatnonzero(column.isna())[0]) + 1
        raise UserError(f"target column {column.name!r}, data row {row} is missing")
    cells = [str(cell).strip() for cell in column]
    numeric = [_is_number(cell) for cell in cells]
    if any(numeric):
        row = numeric.index(False)
        raise UserError(
            f"target column {column.name!r} mixes numbers and text (data row {row + 1} is "
            f"{cells[row][:40]!r}); it must be all numbers or all labels"
        )
    classes, numbers = np.unique(cells, return_inverse=True)
    shown = [f"{label} = {k}" for k, label in enumerate(classes[:10])]
    return numbers.astype(np.float64), ", ".join(shown) + (", ..." if len(classes) > 10 else "")
