"""Finished cells on disk: a comparison that was interrupted continues, a repeat is read back.

A cell's key holds all that its rows depend on: identities of the instances and of the optimizer,
the sources of optbench, hyperparameters, rates, horizon, seeds and, for the timings, the processor.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

from optbench.engine.cache import PACKAGE, engine_hash, sources_hash
from optbench.environment import processor
from optbench.result import Trace
from optbench.store.objects import read, write
from optbench.study import Cell


class Finished(NamedTuple):
    """The rows and the trace of one cell."""

    bias: dict[str, Any]
    convergence: dict[str, Any]
    trace: Trace


@functools.cache
def _host() -> str:
    folders = [PACKAGE / name for name in ("", "analysis", "executors", "references", "store")]
    return f"{engine_hash()}|{sources_hash(*folders)}|{processor()}"


def cell_key(cell: Cell, horizon: int, seeds: int, rates: Sequence[float] | None) -> str:
    """Return everything that a cell's rows depend on."""
    parts = (
        _host(),
        *(each.identity for each in cell.instances),
        cell.instance.name,
        cell.parametrization.name,
        cell.choice.optimizer.identity,
        cell.choice.label,
        sorted(cell.choice.fixed.items()),
        horizon,
        seeds,
        rates,
    )
    return "|".join(map(repr, parts))


def stored_cell(key: str) -> Finished | None:
    """Return a finished cell, or None."""
    found = read("cells", key)
    return found if isinstance(found, Finished) else None


def store_cell(key: str, finished: Finished) -> None:
    """Store a cell whose runs came to their own end."""
    if finished.convergence["status"] not in ("timeout", "interrupted", "failed"):
        write("cells", key, finished)
