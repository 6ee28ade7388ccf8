"""The table of one instance over learning rates: those that were given, or that searches tried.

Rates that were given are the same for all optimizers: each has a row.  Searches try rates of their
own, two a decade: a row has what all of them tried within half a decade, one rate an optimizer.
"""

from __future__ import annotations

import math
from collections.abc import Container, Iterator, Mapping, Sequence

from optbench.analysis.selection import NO_VERDICT
from optbench.columns import UNKNOWN, ConvergenceRow, InstanceFacts, LearningRate
from optbench.labels import full_labels
from optbench.numerals import NOTHING
from optbench.report.facts import UNKNOWN_OPTIMUM, title_of
from optbench.report.numbers import count, significant
from optbench.report.passages import LEFT_AGAIN, marked, read_off, was_left
from optbench.report.table import Cell, Column, Table, cells
from optbench.status import Status

MOST = 12  # rates that were given and are all shown
EVEN = 10  # of more rates, so many are shown beside the best of each optimizer
NAMED = 5  # optimizers that a sentence names
BEST = " <"
ROUNDING = 1e-9  # of a rate that lies just at the border of two rows
WENT = "@"  # before the step at which a search left a rate behind
CUT_SHORT = (Status.TIMEOUT, Status.INTERRUPTED)

Entries = Mapping[float, LearningRate]


def is_swept(rows: Sequence[ConvergenceRow], searched: bool = False) -> bool:
    """Return whether there is a choice to show: several learning rates were given.

    Parameters
    ----------
    rows : sequence of ConvergenceRow
    searched : bool
        Whether those of a search are to be shown as well.
    """
    return any(len(row.learning_rates) > 1 and (searched or not row.searched) for row in rows)


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
    target = next(iter(swept.values())).success_target
    best = {row.best_learning_rate for row in swept.values()}
    rates = sorted({rate for entries in lists.values() for rate in entries})
    searched = any(row.searched for row in swept.values())
    shown = _half_decades(rates) if searched else _shown(rates, best)
    names = _names(shown)
    known = instance.infimum_from != UNKNOWN
    return Table(
        title=f"Learning rates: {title_of(instance, instances)}",
        facts=(_meaning(next(iter(swept.values())), known),),
        columns=(Column("learning\nrate", number=True), *(Column(x, number=True) for x in lists)),
        rows=tuple(
            (*cells(name), *(_cell(row, group, target) for row in swept.values()))
            for name, group in zip(names, shown, strict=True)
        ),
        reading=tuple(_sentences(lists, target if known else None)),
        notes=(
            *_hidden(len(rates) if searched else len(shown), rates),
            *_left(lists, shown, target),
            *read_off(list(swept.values())),
        ),
        repeated=1,
    )


def _meaning(row: ConvergenceRow, optimum_known: bool) -> str:
    """Say what a cell is."""
    marks = f"{BEST.strip()} marks the rate that the tables above show"
    if row.searched:
        marks = f"{WENT} the step at which the search left a rate behind; {marks}"
    if not optimum_known:
        return f"{UNKNOWN_OPTIMUM}: the loss after {count(row.horizon)} steps; {marks}"
    steps = "steps" if row.seeds == 1 else f"median steps over {row.seeds} seeds"
    return (
        f"{steps} to {row.success_target}, or what is left of the first (loss - optimum) after "
        f"{count(row.horizon)} steps; {marks}"
    )


def _shown(rates: Sequence[float], best: Container[float | None]) -> list[list[float]]:
    """Return the rates to show: all, or the nearest to an even spacing and the best ones."""
    if len(rates) <= MOST:
        return [[rate] for rate in rates]
    low, ratio = rates[0], rates[-1] / rates[0]
    goals = [low * ratio ** (k / (EVEN - 1)) for k in range(EVEN)]
    even = {min(rates, key=lambda rate: abs(math.log(rate / goal))) for goal in goals}
    return [[rate] for rate in rates if rate in even or rate in best]


def _half_decades(rates: Sequence[float]) -> list[list[float]]:
    """Group rates by half decades, of which every search has tried one rate at most."""
    found: dict[int, list[float]] = {}
    for rate in rates:
        found.setdefault(math.floor(2.0 * math.log10(rate) + ROUNDING), []).append(rate)
    return list(found.values())


