"""The table of one instance over all learning rates that the user gave."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from optbench.report.facts import Instance
from optbench.report.numbers import count, significant
from optbench.report.rows import INCONCLUSIVE, Row, full_labels
from optbench.report.table import NOTHING, Cell, Column, Table, cells

MOST = 12  # rates that are all shown
EVEN = 10  # of more rates, so many are shown beside the best of each optimizer
NAMED = 5  # optimizers that a sentence names
BEST = " <"
WITHOUT_NUMBERS = ("diverged", "failed", "timeout", "interrupted")

Entry = Mapping[str, Any]


def is_swept(rows: Sequence[Row]) -> bool:
    """Return whether there is a choice to show: several learning rates were given."""
    return any(len(row["learning_rates"]) > 1 for row in rows)


def learning_rate_table(instance: Instance, rows: Sequence[Row]) -> Table:
    """Return steps to the success target, or what is left, for each rate and optimizer.

    Parameters
    ----------
    instance : mapping
        Its entry in ``Comparison.instances``.
    rows : sequence of mapping
        Its rows of ``Comparison.convergence_rows``; those without a list of rates are left out.
    """
    swept = {
        label: row
        for label, row in zip(full_labels(rows), rows, strict=True)
        if row["learning_rates"]
    }
    lists = {
        label: {entry["learning_rate"]: entry for entry in row["learning_rates"]}
        for label, row in swept.items()
    }
    target = rows[0]["success_target"]
    best = {label: row["best_learning_rate"] for label, row in swept.items()}
    rates = sorted({rate for entries in lists.values() for rate in entries})
    shown = _shown(rates, set(best.values()))
    names = _names(shown)
    return Table(
        title=f"Learning rates: {instance['problem']} on {instance['instance']}",
        facts=(_meaning(rows[0]),),
        columns=(Column("learning\nrate", number=True), *(Column(x, number=True) for x in lists)),
        rows=tuple(
            (
                *cells(names[rate]),
                *(_cell(lists[label].get(rate), target, best[label]) for label in lists),
            )
            for rate in shown
        ),
        reading=tuple(_sentences(lists, rates, target)),
        notes=_hidden(shown, rates),
        repeated=1,
    )


def _meaning(row: Row) -> str:
    """Say what a cell is."""
    steps = "steps" if row["seeds"] == 1 else f"median steps over {row['seeds']} seeds"
    return (
        f"{steps} to {row['success_target']}, or what is left of the first (loss - optimum) after "
        f"{count(row['horizon'])} steps; {BEST.strip()} marks the rate that the tables above show"
    )


def _shown(rates: Sequence[float], best: set[float]) -> list[float]:
    """Return the rates to show: all, or the nearest to an even spacing and the best ones."""
    if len(rates) <= MOST:
        return list(rates)
    low, ratio = rates[0], rates[-1] / rates[0]
    goals = [low * ratio ** (k / (EVEN - 1)) for k in range(EVEN)]
    even = {min(rates, key=lambda rate: abs(math.log(rate / goal))) for goal in goals}
    return sorted(even | best)


def _names(rates: Sequence[float]) -> dict[float, str]:
    """Write rates with as many digits as tell them apart."""
    for digits in range(3, 17):
        names = {rate: significant(rate, digits) for rate in rates}
        if len(set(names.values())) == len(rates):
            break
    return names


def _cell(entry: Entry | None, target: str, best: float) -> Cell:
    if entry is None:
        return Cell(NOTHING)
    steps, left = entry["steps_to"][target], entry["log10_left"]
    if steps is not None:
        text = count(steps)
    elif entry["status"] in WITHOUT_NUMBERS or left is None:
        return Cell(entry["status"])
    else:
        share = significant(10.0**left, 2)
        text = f"{share} left" if left <= 0.0 else f"grew {share}x"
    return Cell(text + BEST if entry["learning_rate"] == best else text)


def _hidden(shown: Sequence[float], rates: Sequence[float]) -> tuple[str, ...]:
    if len(shown) == len(rates):
        return ()
    return (
        f"{len(shown)} of {len(rates)} rates are shown, evenly spaced and the best of each "
        f"optimizer: --format json and csv have all {len(rates)}",
    )


def _sentences(
    lists: Mapping[str, Mapping[float, Entry]], rates: Sequence[float], target: str
) -> Iterator[str]:
    """Say how many rates reach the target, which diverge, and where the verdict depends on it."""
    yield _reached(lists, rates, target)
    diverging = {
        label: min(rate for rate, entry in entries.items() if entry["status"] == "diverged")
        for label, entries in lists.items()
        if any(entry["status"] == "diverged" for entry in entries.values())
    }
    lowest = sorted(diverging, key=diverging.__getitem__)
    parts = [f"{label} {significant(diverging[label])}" for label in lowest[:NAMED]]
    if len(lowest) > NAMED:
        parts.append(f"{len(lowest) - NAMED} more at larger ones")
    yield f"Smallest diverging rate: {', '.join(parts) or 'none'}."
    yield from _verdicts(lists)


def _reached(
    lists: Mapping[str, Mapping[float, Entry]], rates: Sequence[float], target: str
) -> str:
    """Rank optimizers by the number of rates at which they reach the target."""
    reached = {
        label: [rate for rate, entry in entries.items() if entry["steps_to"][target] is not None]
        for label, entries in lists.items()
    }
    if not any(reached.values()):
        return f"No optimizer reaches {target} at any of {len(rates)} rates."
    ranked = sorted(filter(reached.get, reached), key=lambda label: -len(reached[label]))
    parts = [f"{label} at {_range(reached[label])}" for label in ranked[:NAMED]]
    if others := [len(reached[label]) for label in ranked[NAMED:]]:
        ends = dict.fromkeys(map(str, (min(others), max(others))))
        parts.append(f"{len(others)} more at {' to '.join(ends)}")
    if never := [label for label in lists if not reached[label]]:
        names = " and ".join(never) if len(never) < NAMED else f"{len(never)} others"
        parts.append(f"{names} at none")
    return f"Of {len(rates)} rates, {target} is reached by {', '.join(parts)}."


def _verdicts(lists: Mapping[str, Mapping[float, Entry]]) -> Iterator[str]:
    """Tell which optimizers select one solution at some rates and another at others."""
    parts = []
    for label, entries in lists.items():
        chosen: dict[str, list[float]] = {}
        for rate, entry in entries.items():
            if entry["selected"] not in (None, INCONCLUSIVE):
                chosen.setdefault(entry["selected"], []).append(rate)
        if len(chosen) > 1:
            told = " and ".join(f"{name} at {_range(at)}" for name, at in chosen.items())
            parts.append(f"{label} selects {told}")
    if parts:
        yield f"The rate decides the solution: {'; '.join(parts)}."


def _range(rates: Sequence[float]) -> str:
    """Write how many rates and which: ``7 (0.0127 to 0.113)``."""
    ends = dict.fromkeys(significant(rate) for rate in (min(rates), max(rates)))
    return f"{len(rates)} ({' to '.join(ends)})"
