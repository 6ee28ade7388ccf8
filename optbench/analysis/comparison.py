"""Tell what a plan found: one row of each table, a trace for each cell, facts of each instance."""

from __future__ import annotations

import math
from collections.abc import Mapping

from optbench.analysis import rows
from optbench.analysis.costs import relative_costs
from optbench.analysis.instances import describe
from optbench.analysis.optimum import best_losses, depends_on_other_rows, refuted
from optbench.instance import Instance
from optbench.plan import Entry, Plan
from optbench.result import Comparison
from optbench.store.results import Finished, store_cell
from optbench.timing import nanoseconds_per_step


def tell(plan: Plan) -> Comparison:
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
    told = [_told(entry, plan, best) for entry in entries]
    for entry, (first, second, trace) in zip(entries, told, strict=True):
        complete = entry.search is not None and entry.search.complete
        alone = not depends_on_other_rows(entry.cell) and not set(entry.cell.instances) & set(best)
        if complete and trace is not None and alone:
            store_cell(entry.key, Finished(first, second, trace))
    cells = [entry.cell for entry in entries]
    return Comparison(
        bias_rows=[first for first, _, _ in told],
        convergence_rows=relative_costs(cells, [second for _, second, _ in told]),
        instances=[describe(first, best) for first in firsts],
        traces=[trace for _, _, trace in told if trace is not None],
        environment={},
        notes=plan.notes,
    )


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
        return Finished(first, second, None)
    speed = nanoseconds_per_step(cell, search.rates[search.best]) if search.complete else math.nan
    first = rows.bias_row(cell, search, *size)
    second = rows.convergence_row(cell, search, *size, speed, best)
    if not search.complete:
        status = plan.stop.reason
        first, second = rows.cut_short(first, status), rows.cut_short(second, status)
    return Finished(first, second, rows.trace_of(cell, search, best))
