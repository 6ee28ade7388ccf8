"""Finished cells on disk: a comparison that was interrupted continues, a repeat is read back.

A cell's key holds all that its rows depend on: identities of the instances and of the optimizer,
the sources of optbench, hyperparameters, rates, horizon, seeds and, for the times, the processor
and what they are relative to.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from optbench.columns import BiasRow, ConvergenceRow
from optbench.contract import Optimizer
from optbench.engine.compiler.cache import PACKAGE, engine_hash, sources_hash
from optbench.environment import processor
from optbench.store.objects import read, write
from optbench.study import Cell
from optbench.traces import Trace

# Of all sources only these cannot change a row; plug-ins are told by their identities.
NO_PART_OF_A_ROW = ("check", "claims", "cli", "plots", "plugins", "report", "__pycache__")


class Finished(NamedTuple):
    """The rows and the traces of one cell."""

    bias: BiasRow
    convergence: ConvergenceRow
    traces: tuple[Trace, ...]  # none where nothing ran


@functools.cache
def _host() -> str:
    parts = sorted(path for path in PACKAGE.iterdir() if path.name not in NO_PART_OF_A_ROW)
    code = [path for path in parts if path.is_dir() or path.suffix == ".py"]
    return f"{engine_hash()}|{sources_hash(*code)}|{processor()}"


def cell_key(
    cell: Cell,
    horizon: int,
    seeds: int,
    rates: Sequence[float] | None,
    baseline: Optimizer | None,
    until_verdict: bool = False,
) -> str:
    """Return everything that a cell's rows depend on."""
    parts = (
        _host(),
        *(each.identity for each in cell.instances),
        cell.parametrization.name,
        cell.choice.optimizer.identity,
        sorted(cell.choice.fixed.items()),
        (cell.choice.named, cell.choice.as_theorem_asks, cell.choice.follows_flow),
        horizon,
        seeds,
        rates,
        None if baseline is None else baseline.identity,
        until_verdict,
    )
    return "|".join(map(repr, parts))


def stored_cell(key: str, cell: Cell) -> Finished | None:
    """Return a finished cell under the labels that this comparison uses, or None."""
    found = read("cells", key)
    if not isinstance(found, Finished) or not found.traces:
        return None
    labels: dict[str, Any] = {"instance": cell.instance.name, "optimizer": cell.choice.label}
    bias, convergence, traces = found
    return Finished(
        replace(bias, **labels),
        replace(convergence, **labels),
        tuple(replace(trace, **labels) for trace in traces),
    )


def store_cell(key: str, finished: Finished) -> None:
    """Store a cell whose runs came to their own end."""
    if finished.convergence.status.final:
        write("cells", key, finished)
