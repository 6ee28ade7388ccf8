"""Tell what a plan found: one row of each table, the traces of a cell, facts of each instance."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from optbench.analysis import rows
from optbench.analysis.costs import Costs
from optbench.analysis.instances import describe, instance_id
from optbench.analysis.optimum import best_losses, depends_on_other_rows, refuted
from optbench.analysis.significance import with_slower
from optbench.analysis.traces import traces_of
from optbench.columns import BiasRow, ConvergenceRow, InstanceFacts
from optbench.instance import Instance
from optbench.plan import Entry, Plan
from optbench.solutions import solved
from optbench.store.results import Finished, store_cell
from optbench.traces import Trace


class Told(NamedTuple):
    """What a plan found: the parts of a :class:`~optbench.result.Comparison`."""

    bias_rows: list[BiasRow]
    convergence_rows: list[ConvergenceRow]
    instances: list[InstanceFacts]
    traces: list[Trace]
    solutions: dict[str, dict[str, np.ndarray]]


def tell(plan: Plan) -> Told:
    """Return the tables of a plan that has run, and keep its finished cells.

    Parameters
    ----------
    plan : Plan
        After :meth:`~optbench.plan.Plan.run`.
    """
    entries = plan.entries
    best = best_losses((e.cell, e.search) for e in entries if e.search is not None)
    firsts = [built[0] for built in plan.instances]
    plan.notes += refuted(firsts, best)
    read = [_told(entry, plan, best) for entry in entries]
    with plan.timed("timings"):
        told = _timed(plan, read)
    for entry, before, now in zip(entries, read, told, strict=True):
        complete = bool(now.traces) and (_is_new(entry) or now is not before)
        alone = not depends_on_other_rows(entry.cell) and not set(entry.cell.instances) & set(best)
        if complete and alone:
            store_cell(entry.key, now)
    return Told(
        bias_rows=[first for first, _, _ in told],
        convergence_rows=with_slower([second for _, second, _ in told]),
        instances=[describe(first, best) for first in firsts],
        traces=[trace for each in told for trace in each.traces],
        solutions={
            instance_id(first): {n: each.solution for n, each in solved(first).items()}
            for first in firsts
        },
    )


def _is_new(entry: Entry) -> bool:
    """Whether its runs came to their end in this session."""
    return entry.search is not None and entry.search.complete


def _timed(plan: Plan, told: Sequence[Finished]) -> list[Finished]:
    """Time what is new, and with it all rows of the instance: their times are compared.

    So are rows from the store that were not timed in one session.
    """
    pairs = list(zip(plan.entries, told, strict=True))
    sessions: dict[str, set[str | None]] = defaultdict(set)
    for entry, (_, row, _) in pairs:
        if _is_new(entry) or row.timed_on is not None:
            sessions[row.instance_id].add(row.timed_on)
    costs = Costs(plan.baseline)
    found = []
    for entry, done in pairs:
        row = done.convergence
        mixed = row.timed_on is not None and len(sessions[row.instance_id]) > 1
        if _is_new(entry) or mixed:
            done = done._replace(convergence=costs.timed(entry.cell, row))
        found.append(done)
    return found


def _told(entry: Entry, plan: Plan, best: Mapping[Instance, float]) -> Finished:
    """Return what the tables say of one cell."""
    cell, search = entry.cell, entry.search
    size = cell.horizon(plan.settings.horizon), plan.settings.seeds
    if entry.finished is not None:
        return entry.finished
    if search is None:
        first, second = rows.empty_bias(cell, *size), rows.empty_convergence(cell, *size)
        if entry.failure is not None:
            first = rows.failed(first, entry.failure)
            second = rows.failed(second, entry.failure)
        return Finished(first, second, ())
    first = rows.bias_row(cell, search, *size)
    second = rows.convergence_row(cell, search, *size, best)
    if not search.complete:
        status = plan.stop.reason
        first, second = rows.cut_short(first, status), rows.cut_short(second, status)
    return Finished(first, second, traces_of(cell, search, best))
