"""Read a user's data file into a Dataset, the format chosen by the file's suffix."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from optbench.data.dataset import Dataset, Matrix, Vector
from optbench.data.tables import read_delimited, split_target
from optbench.errors import UserError

if TYPE_CHECKING:
    from scipy.sparse import csr_array

DECOMPRESS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.decompress,
    ".bz2": bz2.decompress,
    ".xz": lzma.decompress,
}


class _Options(NamedTuple):
    """What the caller says about the columns; only tables have them."""

    target: str | int | None
    regression: bool
    header: bool | None


class _Content(NamedTuple):
    features: Matrix | csr_array
    targets: Vector
    labels: str = ""


def read_dataset(
    path: str | Path,
    target: str | int | None = None,
    regression: bool = False,
    header: bool | None = None,
) -> Dataset:
    """Read features and targets from a file.

    Parameters
    ----------
    path : str or Path
        LIBSVM (``.svm``, ``.libsvm``, ``.t``), ``.csv``, ``.tsv``, ``.parquet``, ``.npz`` or
        ``.mat``, each optionally followed by ``.gz``, ``.bz2`` or ``.xz``. The arrays of
        ``.npz`` and ``.mat`` are ``X`` and ``y``, or the only matrix and the only vector.
    target : str or int, optional
        Tables only: name or position (from 0) of the target column; the last by default.
    regression : bool
        The targets are numbers: refuse text labels, which otherwise become classes 0, 1, ...
    header : bool, optional
        CSV and TSV only: whether the first line names the columns; by default it does when none
        of its cells is a number.

    Returns
    -------
    Dataset
        Features as in the file: a csr_array from LIBSVM and sparse MATLAB matrices, else dense.

    Raises
    ------
    UserError
        If the file is missing, unreadable, of unknown suffix, empty, ragged, has a cell that is
        not a finite number, or only one distinct target.
    """
    path = Path(path)
    suffix, compression = _suffixes(path)
    if suffix not in TABLES and (target is not None or header is not None):
        raise UserError(f"{path}: a {suffix} file has no columns to name; drop target and header")
    content = _bytes(path, compression)
    try:
        features, targets, labels = READERS[suffix](content, _Options(target, regression, header))
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    except Exception as error:  # the parsers raise a dozen types on malformed files
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise UserError(f"{path}: not a readable {suffix} file ({reason})") from error
    name = path.name[: -len(suffix + compression)]
    source = f"user file {path}" + (f" (classes {labels})" if labels else "")
    dataset = Dataset(name, features, targets, source)
    if np.all(targets == targets[0]):
        raise UserError(f"{path}: every target is {targets[0]:g}; two different ones are needed")
    return dataset


def _suffixes(path: Path) -> tuple[str, str]:
    """Return the suffixes of the kind of file and of its compression, if any."""
    suffixes = [s.lower() for s in path.suffixes]
    compression = suffixes.pop() if suffixes and suffixes[-1] in DECOMPRESS else ""
    suffix = suffixes[-1] if suffixes else ""
    if suffix not in READERS:
        known = ", ".join(READERS)
        raise UserError(
            f"{path}: unknown kind of file {suffix or '(no suffix)'!r}; known: {known}, each "
            f"also with {', '.join(DECOMPRESS)}"
        )
    return suffix, compression


def _bytes(path: Path, compression: str) -> bytes:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None
    try:
        content = DECOMPRESS[compression](content) if compression else content
    except (OSError, EOFError, ValueError, lzma.LZMAError, zlib.error) as error:
        raise UserError(f"{path}: not a complete {compression} file ({error})") from None
    if not content.strip():
        raise UserError(f"{path}: the file is empty")
    return content


def _libsvm(content: bytes, options: _Options) -> _Content:
    from scipy.sparse import csr_array
    from sklearn.datasets import load_svmlight_file

    features, targets = load_svmlight_file(io.BytesIO(content), dtype=np.float64)
    if features.nnz == 0:
        raise UserError("no row has a feature (index:value)")
    return _Content(csr_array(features), targets)


def _csv(content: bytes, options: _Options) -> _Content:
    frame = read_delimited(content, ",", options.header)
    return _Content(*split_target(frame, options.target, options.regression))


def _tsv(content: bytes, options: _Options) -> _Content:
    frame = read_delimited(content, "\t", options.header)
    return _Content(*split_target(frame, options.target, options.regression))


def _parquet(content: bytes, options: _Options) -> _Content:
    import pandas as pd

    if options.header is not None:
        raise UserError("a Parquet file always names its columns; drop header")
    frame = pd.read_parquet(io.BytesIO(content))
    if frame.empty:
        raise UserError("there is no data row")
    return _Content(*split_target(frame, options.target, options.regression))


def _npz(content: bytes, options: _Options) -> _Content:
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return _matrix_and_vector(dict(arrays), options)


def _mat(content: bytes, options: _Options) -> _Content:
    from scipy.io import loadmat

    variables = loadmat(io.BytesIO(content), chars_as_strings=True)
    arrays = {k: v for k, v in variables.items() if not k.startswith("__")}
    return _matrix_and_vector(arrays, options)


def _matrix_and_vector(arrays: dict[str, Any], options: _Options) -> _Content:
    """Pick X and y by name, else the only matrix and the only vector, (n,), (n, 1) or (1, n)."""
    shapes = {name: np.shape(array) for name, array in arrays.items()}
    vectors = [k for k, s in shapes.items() if len(s) == 1 or (len(s) == 2 and min(s) == 1)]
    matrices = [k for k, s in shapes.items() if len(s) == 2 and k not in vectors]
    by_lower_name = {name.lower(): name for name in arrays}
    if "x" in by_lower_name and "y" in by_lower_name:
        matrices, vectors = [by_lower_name["x"]], [by_lower_name["y"]]
    if len(matrices) != 1 or len(vectors) != 1:
        shown = ", ".join(f"{k} {'x'.join(map(str, s))}" for k, s in shapes.items()) or "nothing"
        raise UserError(f"need a matrix X and a vector y, found {shown}")
    return _arrays(arrays[matrices[0]], arrays[vectors[0]], matrices[0], vectors[0], options)


def _arrays(x: Any, y: Any, x_name: str, y_name: str, options: _Options) -> _Content:
    import pandas as pd
    from scipy import sparse

    targets = np.ravel(y.toarray() if sparse.issparse(y) else y)
    if targets.dtype.kind == "U" and not options.regression:
        frame = pd.DataFrame({"row": np.zeros(targets.size), y_name: targets})
        _, targets, labels = split_target(frame)
    else:
        targets, labels = _real(targets, y_name), ""
    if sparse.issparse(x):
        return _Content(sparse.csr_array(x, dtype=np.float64), targets, labels)
    return _Content(np.ascontiguousarray(_real(x, x_name)), targets, labels)


def _real(array: Any, name: str) -> Matrix:
    array = np.asarray(array)
    if array.dtype.kind not in "biuf":
        raise UserError(f"variable {name!r} holds {array.dtype}; it must hold real numbers")
    real: Matrix = array.astype(np.float64)
    return real


TABLES = (".csv", ".tsv", ".parquet")
READERS: dict[str, Callable[[bytes, _Options], _Content]] = {
    ".svm": _libsvm,
    ".libsvm": _libsvm,
    ".t": _libsvm,
    ".csv": _csv,
    ".tsv": _tsv,
    ".parquet": _parquet,
    ".npz": _npz,
    ".mat": _mat,
}
