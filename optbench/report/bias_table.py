"""The implicit-bias table of one instance: which solution each optimizer selects."""

from __future__ import annotations

from collections.abc import Sequence

from optbench.analysis.kinds import HEADLINE, MEASURES, Measure, in_their_order, measure_named
from optbench.analysis.selection import NO_VERDICT
from optbench.analysis.settling import MOVING
from optbench.columns import BiasRow, InstanceFacts
from optbench.labels import full_labels
from optbench.numerals import NOTHING
from optbench.report.facts import bias_facts, title_of
from optbench.report.moving import moving_notes
from optbench.report.numbers import TEXT_OF_UNIT, count, fixed, interval, significant
from optbench.report.rows import (
    DOUBTFUL,
    UNKNOWN,
    agrees,
    grouped,
    header,
    hyperparameters,
    name_columns,
    reasons,
    setting,
    theorems,
)
from optbench.report.table import Cell, Column, Table

VERDICT = (header("selected", BiasRow), header("theory", BiasRow))
AFTER = (
    header("effective_p", BiasRow, number=True),
    header("effective_p_interval", BiasRow, number=True),
    header("effective_schatten_p", BiasRow, number=True),
    header("effective_schatten_p_interval", BiasRow, number=True),
    header("decided_at", BiasRow, number=True),
    header("steps", BiasRow, number=True),
    header("evaluations", BiasRow, number=True),
    header("runner_up", BiasRow),
    header("status", BiasRow),
)


def bias_table(
    instance: InstanceFacts, rows: Sequence[BiasRow], instances: Sequence[InstanceFacts] = ()
) -> Table:
    """Return the implicit-bias table of one instance.

    Parameters
    ----------
    instance : InstanceFacts
    rows : sequence of BiasRow
        Its rows.
    instances : sequence of InstanceFacts
        All instances of the comparison: namesakes are told apart in the title.
    """
    names, leading = name_columns(rows)
    measured = [measure_named(name) for name in _measured(rows)]
    doubtful = {name for row in rows for name in row.uncertified}
    columns = tuple(_column(each, doubtful) for each in measured)
    body = tuple(
        (*head, *_verdict(row), *_measures(row, measured), *_after(row))
        for head, row in zip(leading, rows, strict=True)
    )
    table = Table(
        title=f"Implicit bias: {title_of(instance, instances)}",
        columns=(*names, *VERDICT, *columns, *AFTER),
        rows=body,
        facts=(*bias_facts(instance), setting(rows)),
        reading=tuple(filter(None, (_agreement(rows), _closest(rows, measured)))),
        notes=(
            *_doubts(rows),
            *theorems(rows),
            *reasons(rows),
            *_conditions(rows),
        ),
        details=(*moving_notes(instance, rows), *hyperparameters(rows)),
    )
    return table.without_empty_columns()


def _measured(rows: Sequence[BiasRow]) -> list[str]:
    """Return the measures of these rows."""
    return in_their_order(name for row in rows for name in row.measures)


def _column(measure: Measure, doubtful: set[str]) -> Column:
    mark = DOUBTFUL if measure.against in doubtful else ""
    return Column(measure.header + mark, measure.rank, number=True)


def _verdict(row: BiasRow) -> tuple[Cell, ...]:
    mark = DOUBTFUL if row.theory in row.uncertified else ""
    selected = row.selected or NOTHING
    if row.selected == MOVING:
        selected = f"moving to {row.towards}"
    return Cell(selected), Cell(row.theory + mark)


def _measures(row: BiasRow, measured: Sequence[Measure]) -> tuple[Cell, ...]:
    return tuple(
        Cell(
            TEXT_OF_UNIT[each.unit](row.measures.get(each.name)),
            interval(row.intervals.get(each.name)),
        )
        for each in measured
    )


def _after(row: BiasRow) -> tuple[Cell, ...]:
    return (
        Cell(fixed(row.effective_p)),
        Cell(interval(row.effective_p_interval) or NOTHING),
        Cell(fixed(row.effective_schatten_p)),
        Cell(interval(row.effective_schatten_p_interval) or NOTHING),
        Cell(NOTHING if row.decided_at is None else f"~{significant(row.decided_at, 1)}"),
        Cell(count(row.steps) if (row.steps or 0) > row.horizon else NOTHING),
        Cell(NOTHING if row.evaluations == row.steps else count(row.evaluations)),
        Cell(row.runner_up or NOTHING),
        Cell(row.status.value),
    )


def _agreement(rows: Sequence[BiasRow]) -> str:
    """Say how many verdicts agree with theory and name those that do not."""
    judged = [agrees(row) for row in rows]
    known = [verdict for verdict in judged if verdict is not None]
    sentences = [f"Verdict as theory says: {sum(known)} of {len(known)}."] if known else []
    other = [
        f"{label} selects {row.selected} (theory: {row.theory})"
        for label, row, agree in zip(full_labels(rows), rows, judged, strict=True)
        if agree is False
    ]
    if other:
        sentences[0] = f"{sentences[0][:-1]}; but {', '.join(other)}."
    for word in NO_VERDICT:
        if undecided := [row for row in rows if row.selected == word]:
            ran = [row for row in rows if row.status.ran]
            share = f"{len(undecided)} of {len(ran)} rows"
            sentences.append(f"{word}: {share}{_as_theory(undecided)}.")
    return " ".join(sentences)


def _as_theory(rows: Sequence[BiasRow]) -> str:
    """Say how many rows move towards what theory says."""
    told = [row for row in rows if row.towards is not None and row.theory != UNKNOWN]
    right = sum(row.towards == row.theory for row in told)
    return f", {right} of {len(told)} towards theory's solution" if told else ""


def _closest(rows: Sequence[BiasRow], measured: Sequence[Measure]) -> str:
    """Name the row that comes closest to each reference."""
    won: dict[str, list[str]] = {}
    names = full_labels(rows)
    doubtful = {name for row in rows for name in row.uncertified}
    for each in measured:
        found = [
            (abs(value - each.best), i, value)
            for i, row in enumerate(rows)
            if (value := row.measures.get(each.name)) is not None and value == value
        ]
        known = each.name in MEASURES and each.rank == HEADLINE
        if found and known and each.against not in doubtful:
            _, best, value = min(found)
            title = Column(each.header).title
            won.setdefault(names[best], []).append(f"{title} {TEXT_OF_UNIT[each.unit](value)}")
    closest = ", ".join(f"{name} ({', '.join(values)})" for name, values in won.items())
    return f"Closest: {closest}." if closest and len(rows) > 1 else ""


def _doubts(rows: Sequence[BiasRow]) -> list[str]:
    """Say which references decide nothing, since they are not certified."""
    doubtful = dict.fromkeys(name for row in rows for name in row.uncertified)
    if not doubtful:
        return []
    return [
        f"{DOUBTFUL.strip()} not certified, so that no verdict counts it: {', '.join(doubtful)}"
    ]


def _conditions(rows: Sequence[BiasRow]) -> list[str]:
    """Say under which condition theory speaks of rows that do not agree, or why it is silent."""
    named = list(zip(full_labels(rows), rows, strict=True))
    needs = [
        (label, f"theory's {row.theory} needs: {row.condition}")
        for label, row in named
        if agrees(row) is False and row.condition
    ]
    silent = [(label, f"theory: {row.theory_reason}") for label, row in named if row.theory_reason]
    return grouped([*needs, *silent])
