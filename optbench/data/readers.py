"""Read a user's data file into a Dataset, whatever its format."""

from __future__ import annotations

import bz2
import codecs
import gzip
import lzma
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from optbench.data.dataset import Dataset, printable
from optbench.data.formats.arff import read_arff
from optbench.data.formats.arrays import read_npz
from optbench.data.formats.columns import read_npy, read_parquet
from optbench.data.formats.content import Content, ReadOptions
from optbench.data.formats.delimited import read_csv, read_tsv
from optbench.data.formats.libsvm import looks_like_libsvm, read_libsvm
from optbench.data.formats.matlab import read_mat
from optbench.errors import UserError

DECOMPRESS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.decompress,
    ".bz2": bz2.decompress,
    ".xz": lzma.decompress,
}
READERS: dict[str, Callable[[bytes, ReadOptions], Content]] = {
    "csv": read_csv,
    "tsv": read_tsv,
    "libsvm": read_libsvm,
    "arff": read_arff,
    "parquet": read_parquet,
    "npy": read_npy,
    "npz": read_npz,
    "mat": read_mat,
}
KINDS = tuple(READERS)
KIND_OF_SUFFIX = {
    **{f".{kind}": kind for kind in KINDS},
    **dict.fromkeys((".svm", ".svmlight", ".t"), "libsvm"),
}
# Suffixes of text in which UCI and others ship tables, and the LIBSVM page its own format.
TEXT_SUFFIXES = (".txt", ".data", ".dat")
MAGIC = {
    b"\x93NUMPY": "npy",
    b"PAR1": "parquet",
    b"MATLAB 5.0 MAT-file": "mat",
    b"MATLAB 7.3 MAT-file": "mat",
}


def read_dataset(
    path: str | Path,
    target: str | int | None = None,
    regression: bool = False,
    header: bool | None = None,
    kind: str | None = None,
) -> Dataset:
    """Read features and targets from a file.

    Parameters
    ----------
    path : str or Path
        A file of one of :data:`KINDS`, also compressed: ``.gz``, ``.bz2`` or ``.xz``.
    target : str or int, optional
        Tables only (CSV, TSV, ARFF, Parquet, one NumPy or sparse matrix): name or position (from
        0; negative: from the end) of the target column; the last by default.
    regression : bool
        The targets are numbers: refuse text labels, which otherwise become classes 0, 1, ...
    header : bool, optional
        CSV and TSV only: whether the first line names the columns; by default it does when none
        of its cells is a number, or when they are 0, 1, 2, ..., as pandas names columns.
    kind : str, optional
        One of :data:`KINDS`; by default the suffix tells, or the content where it is unmistakable
        (LIBSVM files often have no suffix of their own: ``a1a``, ``covtype.binary.bz2``).

    Returns
    -------
    Dataset
        Features as in the file: a csr_array from LIBSVM and sparse matrices, else dense.

    Raises
    ------
    UserError
        If the file is missing, unreadable, of unknown kind, empty, ragged, has a cell that is
        not a finite number, or only one distinct target.
    """
    path = Path(path)
    compression = path.suffix.lower() if path.suffix.lower() in DECOMPRESS else ""
    plain = path.with_suffix("") if compression else path
    try:
        content = _bytes(path, compression)
        kind = kind or _kind(plain.suffix.lower(), content)
        found = _read(kind, content, ReadOptions(target, header, regression))
    except UserError as error:
        raise UserError(f"{path}: {printable(str(error))}") from None
    known = plain.suffix.lower() in (*KIND_OF_SUFFIX, *TEXT_SUFFIXES)
    dataset = Dataset(
        plain.stem if known else plain.name,
        found.features,
        found.targets,
        printable("; ".join([f"user file {path}", *found.notes])),
        found.labels,
    )
    if np.all(dataset.targets == dataset.targets[0]):
        raise UserError(
            f"{path}: every target is {dataset.label(dataset.targets[0])}; two different ones are "
            "needed"
        )
    return dataset


def _read(kind: str, content: bytes, options: ReadOptions) -> Content:
    if kind not in READERS:
        raise UserError(f"unknown kind {kind!r}; known: {', '.join(KINDS)}")
    try:
        return READERS[kind](content, options)
    except UserError:
        raise
    except Exception as error:  # the parsers raise a dozen types on malformed files
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise UserError(f"not a readable {kind} file ({reason})") from error


def _kind(suffix: str, content: bytes) -> str:
    """Return the format that the suffix names, or that the content shows without doubt."""
    if suffix in KIND_OF_SUFFIX:
        return KIND_OF_SUFFIX[suffix]
    for magic, kind in MAGIC.items():
        if content.startswith(magic):
            return kind
    if content.startswith(b"PK") and b".npy" in content[:256]:
        return "npz"
    if looks_like_libsvm(content):
        return "libsvm"
    if suffix in TEXT_SUFFIXES:
        return "csv"
    raise UserError(
        f"unknown kind of file {suffix or '(no suffix)'!r}; name its format: kind={'|'.join(KINDS)}"
    )


def _bytes(path: Path, compression: str) -> bytes:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise UserError("no such file") from None
    except OSError as error:
        raise UserError(f"cannot be read ({error.strerror})") from None
    try:
        content = DECOMPRESS[compression](content) if compression else content
    except (OSError, EOFError, ValueError, lzma.LZMAError, zlib.error) as error:
        raise UserError(f"not a complete {compression} file ({error})") from None
    if not content.removeprefix(codecs.BOM_UTF8).strip():
        raise UserError("the file is empty")
    return content
