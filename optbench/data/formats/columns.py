"""Tables that hold values, not text: Parquet, one NumPy matrix or record array."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from optbench.data.dataset import Vector
from optbench.data.formats import cells
from optbench.data.formats.content import Content, ReadOptions
from optbench.data.formats.tables import (
    check_names,
    column_position,
    index_notes,
    numbered_names,
    target_position,
)
from optbench.errors import UserError

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Column = NDArray[Any]


def read_parquet(content: bytes, options: ReadOptions) -> Content:
    """Read a Parquet file; an index that pandas stored is no column."""
    import pandas as pd

    options.refuse("Parquet, which names its columns", "header")
    frame = pd.read_parquet(io.BytesIO(content))
    names = [str(name) for name in frame.columns]
    check_names(names)
    return _table(names, [_values(frame.iloc[:, k]) for k in range(len(names))], options)


def read_npy(content: bytes, options: ReadOptions) -> Content:
    """Read a matrix, whose last column is the target by default, or an array of records."""
    options.refuse(".npy, whose columns are fields or positions", "header")
    return table_of(np.load(io.BytesIO(content), allow_pickle=False), options)


def table_of(values: NDArray[Any], options: ReadOptions) -> Content:
    """Return features and target of a matrix of numbers or text, or an array of records."""
    if values.dtype.names and values.ndim == 1:
        names = list(values.dtype.names)
        return _table(names, [values[name] for name in names], options)
    if values.ndim != 2:
        shape = "x".join(map(str, values.shape)) or "a single number"
        raise UserError(f"the array is {shape}; it must be a matrix of rows, one column the target")
    return _table(numbered_names(values.shape[1]), list(values.T), options)


def sparse_table(matrix: csr_array, options: ReadOptions) -> Content:
    """Return the other columns of a sparse matrix, still sparse, and its target column."""
    from scipy.sparse import csr_array

    count, width = matrix.shape
    position = column_position(width, options.target)
    entries = matrix.tocoo()
    is_target = entries.col == position
    targets = np.zeros(count)
    targets[entries.row[is_target]] = entries.data[is_target]
    rows, columns = entries.row[~is_target], entries.col[~is_target]
    columns = columns - (columns > position)
    rest = csr_array((entries.data[~is_target], (rows, columns)), shape=(count, width - 1))
    return Content(rest, targets)


def _values(column: Any) -> Column:
    """Values of a column of pandas; what is missing is None."""
    import pandas as pd

    if pd.api.types.is_numeric_dtype(column.dtype) and not column.isna().any():
        return np.asarray(column.to_numpy())
    values = np.empty(len(column), dtype=object)
    values[:] = column.tolist()
    values[column.isna().to_numpy()] = None
    return values


def _table(names: list[str], columns: list[Column], options: ReadOptions) -> Content:
    position = target_position(names, options.target)
    if not len(columns[0]):
        raise UserError("there is no data row")
    target = columns.pop(position)
    name = names.pop(position)
    features = np.empty((len(target), len(columns)))
    for k, column in enumerate(columns):
        features[:, k] = numbers(column, f"column {names[k]!r}")
    notes = index_notes(features, names[0], position)
    return Content(features, *targets(target, name, options.regression), notes)


def targets(column: Column, name: str, regression: bool) -> tuple[Vector, tuple[str, ...]]:
    """Return targets and class labels of values, which are numbers or text."""
    if column.dtype.kind in "iuf":
        return numbers(column, f"target column {name!r}"), ()
    _refuse_complex(column, f"target column {name!r}")
    return cells.targets(_texts(column), name, _place, regression)


def numbers(column: Column, what: str) -> Vector:
    """Return finite float64 of numbers, truth values or text; ``what`` names them in errors.

    Raises
    ------
    UserError
        For the first value that is missing, not a number or not finite.
    """
    _refuse_complex(column, what)
    if column.dtype.kind in "biuf":
        values = column.astype(np.float64)
        bad = np.flatnonzero(~np.isfinite(values))
        if bad.size:
            raise UserError(
                f"{_place(int(bad[0]))}, {what} is {values[bad[0]]}; it must be a finite number"
            )
        return np.asarray(values)
    if column.dtype.kind in "mM":
        raise UserError(
            f"{what} holds dates ({column[0]}); write dates as numbers, such as days since a "
            "first one, or leave the column out"
        )
    texts = _texts(column)
    return np.array([cells.value(text, f"{_place(k)}, {what}") for k, text in enumerate(texts)])


def _refuse_complex(column: Column, what: str) -> None:
    if column.dtype.kind == "c":
        raise UserError(f"{what} is complex; it must be real")


def _texts(column: Column) -> list[str]:
    values = column.tolist()
    if column.dtype.kind == "S":
        return [value.decode("utf-8", "replace") for value in values]
    return ["" if value is None else str(value) for value in values]


def _place(k: int) -> str:
    return f"row {k + 1}"
