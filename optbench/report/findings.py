"""The sentences of the first screen: what was found, by numbers, and only what was tested."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from optbench.analysis.selection import NO_VERDICT
from optbench.analysis.settling import MOVING
from optbench.analysis.significance import fewest_blocks
from optbench.report.numbers import counted_noun, significant
from optbench.report.outcomes import TARGET, Outcome, Verdict
from optbench.report.profile_table import slower_by_label
from optbench.status import Status

if TYPE_CHECKING:
    from optbench.report.outcomes import Matrix

Named = tuple[str, Outcome]

NAMED = 3  # optimizers, or runs, that a sentence names
WENT_WRONG = (Status.FAILED, Status.DIVERGED, Status.TIMEOUT, Status.INTERRUPTED)


def findings(matrix: Matrix, instances: Mapping[str, str], counted: str) -> Iterator[str]:
    """Yield the sentences, the most important first.

    Parameters
    ----------
    matrix : mapping of str to sequence of (Outcome or None)
    instances : mapping of str to str
        What each instance is called, by its id.
    counted : {"steps", "evaluations"}
    """
    cells = [(name, cell) for name, row in matrix.items() for cell in row if cell is not None]
    yield from _theory(cells, instances)
    yield from _fastest(matrix, counted)
    yield from _undecided(cells)
    yield from _went_wrong(cells, instances)


def _theory(cells: Sequence[Named], instances: Mapping[str, str]) -> Iterator[str]:
    """Say how many verdicts are theory's, name those that are not, and count the open ones."""
    runs = _runs(cells)
    agree, contradict, moving, undecided = (
        [(name, run) for name, run in runs if run.verdict == verdict]
        for verdict in (
            Verdict.AGREES,
            Verdict.CONTRADICTS,
            Verdict.NOT_THERE_YET,
            Verdict.UNDECIDED,
        )
    )
    still_open = len(moving) + len(undecided)
    if not (agree or contradict or still_open):
        yield "Theory is silent about all of these runs."
        return
    parts = [f"{len(agree)} agreed with it"] if agree else []
    if contradict:
        others = [
            f"{name} selects {run.bias.selected}, not {run.bias.theory}, on "
            f"{instances[run.bias.instance_id]}"
            for name, run in contradict
        ]
        parts.append(f"{len(contradict)} contradicted it ({listed(others)})")
    if still_open:
        parts.append(f"{still_open} came to no verdict{_still_moved(moving)}")
    runs_of_theory = counted_noun(len(agree) + len(contradict) + still_open, "run")
    yield f"Theory speaks about {runs_of_theory}: {', '.join(parts)}."


def _still_moved(moving: Sequence[Named]) -> str:
    """Say how many runs still moved when they ended, and whether they did so as theory says."""
    if not moving:
        return ""
    right = sum(run.bias.towards == run.bias.theory for _, run in moving)
    which = {0: "none", len(moving): "all"}.get(right, str(right))
    which = f"{which} of them " if len(moving) > 1 else "" if right else "not "
    ended = "when they ended" if len(moving) > 1 else "when it ended"
    return f" ({len(moving)} still moved {ended}, {which}the way that theory says)"


def _fastest(matrix: Matrix, counted: str) -> Iterator[str]:
    """Say who took the fewest steps on how many instances, and whether that is beyond chance."""
    factors: dict[str, list[float]] = {}
    compared = 0
    for column in zip(*matrix.values(), strict=True):
        kept = sorted(
            (cell.steps, name)
            for name, cell in zip(matrix, column, strict=True)
            if cell is not None and cell.steps is not None
        )
        compared += bool(kept)
        if kept:
            least, *others = [max(steps, 1.0) for steps, _ in kept]
            next_best = others[0] if others else math.inf
            for steps, name in kept:
                if max(steps, 1.0) == least:
                    factors.setdefault(name, []).append(next_best / least)
    if not compared:
        yield f"No optimizer comes to {TARGET} on any instance."
        return
    ranked = sorted(factors, key=lambda name: (-len(factors[name]), name))
    several = compared > 1
    parts = [
        f"{name}{f' on {len(factors[name])}' if several else ''}"
        f"{_by(factors[name], first=place == 0)}"
        for place, name in enumerate(ranked)
    ]
    where = f", of {compared} instances" if several else ""
    told = f"Fewest {counted} to {TARGET}{where}: {listed(parts)}. {_beyond_chance(matrix)}"
    yield told.rstrip()