def _names(groups: Sequence[Sequence[float]]) -> list[str]:
    """Write the rates of each row, or from which to which, with digits that tell rows apart."""
    for digits in range(3, 17):
        names = [_ends(group, digits) for group in groups]
        if len(set(names)) == len(groups):
            break
    return names


def _ends(rates: Sequence[float], digits: int = 3) -> str:
    """Write the least and the largest of some rates: ``0.0127 to 0.113``, or the only one."""
    ends = (significant(rate, digits) for rate in (min(rates), max(rates)))
    return " to ".join(dict.fromkeys(ends))


def _cell(row: ConvergenceRow, group: Sequence[float], target: str) -> Cell:
    """Return what a row did at its rate of a group, if it has one there."""
    entry = next((each for each in row.learning_rates if each.learning_rate in group), None)
    if entry is None:
        return Cell(NOTHING)
    text = _result(entry, target)
    if text == entry.status:
        return Cell(text)
    behind = f" {WENT}{count(entry.steps)}" if row.searched and entry.steps < row.horizon else ""
    return Cell(text + behind + (BEST if entry.learning_rate == row.best_learning_rate else ""))


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


def _hidden(shown: int, rates: Sequence[float]) -> tuple[str, ...]:
    if shown == len(rates):
        return ()
    return (
        f"{shown} of {len(rates)} rates are shown, evenly spaced and the best of each "
        f"optimizer: a result in JSON or CSV has all {len(rates)}",
    )


def _left(lists: Mapping[str, Entries], shown: Sequence[list[float]], target: str) -> list[str]:
    """Say what the mark of a target means that was left again."""
    rates = [rate for group in shown for rate in group]
    entries = (entries.get(rate) for entries in lists.values() for rate in rates)
    marks = any(entry is not None and was_left(entry, target) for entry in entries)
    return [LEFT_AGAIN] if marks else []


def _sentences(lists: Mapping[str, Entries], target: str | None) -> Iterator[str]:
    """Say how many rates keep the target, which diverge, and where the verdict depends on it."""
    if target is not None:
        yield _kept(lists, target)
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


def _kept(lists: Mapping[str, Entries], target: str) -> str:
    """Rank optimizers by the number of rates at which they keep the target."""
    kept = {
        label: [rate for rate, entry in entries.items() if entry.steps_to.get(target) is not None]
        for label, entries in lists.items()
    }
    tried = _rates({len(entries) for entries in lists.values()})
    if not any(kept.values()):
        return f"No optimizer keeps {target} at any of {tried}."
    ranked = sorted(filter(kept.get, kept), key=lambda label: -len(kept[label]))
    parts = [f"{label} at {_range(kept[label])}" for label in ranked[:NAMED]]
    if others := [len(kept[label]) for label in ranked[NAMED:]]:
        ends = dict.fromkeys(map(str, (min(others), max(others))))
        parts.append(f"{len(others)} more at {' to '.join(ends)}")
    if never := [label for label in lists if not kept[label]]:
        names = " and ".join(never) if len(never) < NAMED else f"{len(never)} others"
        parts.append(f"{names} at none")
    return f"Of {tried}, {target} is kept by {', '.join(parts)}."


def _rates(counts: set[int]) -> str:
    """Write how many rates each optimizer has: ``13 rates``, ``13 to 17 rates``."""
    return f"{min(counts)} rates" if len(counts) == 1 else f"{min(counts)} to {max(counts)} rates"


def _verdicts(lists: Mapping[str, Entries]) -> Iterator[str]:
    """Tell which optimizers select one solution at some rates and another at others."""
    parts = []
    for label, entries in lists.items():
        chosen: dict[str, list[float]] = {}
        for rate, entry in entries.items():
            if entry.selected is not None and entry.selected not in NO_VERDICT:
                chosen.setdefault(entry.selected, []).append(rate)
        if len(chosen) > 1:
            told = " and ".join(f"{name} at {_range(at)}" for name, at in chosen.items())
            parts.append(f"{label} selects {told}")
    if parts:
        yield f"The rate decides the solution: {'; '.join(parts)}."


def _range(rates: Sequence[float]) -> str:
    """Write how many rates and which: ``7 (0.0127 to 0.113)``."""
    return f"{len(rates)} ({_ends(rates)})"
