"""The implicit-bias table of one instance: which solution each optimizer selects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from optbench.report.facts import Instance, bias_facts
from optbench.report.measures import HEADLINE, MEASURES, measure
from optbench.report.numbers import fixed, interval
from optbench.report.rows import (
    INCONCLUSIVE,
    Row,
    agrees,
    full_labels,
    grouped,
    hyperparameters,
    name_columns,
    reasons,
    setting,
    theory,
)
from optbench.report.table import NOTHING, Cell, Column, Table

VERDICT = (Column("selects"), Column("theory"))
AFTER = (
    Column("eff. p", 3, number=True),
    Column("eff. p\ninterval", 8, number=True),
    Column("runner-up", 4),
    Column("status", 2),
)


def bias_table(instance: Instance, rows: Sequence[Row]) -> Table:
    """Return the implicit-bias table of one instance.

    Parameters
    ----------
    instance : mapping
        Its entry in ``Comparison.instances``.
    rows : sequence of mapping
        Its rows of ``Comparison.bias_rows``.
    """
    names, leading = name_columns(rows)
    measured = _measured(rows)
    columns = tuple(
        Column(measure(name).header, measure(name).rank, number=True) for name in measured
    )
    body = tuple(
        (*head, *_verdict(row), *_measures(row, measured), *_after(row))
        for head, row in zip(leading, rows, strict=True)
    )
    table = Table(
        title=f"Implicit bias: {instance['problem']} on {instance['instance']}",
        columns=(*names, *VERDICT, *columns, *AFTER),
        rows=body,
        facts=(*bias_facts(instance), setting(rows)),
        reading=tuple(filter(None, (_agreement(rows), _closest(rows, measured)))),
        notes=(*reasons(rows), *_conditions(rows), *hyperparameters(rows)),
    )
    return table.without_empty_columns()


def _measured(rows: Sequence[Row]) -> list[str]:
    """Return the measures of these rows, the known ones first and in their order."""
    found = dict.fromkeys(name for row in rows for name in row["measures"] or {})
    return [n for n in MEASURES if n in found] + [n for n in found if n not in MEASURES]


def _verdict(row: Row) -> tuple[Cell, ...]:
    return Cell(row["selected"] or NOTHING), Cell(theory(row))


def _measures(row: Row, measured: Sequence[str]) -> tuple[Cell, ...]:
    values, bounds = row["measures"] or {}, row["intervals"] or {}
    return tuple(
        Cell(measure(name).text(values.get(name)), interval(bounds.get(name))) for name in measured
    )


def _after(row: Row) -> tuple[Cell, ...]:
    return (
        Cell(fixed(row["effective_p"])),
        Cell(interval(row["effective_p_interval"]) or NOTHING),
        Cell(row["runner_up"] or NOTHING),
        Cell(row["status"]),
    )


def _agreement(rows: Sequence[Row]) -> str:
    """Say how many verdicts agree with theory and name those that do not."""
    judged = [agrees(row) for row in rows]
    known = [verdict for verdict in judged if verdict is not None]
    undecided = sum(row["selected"] == INCONCLUSIVE for row in rows)
    sentences = [f"Verdict as theory says: {sum(known)} of {len(known)}."] if known else []
    other = [
        f"{label} selects {row['selected']} (theory: {theory(row)})"
        for label, row, agree in zip(full_labels(rows), rows, judged, strict=True)
        if agree is False
    ]
    if other:
        sentences[0] = f"{sentences[0][:-1]}; but {', '.join(other)}."
    if undecided:
        sentences.append(f"{INCONCLUSIVE}: {undecided} of {len(rows)} rows.")
    return " ".join(sentences)


def _closest(rows: Sequence[Row], measured: Sequence[str]) -> str:
    """Name the row that comes closest to each reference."""
    won: dict[str, list[str]] = {}
    names = full_labels(rows)
    for name in measured:
        shown = measure(name)
        found = [
            (abs(value - shown.best), i, value)
            for i, row in enumerate(rows)
            if (value := (row["measures"] or {}).get(name)) is not None and value == value
        ]
        if found and name in MEASURES and shown.rank == HEADLINE:
            _, best, value = min(found)
            title = Column(shown.header).title
            won.setdefault(names[best], []).append(f"{title} {shown.text(value)}")
    closest = ", ".join(f"{name} ({', '.join(values)})" for name, values in won.items())
    return f"Closest: {closest}." if closest and len(rows) > 1 else ""


def _conditions(rows: Sequence[Row]) -> list[str]:
    """Say under which condition theory speaks, for the rows that do not agree with it."""
    named: list[tuple[str, Any]] = [
        (label, f"theory's {theory(row)} needs: {row['condition']}")
        for label, row in zip(full_labels(rows), rows, strict=True)
        if agrees(row) is False and row["condition"]
    ]
    return grouped(named)
