"""The convergence table of one instance: how fast each optimizer gets there."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from optbench.analysis.significance import fewest_blocks, is_compared
from optbench.column import columns, named
from optbench.columns import UNKNOWN, ConvergenceRow, InstanceFacts, RateLaw
from optbench.instance import DIRECTIONS
from optbench.labels import full_labels
from optbench.numerals import NOTHING
from optbench.report.facts import convergence_facts, title_of
from optbench.report.numbers import (
    TEXT_OF_UNIT,
    count,
    duration,
    interval,
    outward,
    significant,
)
from optbench.report.passages import left_again, marked, read_off, when_left
from optbench.report.rows import (
    grouped,
    hyperparameters,
    name_columns,
    reasons,
    setting,
    slower_note,
    with_mark,
)
from optbench.report.table import Cell, Column, Table
from optbench.status import Status

HEADLINE_TARGETS = ("1e-2", "1e-4", "1e-8")
TARGET_RANK = {"1e-6": 7, "1e-1": 8}
TIME_TARGET = "1e-4"
NO_LAW = {
    "not asymptotic": "not yet",
    "at rounding floor": "at floor",
    "stalled": "stalled",
    "left the floor": "left floor",
    "rose again": "rose again",
    "diverged": "diverged",
}
EDGE = "*"
ROUNDING = "rounding"  # in the place of steps to a target that no loss can show

Show = Callable[[ConvergenceRow], Cell]


@dataclass(frozen=True)
class Shown:
    """A column of the table and how its cells are written."""

    column: Column
    cell: Show


def convergence_table(
    instance: InstanceFacts,
    rows: Sequence[ConvergenceRow],
    instances: Sequence[InstanceFacts] = (),
    told: Sequence[str] = (),
) -> Table:
    """Return the convergence table of one instance.

    Parameters
    ----------
    instance : InstanceFacts
    rows : sequence of ConvergenceRow
        Its rows.
    instances : sequence of InstanceFacts
        All instances of the comparison: namesakes are told apart in the title.
    told : sequence of str
        Notes of the table above, which are not repeated.
    """
    names, leading = name_columns(rows)
    known = instance.infimum_from != UNKNOWN
    targets = _targets(rows) if known else []
    shown = _shown(targets, counts_differ(rows))
    body = tuple(
        (
            replace(name, text=with_mark(name.text, bool(row.slower_than))),
            *head,
            *(each.cell(row) for each in shown),
        )
        for (name, *head), row in zip(leading, rows, strict=True)
    )
    reading = (_fastest(rows, targets), _cheapest(rows))
    table = Table(
        title=f"Convergence: {title_of(instance, instances)}",
        columns=(*names, *(each.column for each in shown)),
        rows=body,
        facts=(*convergence_facts(instance, rows), setting(rows)),
        reading=tuple(filter(None, reading)),
        notes=(
            *(reason for reason in reasons(rows) if reason not in told),
            *_edges(instance, rows),
            *_rounding(rows),
            *left_again(rows, targets),
            *read_off(rows),
            *_slower(rows),
        ),
        details=(
            *_no_law(rows),
            *when_left(rows, targets),
            *hyperparameters(rows, ("learning_rate",)),
        ),
    )
    return table.without_empty_columns()


def _targets(rows: Sequence[ConvergenceRow]) -> list[str]:
    """Return the names of all targets, from loose to tight."""
    return sorted({name for row in rows for name in row.steps_to}, key=float, reverse=True)


def counts_differ(rows: Sequence[ConvergenceRow]) -> bool:
    """Whether some row has other evaluations than steps, so that tables show both."""
    return any(
        steps is not None and row.evaluations_to.get(target) != steps
        for row in rows
        for target, steps in row.steps_to.items()
    )


def _shown(targets: Sequence[str], evaluations: bool) -> list[Shown]:
    """Return the columns with a header, in the order of the record, and the status last."""
    found: list[Shown] = []
    declared = [c for c in columns(ConvergenceRow) if c.header and c.name not in NAMES]
    for each in [*declared, named(ConvergenceRow)["status"]]:
        if each.name == "steps_to":
            found += [_target(name) for name in targets]
        elif each.name == "evaluations_to":
            wanted = [name for name in targets if evaluations and name in HEADLINE_TARGETS]
            found += [_evaluations(name) for name in wanted]
        elif each.name == "rate":
            found += _law()
        else:
            header = f"{each.header} {TIME_TARGET}" if each.name == "seconds_to" else each.header
            number = each.name != "status"
            found.append(Shown(Column(header, each.rank, number=number), cell_of(each.name)))
    return found


NAMES = ("optimizer", "parametrization", "status")


def cell_of(name: str) -> Show:
    """Return how the cells of a column are written: as its unit asks, or in a way of its own."""
    if name in OWN_WAY:
        return OWN_WAY[name]
    text = TEXT_OF_UNIT[named(ConvergenceRow)[name].unit]
    return lambda row: Cell(text(getattr(row, name)))


def _target(name: str) -> Shown:
    declared = named(ConvergenceRow)["steps_to"]
    rank = declared.rank if name in HEADLINE_TARGETS else TARGET_RANK.get(name, 9)
    return Shown(
        Column(f"{declared.header} {name}", rank, number=True), lambda row: _steps(row, name)
    )


def _evaluations(name: str) -> Shown:
    declared = named(ConvergenceRow)["evaluations_to"]
    return Shown(
        Column(f"{declared.header} {name}", declared.rank, number=True),
        lambda row: Cell(count(row.evaluations_to.get(name))),
    )


def _law() -> list[Shown]:
    declared, ends = named(ConvergenceRow)["rate"], named(RateLaw)["low"]
    return [
        Shown(Column(declared.header, declared.rank, names=True), lambda r: Cell(rate_text(r))),
        Shown(Column(ends.header, ends.rank, number=True), _rate_interval),
    ]


def _learning_rate(row: ConvergenceRow) -> Cell:
    value = significant(row.best_learning_rate)
    return Cell(value + EDGE if row.at_edge else value)


def _steps(row: ConvergenceRow, target: str) -> Cell:
    """Show a number of steps, ``> horizon`` where it was not kept, a dash where it never ran."""
    value = row.steps_to.get(target)
    if value is None and target in row.below_rounding:
        return Cell(ROUNDING)
    if value is None and row.status == Status.HORIZON and row.success_rate is not None:
        return Cell(marked(f"> {significant(row.horizon)}", row, target))
    return Cell(marked(count(value), row, target), interval(row.intervals.get(target)))


def _time(row: ConvergenceRow) -> Cell:
    return Cell(duration(row.seconds_to.get(TIME_TARGET)))


def _cost(row: ConvergenceRow) -> Cell:
    value = row.relative_cost
    if value is None:
        return Cell(NOTHING)
    return Cell(f"{significant(value, 2)}x", outward(row.relative_cost_interval))


def _success(row: ConvergenceRow) -> Cell:
    """Show how many of the seeds kept the target."""
    if row.success_rate is None:
        return Cell(NOTHING)
    return Cell(f"{round(row.success_rate * row.seeds)}/{row.seeds}")


OWN_WAY: Mapping[str, Show] = {
    "best_learning_rate": _learning_rate,
    "seconds_to": _time,
    "relative_cost": _cost,
    "success_rate": _success,
    "status": lambda row: Cell(row.status.value),
}


def rate_text(row: ConvergenceRow) -> str:
    """Return the fitted law, or in one or two words why there is none."""
    if row.rate.law:
        return row.rate.text
    short = next(
        (word for start, word in NO_LAW.items() if row.rate.text.startswith(start)), NOTHING
    )
    return row.status.value if short == NOTHING and row.status.ended_early else short


def _rate_interval(row: ConvergenceRow) -> Cell:
    return Cell(interval((row.rate.low, row.rate.high)) or NOTHING)


def _fastest(rows: Sequence[ConvergenceRow], targets: Sequence[str]) -> str:
    """Rank the fastest three on the tightest target that any row kept."""
    for target in reversed(targets):
        kept = sorted(
            (value, i)
            for i, row in enumerate(rows)
            if (value := row.steps_to.get(target)) is not None and value < float("inf")
        )
        if kept:
            names = full_labels(rows)
            ranked = ", ".join(f"{names[i]} ({count(value)})" for value, i in kept[:3])
            ran = [row for row in rows if row.status.ran]
            share = f"{len(kept)} of {len(ran)} rows keep {target}"
            return f"Fewest steps to {target}: {ranked}; {share}."
    return "No row keeps a target." if targets else ""


def _cheapest(rows: Sequence[ConvergenceRow]) -> str:
    costs = sorted(
        (row.ns_per_step, label)
        for label, row in zip(full_labels(rows), rows, strict=True)
        if row.ns_per_step is not None
    )
    if len(costs) < 2:
        return ""
    (low, cheapest), (high, dearest) = costs[0], costs[-1]
    return (
        f"Cheapest step: {cheapest} ({duration(low * 1e-9)}); "
        f"most expensive: {dearest} ({duration(high * 1e-9)})."
    )


def _no_law(rows: Sequence[ConvergenceRow]) -> list[str]:
    """Say in full why no law was fitted to a run that went to its end."""
    return grouped(
        (label, f"no rate law: {row.rate.text}")
        for label, row in zip(full_labels(rows), rows, strict=True)
        if not row.rate.law and row.rate.text and not row.status.ended_early
    )


def _edges(instance: InstanceFacts, rows: Sequence[ConvergenceRow]) -> list[str]:
    """Say what the mark of a learning rate means: the grid ended there for a reason, or not."""
    at_edge = [row for row in rows if row.at_edge]
    meant = [row for row in at_edge if _ends_where_it_must(instance, row)]
    reasons = []
    if meant:
        reasons.append(
            "the largest learning rate of a grid that ends at the natural rate, 2 / L or a step "
            "that moves no margin by more than one: on separable data larger rates always look "
            "faster, while the theorems on implicit bias ask for small ones"
        )
    if len(at_edge) > len(meant):
        others = "" if not meant else f" ({', '.join(_labels_but(rows, meant))})"
        reasons.append(
            f"the best learning rate is at an end of those that were tried{others}: one beyond it "
            "may be better"
        )
    return [f"{EDGE} {reason}" for reason in reasons]


def _ends_where_it_must(instance: InstanceFacts, row: ConvergenceRow) -> bool:
    largest = max((each.learning_rate for each in row.learning_rates), default=math.nan)
    separable = instance.kind in DIRECTIONS
    return separable and row.searched and row.best_learning_rate == largest


def _labels_but(rows: Sequence[ConvergenceRow], left_out: Sequence[ConvergenceRow]) -> list[str]:
    labels = zip(full_labels(rows), rows, strict=True)
    return [label for label, row in labels if row.at_edge and row not in left_out]


def _rounding(rows: Sequence[ConvergenceRow]) -> list[str]:
    """Say why nobody can be at a target."""
    if not any(row.below_rounding for row in rows):
        return []
    return [
        f"{ROUNDING}: at this target the loss differs from the optimum by less than its rounding; "
        "success is keeping the hardest target above that"
    ]


def _slower(rows: Sequence[ConvergenceRow]) -> list[str]:
    """Say what marks the rows that are significantly slower, or why none is marked."""
    compared = [row for row in rows if is_compared(row)]
    return slower_note(
        any(row.slower_than for row in compared),
        len(compared),
        min((row.seeds for row in compared), default=1),
        fewest_blocks(len(compared)),
        "seed",
    )
