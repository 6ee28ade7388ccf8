"""How the runs of one learning rate ended, in one word, for maps of many of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from optbench.status import Status

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from optbench.columns import ConvergenceRow, LearningRate

CONVERGED, DIVERGED = Status.CONVERGED.value, Status.DIVERGED.value
SLOW, OSCILLATING = "slow", "oscillating"
LEFT_BEHIND, UNKNOWN = "left behind", "no target"
# colour-blind safe, and in this order from light to dark in print without colours
COLOURS = {
    CONVERGED: "#56b4e9",
    SLOW: "#f0e442",
    OSCILLATING: "#cc79a7",
    DIVERGED: "#882255",
    LEFT_BEHIND: "#d9d9d9",
    UNKNOWN: "#ffffff",
}
DARK = (DIVERGED,)
UNITS = ((1e9, "G"), (1e6, "M"), (1e3, "k"))
MEANINGS = {
    CONVERGED: "the target is kept to the end",
    SLOW: "the run went to the horizon without the target",
    OSCILLATING: "a target was reached and left again",
    DIVERGED: "the loss exploded",
    LEFT_BEHIND: "the search stopped the run early",
    UNKNOWN: "the optimum is unknown, so that there is no target",
}


def outcome(row: ConvergenceRow, entry: LearningRate) -> str:
    """Return how the runs of a learning rate ended, or of a row without one: pass it twice."""
    if entry.status is Status.DIVERGED:
        return DIVERGED
    if row.success_rate is None and all(steps is None for steps in entry.steps_to.values()):
        return UNKNOWN
    if entry.steps_to.get(row.success_target) is not None:
        return CONVERGED
    if any(
        first is not None and entry.steps_to.get(target) is None
        for target, first in entry.reached.items()
    ):
        return OSCILLATING
    return SLOW if entry.steps >= row.horizon else LEFT_BEHIND


def number(row: ConvergenceRow, entry: LearningRate, found: str) -> float | None:
    """Return the step that says most of an outcome: of the target, or of the divergence."""
    if found == CONVERGED:
        return entry.steps_to[row.success_target]
    return entry.stopped if found == DIVERGED else None


def short(steps: float) -> str:
    """Write a number of steps in at most four characters: 930, 9.3k, 93k, 9.3M."""
    size, letter = next((own for own in UNITS if steps >= own[0]), (1.0, ""))
    digits = 1 if letter and steps < 9.95 * size else 0
    return f"{steps / size:.{digits}f}{letter}"


def legend(found: Iterable[str]) -> dict[str, Any]:
    """Return a patch for each outcome that there is."""
    from matplotlib.patches import Patch

    there = set(found)
    return {
        name: Patch(facecolor=colour, edgecolor="0.5", linewidth=0.4)
        for name, colour in COLOURS.items()
        if name in there
    }


def meanings(data: pd.DataFrame) -> str:
    """Say what the target and the outcomes of some data mean, in two sentences."""
    targets, there = dict.fromkeys(data["target"]), set(data["outcome"])
    told = "; ".join(f"{name}: {MEANINGS[name]}" for name in MEANINGS if name in there)
    return f"The target is {', '.join(targets)} of the first gap. {told[0].upper()}{told[1:]}."
