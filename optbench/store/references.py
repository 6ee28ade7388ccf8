"""Certified references on disk: solved once for each data set, read back in milliseconds.

The key hashes the data, the reference's name and parameters, and the sources of the solvers, so
that an edit of either is seen.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from optbench.engine.cache import PACKAGE, sources_hash
from optbench.references import Reference
from optbench.store.objects import read, write

Solved = TypeVar("Solved")


@functools.cache
def _solvers() -> str:
    return sources_hash(PACKAGE / "references")


def data_hash(features: Any, *vectors: np.ndarray) -> str:
    """Hash the numbers of an instance: dense or CSR features, targets, start."""
    digest = hashlib.sha256(repr(features.shape).encode())
    parts = (
        (features.data, features.indices, features.indptr)
        if hasattr(features, "indptr")
        else (features,)
    )
    for part in (*parts, *vectors):
        digest.update(np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()


def single_threaded(solve: Callable[[], Solved]) -> Solved:
    """Return ``solve()`` with BLAS on one thread: bits must not depend on the number of cores."""
    import scipy.linalg  # SciPy has a BLAS of its own, which has to be loaded to be limited
    from threadpoolctl import threadpool_limits

    assert scipy.linalg
    with threadpool_limits(limits=1):
        return solve()


def stored(key: str, solve: Callable[[], Solved], kind: Any = Reference) -> Solved:
    """Return the solution stored under ``key``, or solve and store it.

    Parameters
    ----------
    key : str
        Everything the solution depends on, besides the solvers' sources.
    solve : callable
        Computes it; its errors pass through and nothing is stored.
    kind : type
        Type of the solution: what has another one is solved again.
    """
    key = f"{_solvers()}|{key}"
    found: Solved = read("references", key)
    if not isinstance(found, kind):
        found = single_threaded(solve)
        write("references", key, found)
    return found
