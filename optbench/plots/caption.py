"""What every caption ends with: on what the numbers were measured, and how runs were tuned."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from optbench.plots.rows import naming, title

if TYPE_CHECKING:
    import pandas as pd

    from optbench.result import Comparison

THEOREM_ROWS = "(theorem): with the hyperparameters that the optimizer's theorem asks for."
MANY = 4  # instances up to which each is described


def listed(names: Iterable[str], last: str = "and") -> str:
    """Return ``a, b and c``."""
    parts = list(names)
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} {last} {parts[-1]}"


def setting(comparison: Comparison, data: pd.DataFrame) -> str:
    """Return the instances of some data, the horizon, the tuning and the seeds, in sentences."""
    shown = set(data["instance_id"]) if "instance_id" in data else None
    rows = [
        row
        for row in comparison.convergence_rows
        if row.status.ran and (shown is None or row.instance_id in shown)
    ]
    if not rows:
        return ""
    horizons = sorted({row.horizon for row in rows})
    steps = f"{horizons[0]:,}" if len(horizons) == 1 else f"{horizons[0]:,} to {horizons[-1]:,}"
    seeds = max(row.seeds for row in rows)
    parts = (
        f"{_instances(comparison, {row.instance_id for row in rows})}.",
        f"Horizon: {steps} steps, {'1 seed' if seeds == 1 else f'{seeds} seeds'}.",
        _tuning(comparison, {row.instance_id for row in rows}),
        _absent(comparison) if shown is None else "",
        THEOREM_ROWS if any(row.as_theorem_asks for row in rows) else "",
    )
    return " ".join(part for part in parts if part)


def _instances(comparison: Comparison, shown: set[str]) -> str:
    facts = {each.instance_id: each for each in comparison.instances if each.instance_id in shown}
    names = [f"{title(f.problem, f.instance)} ({f.n:,} x {f.d:,})" for f in facts.values()]
    if len(names) > MANY:
        names = [*names[: MANY - 1], f"{len(names) - MANY + 1} more"]
    return f"Instance{'s' if len(names) > 1 else ''}: {listed(names)}" if names else ""


def _tuning(comparison: Comparison, shown: set[str]) -> str:
    rows = [row for row in comparison.convergence_rows if row.instance_id in shown]
    if any(row.searched for row in rows):
        return (
            "Every learning rate was searched by the same rule, and the rate that is best at the "
            "horizon won."
        )
    given = sorted({each.learning_rate for row in rows for each in row.learning_rates})
    if len(given) == 1:
        return f"Learning rate: {given[0]:g}."
    if given:
        return (
            f"Learning rates: the best of {len(given)} that were given, {given[0]:g} to "
            f"{given[-1]:g}."
        )
    return "No learning rate was tuned."


def _absent(comparison: Comparison) -> str:
    """Say which optimizers did not run on some of the instances over which a figure counts."""
    name = naming(comparison.convergence_rows)
    ran: dict[str, set[str]] = {}
    for row in comparison.convergence_rows:
        if row.status.ran:
            ran.setdefault(name(row), set()).add(row.instance_id)
    every = len(set().union(*ran.values()))
    missing = [f"{label} ({every - len(on)})" for label, on in ran.items() if len(on) < every]
    if not missing:
        return ""
    return (
        f"On some of the {every} instances there is no run of {listed(missing)}: what is asked "
        "there counts as not reached."
    )
