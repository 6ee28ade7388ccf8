"""Files of named arrays (``.npz`` and MATLAB's): a matrix X and a vector y, dense or sparse."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from optbench.data.formats import columns
from optbench.data.formats.content import Content, ReadOptions
from optbench.errors import UserError

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    Variables = Mapping[str, NDArray[Any] | csr_array]

# The names of features and targets, compared without regard to case.
PAIRS = (("X", "y"), ("X_train", "y_train"), ("data", "target"))
SPARSE_KEYS = {"format", "shape", "data"}  # of scipy.sparse.save_npz


def read_npz(content: bytes, options: ReadOptions) -> Content:
    """Read arrays of ``numpy.savez``, or the one matrix of ``scipy.sparse.save_npz``."""
    from scipy import sparse

    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        names = archive.files
        if set(names) >= SPARSE_KEYS:
            options.refuse("a sparse matrix, whose columns have no names", "header")
            matrix = sparse.load_npz(io.BytesIO(content))
            return columns.sparse_table(canonical(matrix), options)
        variables, unread = {}, {}
        for name in names:
            try:
                variables[name] = archive[name]
            except ValueError:
                unread[name] = "Python objects, which only pickle reads; save text as y.astype(str)"
    return pick(variables, unread, options)


def pick(variables: Variables, unread: Mapping[str, str], options: ReadOptions) -> Content:
    """Return features and targets by their names, else the only matrix and vector that fit.

    Parameters
    ----------
    variables : mapping of str to array or csr_array
        All that the file holds.
    unread : mapping of str to str
        Variables that are no arrays of numbers or text, and what they are.
    options : ReadOptions
        Only ``regression`` has a meaning.

    Raises
    ------
    UserError
        When there are no such two, or they hold something else than real numbers or labels.
    """
    options.refuse("a file of named arrays, which holds X and y", "target", "header")
    x, y = _named({*variables, *unread}) or _only(variables, unread)
    for name in (x, y):
        if name in unread:
            raise UserError(f"variable {name!r} holds {unread[name]}")
    targets, labels = _targets(variables[y], y, options.regression)
    features = variables[x]
    # Said before anything is made: a damaged file may claim more rows than memory holds.
    if features.ndim == 2 and features.shape[0] != targets.size:
        raise UserError(
            f"{features.shape[0]} rows of features but {targets.size} targets; there must be one "
            "target per row"
        )
    notes = () if {x.lower(), y.lower()} == {"x", "y"} else (f"features {x}, targets {y}",)
    if isinstance(features, np.ndarray):
        return Content(_matrix(features, x), targets, labels, notes)
    return Content(canonical(features), targets, labels, notes)


def canonical(matrix: Any) -> csr_array:
    """Return a sparse matrix of real numbers by rows, no entry twice.

    Raises
    ------
    UserError
        When it is complex, or its indices point outside: SciPy's conversions would follow them.
    """
    from scipy.sparse import csr_array

    if matrix.ndim != 2:
        raise UserError(f"the sparse array has {matrix.ndim} dimension(s); it must be a matrix")
    if matrix.dtype.kind not in "biuf":
        raise UserError(f"the sparse matrix holds {matrix.dtype}; it must hold real numbers")
    try:
        if hasattr(matrix, "check_format"):
            matrix.check_format(full_check=True)
    except ValueError:
        raise UserError("the sparse matrix has indices outside of its shape") from None
    rows = csr_array(matrix, dtype=np.float64)
    rows.sum_duplicates()
    return rows


def _named(names: set[str]) -> tuple[str, str] | None:
    for pair in PAIRS:
        found = [_spelled(name, names) for name in pair]
        if found[0] and found[1]:
            return found[0], found[1]
    return None


def _spelled(name: str, names: set[str]) -> str | None:
    """Return the name as it is, else the only one that differs in case."""
    alike = [each for each in names if each.lower() == name.lower()]
    return name if name in alike else alike[0] if len(alike) == 1 else None


def _only(variables: Variables, unread: Mapping[str, str]) -> tuple[str, str]:
    shapes = {name: array.shape for name, array in variables.items()}
    matrices = [name for name, s in shapes.items() if len(s) == 2 and min(s) > 1]
    vectors = [
        name
        for name, shape in shapes.items()
        if name not in matrices and matrices and _length(shape) == shapes[matrices[0]][0]
    ]
    if len(matrices) != 1 or len(vectors) != 1:
        shown = [f"{name} {_shape_text(shape)}" for name, shape in shapes.items()]
        shown += [f"{name} (unreadable)" for name in unread]
        raise UserError(f"need a matrix X and a vector y, found {', '.join(shown) or 'nothing'}")
    return matrices[0], vectors[0]


def _length(shape: tuple[int, ...]) -> int:
    """Return the length of a vector (n,), (n, 1) or (1, n), else -1."""
    return max(shape) if len(shape) in (1, 2) and max(shape) == np.prod(shape) else -1


def _shape_text(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "a number"


def _targets(values: Any, name: str, regression: bool) -> tuple[NDArray[Any], tuple[str, ...]]:
    if _length(values.shape) < 0:
        raise UserError(f"variable {name!r} is {_shape_text(values.shape)}; it must be a vector")
    dense = values if isinstance(values, np.ndarray) else values.toarray()
    return columns.targets(dense.ravel(), name, regression)


def _matrix(values: NDArray[Any], name: str) -> NDArray[np.float64]:
    if values.ndim != 2:
        raise UserError(
            f"variable {name!r} is {_shape_text(values.shape)}; it must be a matrix, one row a "
            "sample"
        )
    if values.dtype.kind not in "biuf":
        raise UserError(f"variable {name!r} holds {values.dtype}; it must hold real numbers")
    return np.ascontiguousarray(values, dtype=np.float64)
