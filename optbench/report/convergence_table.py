"""The convergence table of one instance: how fast each optimizer gets there."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from optbench.report.facts import Instance, convergence_facts
from optbench.report.numbers import (
    count,
    duration,
    interval,
    nanoseconds,
    significant,
)
from optbench.report.rows import (
    ENDED_EARLY,
    Row,
    full_labels,
    grouped,
    hyperparameters,
    name_columns,
    reasons,
    setting,
)
from optbench.report.table import NOTHING, Cell, Column, Table

HEADLINE_TARGETS = ("1e-2", "1e-4", "1e-8")
TARGET_RANK = {"1e-6": 7, "1e-1": 8}
TIME_TARGET = "1e-4"
NO_LAW = {
    "not asymptotic": "not yet",
    "at rounding floor": "at floor",
    "stalled": "stalled",
    "diverged": "diverged",
}
EDGE = "*"

ColumnOf = tuple[Column, Callable[[Row], Cell]]


def convergence_table(instance: Instance, rows: Sequence[Row]) -> Table:
    """Return the convergence table of one instance.

    Parameters
    ----------
    instance : mapping
        Its entry in ``Comparison.instances``.
    rows : sequence of mapping
        Its rows of ``Comparison.convergence_rows``.
    """
    names, leading = name_columns(rows)
    targets = _targets(rows)
    columns = [*_leading(), *(_target(name) for name in targets), *_trailing()]
    body = tuple(
        (*head, *(cell(row) for _, cell in columns))
        for head, row in zip(leading, rows, strict=True)
    )
    table = Table(
        title=f"Convergence: {instance['problem']} on {instance['instance']}",
        columns=(*names, *(column for column, _ in columns)),
        rows=body,
        facts=(convergence_facts(instance, _success_target(rows)), setting(rows)),
        reading=tuple(filter(None, (_fastest(rows, targets), _cheapest(rows)))),
        notes=(
            *reasons(rows),
            *_no_law(rows),
            *_edges(rows),
            *hyperparameters(rows, ("learning_rate",)),
        ),
    )
    return table.without_empty_columns()


def _targets(rows: Sequence[Row]) -> list[str]:
    """Return the names of all targets, from loose to tight."""
    return sorted({name for row in rows for name in row["steps_to"] or {}}, key=float, reverse=True)


def _success_target(rows: Sequence[Row]) -> str | None:
    """Return the target that counts as success, if it is the same for all rows."""
    found = {row.get("success_target") for row in rows}
    return found.pop() if len(found) == 1 else None


def _leading() -> list[ColumnOf]:
    return [(Column("lr", number=True), _learning_rate)]


def _target(name: str) -> ColumnOf:
    rank = 1 if name in HEADLINE_TARGETS else TARGET_RANK.get(name, 9)
    return Column(f"steps\nto {name}", rank, number=True), lambda row: _steps(row, name)


def _trailing() -> list[ColumnOf]:
    return [
        (Column("rate law", 1, names=True), lambda row: Cell(rate_text(row))),
        (Column("rate\ninterval", 10, number=True), _rate_interval),
        (Column("ns/\nstep", 2, number=True), lambda row: Cell(nanoseconds(row["ns_per_step"]))),
        (Column("cost\nvs GD", 5, number=True), _cost),
        (Column(f"time to\n{TIME_TARGET}", 9, number=True), _time),
        (
            Column("final\ngap", 6, number=True),
            lambda row: Cell(significant(row["final_suboptimality"], 2)),
        ),
        (
            Column("lr width\n(decades)", 11, number=True),
            lambda row: Cell(significant(row["sensitivity_decades"], 2)),
        ),
        (
            Column("critical\nlr", 12, number=True),
            lambda row: Cell(significant(row["critical_learning_rate"])),
        ),
        (
            Column("theory\n2/L", 13, number=True),
            lambda row: Cell(significant(row["theory_learning_rate"])),
        ),
        (Column("success", 3, number=True), _success),
        (Column("status", 4), lambda row: Cell(row["status"])),
    ]


def _learning_rate(row: Row) -> Cell:
    value = significant(row["best_learning_rate"])
    return Cell(value + EDGE if row["at_edge"] else value)


def _steps(row: Row, target: str) -> Cell:
    """Show a number of steps, ``> horizon`` where it was not reached, a dash where it never ran."""
    value = (row["steps_to"] or {}).get(target)
    if value is None and row["status"] == "horizon":
        return Cell(f"> {significant(row['horizon'])}")
    return Cell(count(value), interval((row["intervals"] or {}).get(target)))


def _time(row: Row) -> Cell:
    return Cell(duration((row["seconds_to"] or {}).get(TIME_TARGET)))


def _cost(row: Row) -> Cell:
    value = row["relative_cost"]
    return Cell(NOTHING if value is None else f"{significant(value)}x")


def _success(row: Row) -> Cell:
    """Show how many of the seeds reached the target."""
    rate, seeds = row["success_rate"], row["seeds"]
    if rate is None or row["status"] == "skipped":
        return Cell(NOTHING)
    return Cell(f"{round(rate * seeds)}/{seeds}")


def rate_text(row: Row) -> str:
    """Return the fitted law, or in one or two words why there is none."""
    rate = row["rate"] or {}
    if rate.get("law"):
        return str(rate["text"])
    text = str(rate.get("text") or "")
    short = next((word for start, word in NO_LAW.items() if text.startswith(start)), NOTHING)
    return str(row["status"]) if short == NOTHING and row["status"] in ENDED_EARLY else short


def _rate_interval(row: Row) -> Cell:
    rate = row["rate"] or {}
    return Cell(interval((rate.get("low"), rate.get("high"))) or NOTHING)


def _fastest(rows: Sequence[Row], targets: Sequence[str]) -> str:
    """Rank the fastest three on the tightest target that any row reached."""
    for target in reversed(targets):
        reached = sorted(
            (value, i)
            for i, row in enumerate(rows)
            if (value := (row["steps_to"] or {}).get(target)) is not None and value < float("inf")
        )
        if reached:
            names = full_labels(rows)
            ranked = ", ".join(f"{names[i]} ({count(value)})" for value, i in reached[:3])
            share = f"{len(reached)} of {len(rows)} rows reach {target}"
            return f"Fewest steps to {target}: {ranked}; {share}."
    return "No row reaches a target." if targets else ""


def _cheapest(rows: Sequence[Row]) -> str:
    costs = sorted(
        (row["ns_per_step"], label)
        for label, row in zip(full_labels(rows), rows, strict=True)
        if row["ns_per_step"] is not None
    )
    if len(costs) < 2:
        return ""
    (low, cheapest), (high, dearest) = costs[0], costs[-1]
    return (
        f"Cheapest step: {cheapest} ({duration(low * 1e-9)}); "
        f"most expensive: {dearest} ({duration(high * 1e-9)})."
    )


def _no_law(rows: Sequence[Row]) -> list[str]:
    """Say in full why no law was fitted to a run that went to its end."""
    return grouped(
        (label, f"no rate law: {row['rate']['text']}")
        for label, row in zip(full_labels(rows), rows, strict=True)
        if row["rate"] and not row["rate"].get("law") and row["rate"].get("text")
        and row["status"] not in ENDED_EARLY
    )  # fmt: skip


def _edges(rows: Sequence[Row]) -> list[str]:
    if not any(row["at_edge"] for row in rows):
        return []
    return [f"{EDGE} the best learning rate is at the edge of the grid: a wider grid may be better"]
