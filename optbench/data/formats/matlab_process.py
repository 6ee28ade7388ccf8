"""Turn a MATLAB file into an ``.npz``: a program of its own, so that a crash ends only it.

``python matlab_process.py FILE.mat OUT.npz``; exit code 2 and one line where the file is damaged,
3 where a package is missing.
Array k of OUT is the variable ``names[k]``: ``k``, or ``k.data``, ``k.indices``, ``k.indptr`` and
``k.shape`` of a sparse one by columns; ``unread`` and ``reasons`` say which could not be read.
"""

from __future__ import annotations

import contextlib
import os
import sys
from typing import Any

import numpy as np

MEMORY, MEMORY_PER_BYTE = 2**32, 300  # of address space; compression by 100 is rare
HDF5 = b"\x89HDF\r\n\x1a\n"
NEEDS_H5PY = (
    "a MATLAB v7.3 file is HDF5: pip install 'optbench[hdf5]', or save it in MATLAB with -v7"
)
OBJECT = "a MATLAB object (string, categorical, table, ...); save text as cellstr(y)"
STRUCTURE = "a structure; save its fields as variables of their own"
MIXED = "a cell array of something else than text"
COMPLEX = "complex numbers; it must hold real numbers"
NUMERIC = (
    "double",
    "single",
    "logical",
    *(f"{u}int{b}" for u in ("", "u") for b in (8, 16, 32, 64)),
)


class NotArrayError(Exception):
    """A variable that is no array of numbers or text; the message says what it is."""


def main(path: str, out: str) -> None:
    """Read one file and write the other."""
    variables = hdf5_variables(path) if is_hdf5(path) else scipy_variables(path)
    arrays: dict[str, Any] = {}
    names: list[str] = []
    unread: dict[str, str] = {}
    for name, (convert, value) in variables.items():
        try:
            parts = flat(convert(value))
        except NotArrayError as error:
            unread[name] = str(error)
            continue
        arrays.update({f"{len(names)}{part}": array for part, array in parts.items()})
        names.append(name)
    arrays["names"] = np.array(names, dtype=str)
    arrays["unread"] = np.array(list(unread), dtype=str)
    arrays["reasons"] = np.array(list(unread.values()), dtype=str)
    np.savez(out, **arrays)


def limit_memory(path: str) -> None:
    """Let no size that a damaged file claims take more memory than its bytes can stand for."""
    try:
        import resource
    except ImportError:  # not on Windows
        return
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    wanted = MEMORY + MEMORY_PER_BYTE * os.path.getsize(path)
    limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    with contextlib.suppress(OSError, ValueError):  # not on every system
        resource.setrlimit(resource.RLIMIT_AS, (limit, hard))


def flat(array: Any) -> dict[str, Any]:
    """Return the arrays that make up a variable; a sparse one has several."""
    from scipy import sparse

    if not sparse.issparse(array):
        return {"": array}
    columns = sparse.csc_array(array)
    columns.check_format(full_check=True)
    return {
        ".data": columns.data,
        ".indices": columns.indices,
        ".indptr": columns.indptr,
        ".shape": np.array(columns.shape),
    }


def is_hdf5(path: str) -> bool:
    """Whether it is HDF5, which begins after a block of 512 bytes in MATLAB's files."""
    with open(path, "rb") as file:
        start = file.read(520)
    return HDF5 in (start[:8], start[512:])


def scipy_variables(path: str) -> dict[str, Any]:
    """Return the variables of a file up to version 7, each with the function that converts it."""
    from scipy.io import loadmat

    found = loadmat(path, chars_as_strings=True)
    return {name: (plain, value) for name, value in found.items() if name[:2] != "__"}


def plain(value: Any) -> Any:
    """Return an array of numbers or text; a cell array of texts becomes one."""
    from scipy import sparse

    if sparse.issparse(value):
        return value
    if not isinstance(value, np.ndarray) or type(value).__name__ == "MatlabOpaque":
        raise NotArrayError(OBJECT)
    if value.dtype.names:
        raise NotArrayError(STRUCTURE)
    if value.dtype.kind != "O":
        return value
    return texts([np.asarray(cell) for cell in value.ravel(order="F")], value.shape)


def texts(cells: list[Any], shape: tuple[int, ...]) -> Any:
    """Return a cell array as an array of text."""
    if any(cell.dtype.kind != "U" or cell.size > 1 for cell in cells):
        raise NotArrayError(MIXED)
    rows = [str(cell.ravel()[0]) if cell.size else "" for cell in cells]
    return np.array(rows, dtype=str).reshape(shape, order="F")


def hdf5_variables(path: str) -> dict[str, Any]:
    """Return the variables of a file of version 7.3, each with the function that converts it."""
    try:
        import h5py
    except ImportError:
        print(NEEDS_H5PY, file=sys.stderr)
        sys.exit(3)
    file = h5py.File(path, "r")
    return {name: (hdf5_array, file[name]) for name in file if not name.startswith("#")}


def hdf5_array(item: Any) -> Any:
    """Return an array of numbers or text, or a sparse matrix, of one item of HDF5."""
    import h5py
    from scipy.sparse import csc_array

    kind = bytes(item.attrs.get("MATLAB_class", b"double")).decode()
    if "MATLAB_sparse" in item.attrs:
        starts = item["jc"][()].ravel().astype(np.int64)
        shape = (int(item.attrs["MATLAB_sparse"]), len(starts) - 1)
        if "ir" not in item:  # no entry
            return csc_array(shape)
        rows = item["ir"][()].ravel().astype(np.int64)
        return csc_array((item["data"][()].ravel(), rows, starts), shape=shape)
    if not isinstance(item, h5py.Dataset):
        raise NotArrayError(STRUCTURE)
    if item.attrs.get("MATLAB_empty", 0):
        return np.array([], dtype=str if kind == "char" else float)
    if kind == "char":
        return characters(item)
    if kind == "cell":
        cells = [item.file[reference] for reference in item[()].T.ravel(order="F")]
        if any(cell.attrs.get("MATLAB_class", b"") != b"char" for cell in cells):
            raise NotArrayError(MIXED)
        return texts([np.asarray(hdf5_array(cell)) for cell in cells], item.shape[::-1])
    if item.dtype.names == ("real", "imag"):
        raise NotArrayError(COMPLEX)
    if kind not in NUMERIC or item.dtype.kind not in "biuf":
        raise NotArrayError(OBJECT)
    return item[()].T


def characters(item: Any) -> Any:
    """Return the rows of a matrix of 16-bit characters as text."""
    codes = np.ascontiguousarray(np.atleast_2d(item[()].T), dtype="<u2")
    return np.array([row.tobytes().decode("utf-16-le").rstrip() for row in codes], dtype=str)


if __name__ == "__main__":
    try:
        limit_memory(sys.argv[1])
        main(*sys.argv[1:])
    except Exception as error:  # malformed files raise a dozen types
        print((str(error).strip().splitlines() or [type(error).__name__])[0], file=sys.stderr)
        sys.exit(2)
