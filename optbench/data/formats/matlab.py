"""MATLAB files, read in a child process: SciPy and HDF5 may crash on a damaged one."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from optbench.data.formats.arrays import pick
from optbench.data.formats.content import Content, ReadOptions
from optbench.errors import UserError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

READER = Path(__file__).with_name("matlab_process.py")
NOT_READABLE, NO_PACKAGE = 2, 3
SECONDS, BYTES_PER_SECOND = 60.0, 1e6  # far below what any reader needs


def read_mat(content: bytes, options: ReadOptions) -> Content:
    """Read X and y of a MATLAB file of version 4 to 7.3."""
    with tempfile.TemporaryDirectory(prefix="optbench") as folder:
        given, arrays = Path(folder, "given.mat"), Path(folder, "arrays.npz")
        given.write_bytes(content)
        _convert(given, arrays, SECONDS + len(content) / BYTES_PER_SECOND)
        variables, unread = _variables(arrays)
    return pick(variables, unread, options)


def _convert(given: Path, arrays: Path, seconds: float) -> None:
    """Let the child process write the variables of one file to another.

    Raises
    ------
    UserError
        When it says what is wrong, crashes or does not end.
    """
    # The packages that this process sees; -P: no module of the reader's folder shadows them.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    try:
        child = subprocess.run(
            [sys.executable, "-P", str(READER), str(given), str(arrays)],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise UserError(f"not a readable MATLAB file (not read within {seconds:.0f} s)") from None
    said = child.stderr.decode("utf-8", "replace").strip()
    if child.returncode == NOT_READABLE:
        raise UserError(f"not a readable MATLAB file ({said})")
    if child.returncode == NO_PACKAGE:
        raise UserError(said)
    if child.returncode:
        raise UserError(
            f"not a readable MATLAB file (its reader crashed, exit code {child.returncode}: the "
            "file is damaged)"
        )


def _variables(arrays: Path) -> tuple[dict[str, NDArray[Any] | csr_array], dict[str, str]]:
    """Return what the child process wrote: variables, and what the others are."""
    from scipy.sparse import csc_array

    with np.load(arrays, allow_pickle=False) as archive:
        variables: dict[str, NDArray[Any] | csr_array] = {}
        for k, name in enumerate(archive["names"].tolist()):
            if f"{k}" in archive.files:
                variables[name] = archive[f"{k}"]
            else:
                parts = tuple(archive[f"{k}.{part}"] for part in ("data", "indices", "indptr"))
                variables[name] = csc_array(parts, shape=tuple(archive[f"{k}.shape"]))
        unread = dict(zip(archive["unread"].tolist(), archive["reasons"].tolist(), strict=True))
    return variables, unread