def _by(factors: Sequence[float], first: bool) -> str:
    """Say by which factor the next one takes more: ``(the next takes 1.2 to 15 times as many)``."""
    known = [factor for factor in factors if math.isfinite(factor)]
    if not known:
        return " (no other gets there)"
    ends = dict.fromkeys(significant(end, 2) for end in (min(known), max(known)))
    told = f"{' to '.join(ends)}x"
    return f" (the next takes {told} as many)" if first else f" ({told})"


def _beyond_chance(matrix: Matrix) -> str:
    """Say which differences over instances are more than chance, or how many it would take."""
    every = [cell.convergence for row in matrix.values() for cell in row if cell is not None]
    known = {row.instance_id for row in every if row.steps_to}
    rows = [row for row in every if row.instance_id in known]
    told = slower_by_label(rows)
    instances, needed = len({row.instance_id for row in rows}), fewest_blocks(len(told))
    if len(told) < 2:
        return ""
    if instances < needed:
        return (
            f"Which of {len(told)} optimizers is faster in general is not decided: that takes "
            f"{needed} instances, here are {instances}."
        )
    slow = [name for name, each in told.items() if each.than]
    if not slow:
        return "No difference between optimizers over the instances is beyond chance."
    return (
        f"Over the {instances} instances {len(slow)} of {len(told)} optimizers are slower than "
        f"another one beyond chance (sign test, 5%): {listed(slow)}."
    )


def _undecided(cells: Sequence[Named]) -> Iterator[str]:
    """Say how many runs have no verdict, and why."""
    runs = [run for _, run in _runs(cells) if run.bias.status.has_numbers and run.bias.selected]
    moving = [run for run in runs if run.bias.selected == MOVING]
    lost = [run for run in runs if run.bias.selected in NO_VERDICT and run not in moving]
    if not moving and not lost:
        return
    parts = [f"{len(moving)} still moved at the end"] if moving else []
    if lost:
        parts.append(f"{len(lost)} stayed open for other reasons")
    yield f"{len(moving) + len(lost)} of {len(runs)} runs came to no verdict: {', '.join(parts)}."


def _went_wrong(cells: Sequence[Named], instances: Mapping[str, str]) -> Iterator[str]:
    """Say what failed, diverged or was cut short, where, and why."""
    for status in WENT_WRONG:
        found: dict[tuple[str, str], list[str]] = {}
        for name, run in _runs(cells):
            if run.convergence.status == status:
                key = (name, run.convergence.reason or "")
                found.setdefault(key, []).append(instances[run.bias.instance_id])
        parts = [
            f"{name} on {listed(places)}{f' ({reason})' if reason else ''}"
            for (name, reason), places in found.items()
        ]
        if parts:
            yield f"{status.value.capitalize()}: {listed(parts)}."


def _runs(cells: Sequence[Named]) -> list[Named]:
    """Return every run: as used, then as its theorem asks."""
    found = []
    for name, cell in cells:
        found.append((name, cell))
        if cell.as_theorem_asks is not None:
            found.append((f"{name} (theorem)", cell.as_theorem_asks))
    return found


def listed(parts: Sequence[str], most: int = NAMED) -> str:
    """Join a few parts by commas; of more than ``most`` the others are counted."""
    if len(parts) <= most + 1:
        return ", ".join(parts)
    return f"{', '.join(parts[:most])} and {len(parts) - most} more"
