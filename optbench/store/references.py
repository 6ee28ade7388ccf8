"""Certified references on disk: solved once for each data set, read back in milliseconds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from optbench.identity import identity, solving_versions
from optbench.store.objects import read, write

Solved = TypeVar("Solved")


def single_threaded(solve: Callable[[], Solved]) -> Solved:
    """Return ``solve()`` with BLAS on one thread: bits must not depend on the number of cores."""
    import scipy.linalg  # SciPy has a BLAS of its own, which has to be loaded to be limited
    from threadpoolctl import threadpool_limits

    assert scipy.linalg
    with threadpool_limits(limits=1):
        return solve()


def remembered(solve: Callable[..., Solved], *arguments: Any) -> Solved:
    """Return ``solve(*arguments)``, or what it returned when it was last asked the same.

    Parameters
    ----------
    solve : callable
        A solver; all code that it reaches, and the versions of the solving libraries, decide
        whether it is the same one.
    *arguments : object
        Arrays, numbers, text: what it is asked.
    """
    return stored(identity(solving_versions(), solve, arguments), lambda: solve(*arguments), object)


def stored(key: str, solve: Callable[[], Solved], kind: Any = None) -> Solved:
    """Return the solution stored under ``key``, or solve and store it.

    Parameters
    ----------
    key : str
        Everything the solution depends on: see :mod:`optbench.identity`.
    solve : callable
        Computes it; its errors pass through and nothing is stored.
    kind : type, optional
        Type of the solution, `Reference` by default: what has another one is solved again.
    """
    from optbench.references import Reference  # with all solvers: only where something is solved

    found: Solved | None = read("references", key)
    if found is None or not isinstance(found, kind or Reference):
        found = single_threaded(solve)
        write("references", key, found)
    return found
