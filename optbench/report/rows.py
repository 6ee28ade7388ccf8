"""What all tables need to know of a row: its name, what theory says, and why it has no number."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from optbench.analysis.selection import INCONCLUSIVE, NO_VERDICT
from optbench.column import named
from optbench.columns import BiasRow, Row
from optbench.labels import full_labels, parametrization_labels, row_labels
from optbench.report.numbers import count, significant
from optbench.report.table import Cell, Column

UNKNOWN = "unknown"
DOUBTFUL = " ?"  # marks what is measured against a solution that is not certified
SLOWER = "†"  # marks what is significantly slower than another row


def header(name: str, record: type = Row, **changes: bool) -> Column:
    """Return the column of a table for a column of a record."""
    declared = named(record)[name]
    return Column(declared.header, declared.rank, **changes)


def name_columns(rows: Sequence[Row]) -> tuple[tuple[Column, ...], list[tuple[Cell, ...]]]:
    """Return the optimizer column and, where rows differ in it, the parametrization column."""
    columns: tuple[Column, ...] = (header("optimizer", names=True),)
    leading: list[tuple[Cell, ...]] = [(Cell(label),) for label in row_labels(rows)]
    if len({row.parametrization for row in rows}) > 1:
        columns += (header("parametrization", names=True),)
        leading = [
            (*names, Cell(parametrization))
            for names, parametrization in zip(leading, parametrization_labels(rows), strict=True)
        ]
    return columns, leading


def agrees(row: BiasRow) -> bool | None:
    """Return whether the verdict is theory's; None without a verdict or a theory to compare."""
    undecided = row.selected is None or row.selected in NO_VERDICT
    if undecided or row.theory == UNKNOWN or row.theory in row.uncertified:
        return None
    return row.selected == row.theory


def setting(rows: Sequence[Row]) -> str:
    """Return in one line: parametrizations, horizon, seeds."""
    found = list(dict.fromkeys(row.parametrization for row in rows))
    parts = [f"parametrization{'s' if len(found) > 1 else ''} {' and '.join(found)}"]
    horizons = sorted({row.horizon for row in rows})
    ends = dict.fromkeys((horizons[0], horizons[-1]))
    parts.append(f"horizon {' to '.join(map(count, ends))} steps")
    seeds = max(row.seeds for row in rows)
    parts.append("1 seed" if seeds == 1 else f"medians over {seeds} seeds [bootstrap interval]")
    return "; ".join(parts)


def with_mark(label: str, slower: bool) -> str:
    """Return a row's name with the mark of what is significantly slower."""
    return f"{label} {SLOWER}" if slower else label


def slower_note(marks: bool, compared: int, blocks: int, needed: int, kind: str) -> list[str]:
    """Say what the mark means, or that nothing is marked and why.

    Parameters
    ----------
    marks : bool
        Whether any row is marked.
    compared : int
        How many rows are compared.
    blocks, needed : int
        On how many seeds or instances; on how many any could be told slower.
    kind : str
        What these are: ``seed``, ``instance``.
    """
    if compared < 2:
        return []
    on = f"{blocks} {kind}{'' if blocks == 1 else 's'}"
    if blocks < needed:
        return [f"which row is faster beyond chance is not tested: {compared} rows need {needed} "
                f"{kind}s, here {'is' if blocks == 1 else 'are'} {on}"]  # fmt: skip
    how = f"sign test over {on}, at most 5% for any false mark in the table"
    if not marks:
        return [f"no row is significantly slower than another one ({how})"]
    return [f"{SLOWER} significantly slower than another row ({how}); each of the others may be "
            "the fastest"]  # fmt: skip


def reasons(rows: Sequence[Row]) -> list[str]:
    """Return one note per reason: which rows have no verdict or no number, and why."""
    told = []
    for label, row in zip(full_labels(rows), rows, strict=True):
        if row.status.ended_early:
            told.append((label, _ended(row)))
        elif row.reason:
            undecided = isinstance(row, BiasRow) and row.selected == INCONCLUSIVE
            told.append((label, f"{INCONCLUSIVE}: {row.reason}" if undecided else row.reason))
    return grouped(told)


def _ended(row: Row) -> str:
    """Return how the runs of a row ended and why; most reasons begin with how."""
    if not row.reason:
        return str(row.status)
    named = row.reason.startswith(row.status)
    return row.reason if named else f"{row.status}: {row.reason}"


def theorems(rows: Sequence[Row]) -> list[str]:
    """Say what rows beside those as used are."""
    asked = [row for row in rows if row.as_theorem_asks]
    if not asked:
        return []
    note = "(theorem): the optimizer once more, with the settings that its theorem requires"
    if any("small rate" in row.optimizer for row in asked):
        note += "; [small rate]: with so small a learning rate that it follows gradient flow"
    return [note]


def hyperparameters(rows: Sequence[Row], shown: Iterable[str] = ()) -> list[str]:
    """Return one note with the hyperparameters of every row, except those a column has shown."""
    rows_of: dict[str, list[str]] = {}
    for label, row in zip(full_labels(rows), rows, strict=True):
        values = {k: v for k, v in row.hyperparameters.items() if k not in set(shown)}
        if values:
            given = " ".join(f"{key}={significant(value)}" for key, value in values.items())
            rows_of.setdefault(given, []).append(label)
    parts = [f"{', '.join(names)} {given}" for given, names in rows_of.items()]
    return [f"hyperparameters: {'; '.join(parts)}"] if parts else []


def grouped(told: Iterable[tuple[str, str]]) -> list[str]:
    """Join the names that share a text: ``adam, nesterov: text``."""
    names_of: dict[str, list[str]] = {}
    for name, text in told:
        names_of.setdefault(" ".join(text.split()), []).append(name)
    return [f"{', '.join(dict.fromkeys(names))}: {text}" for text, names in names_of.items()]
