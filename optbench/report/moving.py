"""The notes on moving rows: what is missing to each reference, and what was a decade before."""

from __future__ import annotations

from collections.abc import Sequence

from optbench.analysis.settling import MOVING, RESIDUAL
from optbench.columns import BiasRow, InstanceFacts
from optbench.instance import DIRECTIONS
from optbench.labels import full_labels
from optbench.report.numbers import count, significant


def moving_notes(instance: InstanceFacts, rows: Sequence[BiasRow]) -> list[str]:
    """Return a line that says what the numbers are, then one for each row with its numbers."""
    told = [(label, row) for label, row in zip(full_labels(rows), rows, strict=True)
            if row.selected == MOVING and row.trend]  # fmt: skip
    if not told:
        return []
    entries = [f"{label}: {_entry(instance, row)}" for label, row in told]
    return [_explained(instance, [row for _, row in told]), *entries]


def _explained(instance: InstanceFacts, rows: Sequence[BiasRow]) -> str:
    """Say what is missing, in which units, and when."""
    optimum = "the largest margin" if instance.kind in DIRECTIONS else "the least norm"
    distance = "in degrees" if instance.separation_unit else "as relative distance"
    fitting = [row for row in rows if RESIDUAL not in row.trend]
    away = dict.fromkeys(name for row in fitting for name in row.by_distance)
    parts = [f"in % of {optimum}"] if any(set(row.trend) - set(away) for row in fitting) else []
    if away:
        parts.append(f"to {', '.join(away)} {distance}" if parts else distance)
    if len(fitting) < len(rows) and parts != [distance]:
        parts.append(f"{'of rows with a residual ' if parts else ''}{distance}")
    text = (
        "moving: missing to each reference, at a tenth of the steps -> at the end, "
        f"{', '.join(parts)}"
    )
    if any(row.decided_at is not None for row in rows):
        text += "; close at ~step: if the law of the last two decades goes on"
    return text


def _entry(instance: InstanceFacts, row: BiasRow) -> str:
    now = "" if row.nearest == row.towards else f"{row.nearest} now, "
    parts = [_change(instance, row, name) for name in row.trend]
    if row.decided_at is not None:
        parts.append(f"close at ~{significant(row.decided_at, 1)}")
    return f"{now}towards {row.towards}; {', '.join(parts)}"


def _change(instance: InstanceFacts, row: BiasRow, name: str) -> str:
    """Return ``l2 13->10%``; the end only where what was missing is not known any more."""
    end, ratio = row.missing.get(name), row.trend.get(name)
    if end is None:
        return f"{name} unknown"
    part = name not in (*row.by_distance, RESIDUAL)
    unit = "%" if part else "°" if instance.separation_unit else ""
    before = f"{_amount(100.0 * end / ratio if part else end / ratio)}->" if ratio else ""
    return f"{name} {before}{_amount(100.0 * end if part else end)}{unit}"


def _amount(value: float) -> str:
    """Return two digits, or a whole number: ``0.04``, ``7.2``, ``13``, ``228``."""
    return count(value) if abs(value) >= 100.0 else significant(value, 2)
