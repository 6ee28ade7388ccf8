"""Certified references on disk: solved once for each data set, read back in milliseconds.

The key hashes the data, the reference's name and parameters, and the sources of the solvers, so
that an edit of either is seen.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import pickle
import tempfile
from collections.abc import Callable
from typing import Any

import numpy as np

from optbench.engine.cache import PACKAGE, cache_root, sources_hash
from optbench.references import Reference


@functools.cache
def _solvers() -> str:
    return sources_hash(PACKAGE / "references")


def data_hash(features: Any, targets: np.ndarray) -> str:
    """Hash the numbers of an instance (dense or CSR features, targets)."""
    digest = hashlib.sha256(repr(features.shape).encode())
    parts = (
        (features.data, features.indices, features.indptr)
        if hasattr(features, "indptr")
        else (features,)
    )
    for part in (*parts, targets):
        digest.update(np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()


def stored(key: str, solve: Callable[[], Reference]) -> Reference:
    """Return the reference stored under ``key``, or solve and store it.

    Parameters
    ----------
    key : str
        Everything the solution depends on, besides the solvers' sources.
    solve : callable
        Computes it; its errors pass through and nothing is stored.
    """
    name = hashlib.sha256(f"{_solvers()}|{key}".encode()).hexdigest()[:32]
    path = cache_root() / "references" / f"{name}.pickle"
    try:
        reference = pickle.loads(path.read_bytes())  # noqa: S301 - our own cache folder
        if isinstance(reference, Reference):
            return reference
    except (OSError, pickle.UnpicklingError, EOFError, AttributeError, ImportError):
        reference = None  # not there, or written by another version: solve it now
    reference = solve()
    with contextlib.suppress(OSError):  # a cache that cannot be written is not an error
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            pickle.dump(reference, file)
        os.replace(file.name, path)
    return reference
