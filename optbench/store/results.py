"""Finished cells on disk: a comparison that was interrupted continues, a repeat is read back.

A cell's key holds all that its rows depend on: the instances' numbers, the sources of optbench
and of the plug-in folders, hyperparameters, rates, horizon, seeds and, for the timings, the
processor.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from optbench.columns import BiasRow, ConvergenceRow
from optbench.engine.cache import PACKAGE, engine_hash, sources_hash
from optbench.environment import processor
from optbench.result import Trace
from optbench.store.objects import read, write
from optbench.study import Cell


class Finished(NamedTuple):
    """The rows and the trace of one cell."""

    bias: BiasRow
    convergence: ConvergenceRow
    trace: Trace


@functools.cache
def _host() -> str:
    folders = (
        PACKAGE,
        PACKAGE / "analysis",
        PACKAGE / "analysis" / "kinds",
        PACKAGE / "references",
    )
    return f"{engine_hash()}|{sources_hash(*folders)}|{processor()}"


@functools.cache
def _folder_hash(folder: Path) -> str:
    return sources_hash(folder)


def cell_key(cell: Cell, horizon: int, seeds: int, rates: Sequence[float] | None) -> str:
    """Return everything that a cell's rows depend on."""
    instance, optimizer = cell.instance, cell.choice.optimizer
    kernel: Any = instance.row or instance.loss_and_grad
    folders = {Path(inspect.getfile(kernel)).parent, Path(inspect.getfile(optimizer.kernel)).parent}
    parts = (
        _host(),
        *(_folder_hash(folder) for folder in sorted(folders)),
        instance.problem,
        *(each.key for each in cell.instances),
        kernel.__qualname__,
        cell.parametrization.name,
        optimizer.name,
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
    if finished.convergence.status.final:
        write("cells", key, finished)
