"""What both tables need to know of a row: its name, what theory says, and why it has no number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from optbench.report.numbers import count, significant
from optbench.report.table import Cell, Column

Row = Mapping[str, Any]

INCONCLUSIVE = "INCONCLUSIVE"
ENDED_EARLY = ("skipped", "failed", "diverged", "stalled", "timeout", "interrupted")


def labels(rows: Sequence[Row]) -> list[str]:
    """Name each row by its optimizer, with the hyperparameters that tell namesakes apart."""
    return [_label(row, [other for other in rows if _same_cell(row, other)]) for row in rows]


def full_labels(rows: Sequence[Row]) -> list[str]:
    """Name each row for a sentence: with its parametrization where there are several."""
    if len({row["parametrization"] for row in rows}) == 1:
        return labels(rows)
    pairs = zip(labels(rows), parametrizations(rows), strict=True)
    return [f"{label} ({parametrization})" for label, parametrization in pairs]


def parametrizations(rows: Sequence[Row]) -> list[str]:
    """Name each row's parametrization, without its options where no two names are the same."""
    found = {str(row["parametrization"]) for row in rows}
    short = len({name.partition(":")[0] for name in found}) == len(found)
    names = [str(row["parametrization"]) for row in rows]
    return [name.partition(":")[0] for name in names] if short else names


def _same_cell(row: Row, other: Row) -> bool:
    keys = ("optimizer", "parametrization")
    return all(row[key] == other[key] for key in keys)


def _label(row: Row, namesakes: Sequence[Row]) -> str:
    given = [dict(other["hyperparameters"] or {}) for other in namesakes]
    own = row["hyperparameters"] or {}
    differing = [key for key in own if len({values.get(key) for values in given}) > 1]
    # A tuned learning rate differs anyway; it tells rows apart only when nothing else does.
    differing = [key for key in differing if key != "learning_rate"] or differing
    if not differing:
        return str(row["optimizer"])
    options = ",".join(f"{key}={significant(own[key])}" for key in differing)
    return f"{row['optimizer']}[{options}]"


def name_columns(rows: Sequence[Row]) -> tuple[tuple[Column, ...], list[tuple[Cell, ...]]]:
    """Return the optimizer column and, where rows differ in it, the parametrization column."""
    columns: tuple[Column, ...] = (Column("optimizer", names=True),)
    leading: list[tuple[Cell, ...]] = [(Cell(label),) for label in labels(rows)]
    if len({row["parametrization"] for row in rows}) > 1:
        columns += (Column("parame-\ntrization", names=True),)
        leading = [
            (*names, Cell(parametrization))
            for names, parametrization in zip(leading, parametrizations(rows), strict=True)
        ]
    return columns, leading


def theory(row: Row) -> str:
    """Return what theory says the optimizer selects; ``lp`` becomes the row's own exponent."""
    said = str(row["theory"] or "unknown")
    p = (row["hyperparameters"] or {}).get("p")
    return f"l{p:g}" if said == "lp" and p is not None else said


def agrees(row: Row) -> bool | None:
    """Return whether the verdict is theory's; None without a verdict or without a theory."""
    if row["selected"] in (None, INCONCLUSIVE) or theory(row) == "unknown":
        return None
    return bool(row["selected"] == theory(row))


def setting(rows: Sequence[Row]) -> str:
    """Return in one line: parametrizations, horizon, seeds."""
    found = list(dict.fromkeys(str(row["parametrization"]) for row in rows))
    parts = [f"parametrization{'s' if len(found) > 1 else ''} {' and '.join(found)}"]
    horizons = sorted({row["horizon"] for row in rows if row["horizon"] is not None})
    if horizons:
        ends = dict.fromkeys((horizons[0], horizons[-1]))
        parts.append(f"horizon {' to '.join(map(count, ends))} steps")
    seeds = max(row["seeds"] for row in rows)
    parts.append("1 seed" if seeds == 1 else f"medians over {seeds} seeds [bootstrap interval]")
    return "; ".join(parts)


def reasons(rows: Sequence[Row]) -> list[str]:
    """Return one note per reason: which rows have no verdict or no number, and why."""
    named = []
    for label, row in zip(full_labels(rows), rows, strict=True):
        reason = row["reason"]
        if row["status"] in ENDED_EARLY:
            named.append((label, row["status"] + (f": {reason}" if reason else "")))
        elif reason:
            verdict = f"{INCONCLUSIVE}: " if row.get("selected") == INCONCLUSIVE else ""
            named.append((label, f"{verdict}{reason}"))
    return grouped(named)


def hyperparameters(rows: Sequence[Row], shown: Iterable[str] = ()) -> list[str]:
    """Return one note with the hyperparameters of every row, except those a column has shown."""
    rows_of: dict[str, list[str]] = {}
    for label, row in zip(full_labels(rows), rows, strict=True):
        values = {k: v for k, v in (row["hyperparameters"] or {}).items() if k not in set(shown)}
        if values:
            given = " ".join(f"{key}={significant(value)}" for key, value in values.items())
            rows_of.setdefault(given, []).append(label)
    parts = [f"{', '.join(names)} {given}" for given, names in rows_of.items()]
    return [f"hyperparameters: {'; '.join(parts)}"] if parts else []


def grouped(named: Iterable[tuple[str, str]]) -> list[str]:
    """Join the names that share a text: ``adam, nesterov: text``."""
    names_of: dict[str, list[str]] = {}
    for name, text in named:
        names_of.setdefault(" ".join(text.split()), []).append(name)
    return [f"{', '.join(dict.fromkeys(names))}: {text}" for text, names in names_of.items()]
