"""The table of one instance over all learning rates that the user gave."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from optbench.columns import ConvergenceRow, LearningRate
from optbench.report.facts import UNKNOWN_OPTIMUM, title_of
from optbench.report.numbers import count, significant
from optbench.report.passages import LEFT_AGAIN, marked, read_off, was_left
from optbench.report.rows import INCONCLUSIVE, full_labels
from optbench.report.table import NOTHING, Cell, Column, Table, cells
from optbench.result import UNKNOWN, InstanceFacts
from optbench.status import Status

MOST = 12  # rates that are all shown
EVEN = 10  # of more rates, so many are shown beside the best of each optimizer
NAMED = 5  # optimizers that a sentence names
BEST = " <"
CUT_SHORT = (Status.TIMEOUT, Status.INTERRUPTED)

Entries = Mapping[float, LearningRate]


def is_swept(rows: Sequence[ConvergenceRow]) -> bool:
    """Return whether there is a choice to show: several learning rates were given."""
    return any(len(row.learning_rates) > 1 and not row.searched for row in rows)


def learning_rate_table(
    instance: InstanceFacts,
    rows: Sequence[ConvergenceRow],
    instances: Sequence[InstanceFacts] = (),
) -> Table:
    """Return steps to the success target, or what is left, for each rate and optimizer.

    Parameters
    ----------
    instance : InstanceFacts
    rows : sequence of ConvergenceRow
        Its rows; those without a list of rates are left out.
    instances : sequence of InstanceFacts
        All instances of the comparison: namesakes are told apart in the title.
    """
    swept = {
        label: row for label, row in zip(full_labels(rows), rows, strict=True) if row.learning_rates
    }
    lists = {
        label: {entry.learning_rate: entry for entry in row.learning_rates}
        for label, row in swept.items()
    }
    target = rows[0].success_target
    best = {label: row.best_learning_rate for label, row in swept.items()}
    rates = sorted({rate for entries in lists.values() for rate in entries})
    shown = _shown(rates, {rate for rate in best.values() if rate is not None})
    names = _names(shown)
    known = instance.infimum_from != UNKNOWN
    return Table(
        title=f"Learning rates: {title_of(instance, instances)}",
        facts=(_meaning(rows[0], known),),
        columns=(Column("learning\nrate", number=True), *(Column(x, number=True) for x in lists)),
        rows=tuple(
            (
                *cells(names[rate]),
                *(_cell(lists[label].get(rate), target, best[label]) for label in lists),
            )
            for rate in shown
        ),
        reading=tuple(_sentences(lists, rates, target if known else None)),
        notes=(
            *_hidden(shown, rates),
            *_left(lists, shown, target),
            *read_off(list(swept.values())),
        ),
        repeated=1,
    )


def _meaning(row: ConvergenceRow, optimum_known: bool) -> str:
    """Say what a cell is."""
    marks = f"{BEST.strip()} marks the rate that the tables above show"
    if not optimum_known:
        return f"{UNKNOWN_OPTIMUM}: the loss after {count(row.horizon)} steps; {marks}"
    steps = "steps" if row.seeds == 1 else f"median steps over {row.seeds} seeds"
    return (
        f"{steps} to {row.success_target}, or what is left of the first (loss - optimum) after "
        f"{count(row.horizon)} steps; {marks}"
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


def _cell(entry: LearningRate | None, target: str, best: float | None) -> Cell:
    if entry is None:
        return Cell(NOTHING)
    text = _result(entry, target)
    return Cell(text + BEST if entry.learning_rate == best and text != entry.status else text)


def _result(entry: LearningRate, target: str) -> str:
    """Return the steps to the target, else what is left, else how the runs ended."""
    steps = entry.steps_to.get(target)
    if steps is not None:
        return marked(count(steps), entry, target)
    if not entry.status.has_numbers or entry.status in CUT_SHORT:
        return entry.status.value
    if entry.log10_left is not None:
        share = significant(10.0**entry.log10_left, 2)
        text = f"{share} left" if entry.log10_left <= 0.0 else f"grew {share}x"
        return marked(text, entry, target)
    return (
        entry.status.value if entry.final_loss is None else f"loss {significant(entry.final_loss)}"
    )


def _hidden(shown: Sequence[float], rates: Sequence[float]) -> tuple[str, ...]:
    if len(shown) == len(rates):
        return ()
    return (
        f"{len(shown)} of {len(rates)} rates are shown, evenly spaced and the best of each "
        f"optimizer: --format json and csv have all {len(rates)}",
    )


def _left(lists: Mapping[str, Entries], shown: Sequence[float], target: str) -> list[str]:
    """Say what the mark of a target means that was left again."""
    entries = (entries.get(rate) for entries in lists.values() for rate in shown)
    marks = any(entry is not None and was_left(entry, target) for entry in entries)
    return [LEFT_AGAIN] if marks else []


def _sentences(
    lists: Mapping[str, Entries], rates: Sequence[float], target: str | None
) -> Iterator[str]:
    """Say how many rates keep the target, which diverge, and where the verdict depends on it."""
    if target is not None:
        yield _kept(lists, rates, target)
    diverging = {
        label: min(rate for rate, entry in entries.items() if entry.status == Status.DIVERGED)
        for label, entries in lists.items()
        if any(entry.status == Status.DIVERGED for entry in entries.values())
    }
    lowest = sorted(diverging, key=diverging.__getitem__)
    parts = [f"{label} {significant(diverging[label])}" for label in lowest[:NAMED]]
    if len(lowest) > NAMED:
        parts.append(f"{len(lowest) - NAMED} more at larger ones")
    yield f"Smallest diverging rate: {', '.join(parts) or 'none'}."
    yield from _verdicts(lists)


def _kept(lists: Mapping[str, Entries], rates: Sequence[float], target: str) -> str:
    """Rank optimizers by the number of rates at which they keep the target."""
    kept = {
        label: [rate for rate, entry in entries.items() if entry.steps_to.get(target) is not None]
        for label, entries in lists.items()
    }
    if not any(kept.values()):
        return f"No optimizer keeps {target} at any of {len(rates)} rates."
    ranked = sorted(filter(kept.get, kept), key=lambda label: -len(kept[label]))
    parts = [f"{label} at {_range(kept[label])}" for label in ranked[:NAMED]]
    if others := [len(kept[label]) for label in ranked[NAMED:]]:
        ends = dict.fromkeys(map(str, (min(others), max(others))))
        parts.append(f"{len(others)} more at {' to '.join(ends)}")
    if never := [label for label in lists if not kept[label]]:
        names = " and ".join(never) if len(never) < NAMED else f"{len(never)} others"
        parts.append(f"{names} at none")
    return f"Of {len(rates)} rates, {target} is kept by {', '.join(parts)}."


def _verdicts(lists: Mapping[str, Entries]) -> Iterator[str]:
    """Tell which optimizers select one solution at some rates and another at others."""
    parts = []
    for label, entries in lists.items():
        chosen: dict[str, list[float]] = {}
        for rate, entry in entries.items():
            if entry.selected is not None and entry.selected != INCONCLUSIVE:
                chosen.setdefault(entry.selected, []).append(rate)
        if len(chosen) > 1:
            told = " and ".join(f"{name} at {_range(at)}" for name, at in chosen.items())
            parts.append(f"{label} selects {told}")
    if parts:
        yield f"The rate decides the solution: {'; '.join(parts)}."


def _range(rates: Sequence[float]) -> str:
    """Write how many rates and which: ``7 (0.0127 to 0.113)``."""
    ends = dict.fromkeys(significant(rate) for rate in (min(rates), max(rates)))
    return f"{len(rates)} ({' to '.join(ends)})"
