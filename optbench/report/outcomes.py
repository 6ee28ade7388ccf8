"""The cells of the first screen: what each optimizer did on an instance, with one verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from optbench.analysis.selection import NO_VERDICT
from optbench.analysis.settling import MOVING
from optbench.labels import labels_across, plain_name
from optbench.numerals import NOTHING, significant
from optbench.report.numbers import count
from optbench.report.rows import UNKNOWN, agrees
from optbench.status import Status
from optbench.targets import INTERPOLATED

if TYPE_CHECKING:
    from optbench.columns import BiasRow, ConvergenceRow
    from optbench.result import Comparison

TARGET = "1e-4"
ROUNDING = "rounding"  # in the place of steps to a target that no loss can show


Matrix: TypeAlias = Mapping[str, Sequence["Outcome | None"]]  # a row an optimizer


class Verdict(StrEnum):
    """What a run says about theory."""

    mark: str
    meaning: str

    AGREES = "agrees", "✓", "as theory says"
    CONTRADICTS = "contradicts", "✗", "not as theory says"
    NOT_THERE_YET = "not there yet", "…", "not there yet"
    UNDECIDED = "undecided", "?", "no verdict"
    SILENT = "silent", "·", "theory is silent"
    SKIPPED = "did not run", NOTHING, "not run here"
    FAILED = "no result", "!", "failed or diverged"

    def __new__(cls, value: str, mark: str, meaning: str) -> Verdict:
        """Return a member: its name, a mark that needs no colour, and what it means."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.mark, member.meaning = mark, meaning
        return member


@dataclass(frozen=True)
class Outcome:
    """One cell of the matrix: what an optimizer did on an instance.

    Attributes
    ----------
    bias, convergence : BiasRow, ConvergenceRow
        Its rows of the two tables, as it is used.
    as_theorem_asks : Outcome or None
        The run beside it, with the hyperparameters that its theorem asks for.
    counted : {"steps", "evaluations"}
    """

    bias: BiasRow
    convergence: ConvergenceRow
    as_theorem_asks: Outcome | None = None
    counted: str = "steps"

    @property
    def verdict(self) -> Verdict:
        """What it says about theory."""
        row, status = self.bias, self.convergence.status
        if not status.has_numbers:
            return Verdict.SKIPPED if status == Status.SKIPPED else Verdict.FAILED
        if row.theory == UNKNOWN or row.theory in row.uncertified or row.selected is None:
            return Verdict.SILENT
        judged = agrees(row)
        if judged is not None:
            return Verdict.AGREES if judged else Verdict.CONTRADICTS
        return Verdict.NOT_THERE_YET if row.selected == MOVING else Verdict.UNDECIDED

    @property
    def marks(self) -> str:
        """The mark of the verdict, then that of the run as its theorem asks, if there is one."""
        asked = self.as_theorem_asks
        return self.verdict.mark + (asked.verdict.mark if asked else "")

    @property
    def solution(self) -> str:
        """The solution that it is at or moves to; empty where it is at none."""
        if self.bias.selected == MOVING:
            return self.bias.towards or ""
        return "" if self.bias.selected in (None, *NO_VERDICT) else str(self.bias.selected)

    @property
    def steps(self) -> float | None:
        """Steps, or evaluations, from which on the target is kept; None: it is not."""
        row = self.convergence
        return (row.steps_to if self.counted == "steps" else row.evaluations_to).get(TARGET)

    @property
    def text(self) -> str:
        """These as text, or why there are none: how the runs ended, or ``> horizon``."""
        row = self.convergence
        if self.steps is not None:
            return ("~" if row.passages == INTERPOLATED else "") + count(self.steps)
        if row.status == Status.SKIPPED:
            return ""
        if not row.status.has_numbers or row.status in (Status.TIMEOUT, Status.INTERRUPTED):
            return row.status.value
        if TARGET in row.below_rounding:
            return ROUNDING
        return f"> {significant(row.horizon)}" if row.steps_to else NOTHING


def outcomes(comparison: Comparison, counted: str) -> list[tuple[str, Outcome]]:
    """Return the cells with the names of their rows.

    A run as its theorem asks follows the one as used, and joins its cell.
    """
    found: list[Outcome] = []
    for bias, convergence in zip(comparison.bias_rows, comparison.convergence_rows, strict=True):
        outcome = Outcome(bias, convergence, counted=counted)
        if bias.as_theorem_asks and found and _beside(found[-1].bias, bias):
            found[-1] = replace(found[-1], as_theorem_asks=outcome)
        else:
            found.append(outcome)
    return list(zip(labels_across([each.bias for each in found]), found, strict=True))


def _beside(used: BiasRow, asked: BiasRow) -> bool:
    """Whether two rows are of one plug-in in one place, the first of them as it is used."""
    first, second = (
        (row.instance_id, row.parametrization, plain_name(row.optimizer)) for row in (used, asked)
    )
    return not used.as_theorem_asks and first == second
