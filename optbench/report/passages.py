"""How tables mark steps to a target that are not the first at it, or not exact."""

from __future__ import annotations

from collections.abc import Sequence

from optbench.columns import ConvergenceRow, LearningRate
from optbench.labels import full_labels
from optbench.report.numbers import count
from optbench.targets import INTERPOLATED

LEFT = "^"  # behind a number: the target had been reached before, and left again
READ_OFF = "~"  # before it: interpolated between records
LEFT_AGAIN = f"{LEFT} reached before, and left again"


def was_left(row: ConvergenceRow | LearningRate, target: str) -> bool:
    """Whether a target was reached before the step from which on it is kept, if any."""
    first = row.reached.get(target)
    return first is not None and first != row.steps_to.get(target)


def marked(text: str, row: ConvergenceRow | LearningRate, target: str) -> str:
    """Return what a cell says of a target, with its marks."""
    interpolated = row.passages == INTERPOLATED and row.steps_to.get(target) is not None
    return f"{READ_OFF if interpolated else ''}{text}{LEFT if was_left(row, target) else ''}"


def left_again(rows: Sequence[ConvergenceRow], targets: Sequence[str]) -> list[str]:
    """Say what the mark means, where there is one."""
    if not any(was_left(row, target) for row in rows for target in targets):
        return []
    return [f"{LEFT_AGAIN}: the number is the step from which on the target is kept"]


def when_left(rows: Sequence[ConvergenceRow], targets: Sequence[str]) -> list[str]:
    """Say of the tightest target of each row that it left again when that was."""
    told = []
    for label, row in zip(full_labels(rows), rows, strict=True):
        if left := [target for target in targets if was_left(row, target)]:
            told.append(f"{label} {_passage(row, left[-1])}")
    return [f"{LEFT} {'; '.join(told)}"] if told else []


def _passage(row: ConvergenceRow, target: str) -> str:
    last = row.left_again_at.get(target)
    left = "" if last is None else f", left again at {count(last)}"
    return f"{target} reached at {count(row.reached[target])}{left}"


def read_off(rows: Sequence[ConvergenceRow]) -> list[str]:
    """Say what the mark of steps means that are interpolated."""
    if not any(row.passages == INTERPOLATED for row in rows):
        return []
    return [
        f"{READ_OFF} interpolated between records, ten a decade: what happens between two of them "
        "is not seen"
    ]
