"""The summary on the page: one cell an optimizer and instance, which opens its run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from optbench.labels import instance_labels
from optbench.report.outcomes import TARGET, Outcome, Verdict
from optbench.report.summary import Summary

TONES = {
    Verdict.AGREES: "good",
    Verdict.CONTRADICTS: "bad",
    Verdict.FAILED: "bad",
    Verdict.NOT_THERE_YET: "unsure",
}


@dataclass(frozen=True)
class MatrixCell:
    """A cell: marks and solution, steps below them, and the run that it opens."""

    text: str
    steps: str
    meaning: str
    tone: str
    run: str


@dataclass(frozen=True)
class PageMatrix:
    """The matrix: heads of its columns, and a label and cells for each row."""

    heads: Sequence[str]
    rows: Sequence[tuple[str, Sequence[MatrixCell | None]]]
    legend: str


def page_matrix(summary: Summary, runs: Mapping[int, str]) -> PageMatrix:
    """Return the matrix of a summary.

    Parameters
    ----------
    summary : Summary
    runs : mapping of int to str
        What the page calls the run of a row of the implicit-bias table, by the row's ``id``.
    """
    names = instance_labels(summary.instances)
    marks = ", ".join(f"{mark} {meaning}" for mark, meaning in summary.legend.items())
    asked = "; a second mark: set up as its theorem asks" if summary.second_marks else ""
    return PageMatrix(
        heads=[names[facts.instance_id] for facts in summary.instances],
        rows=[
            (label, [_cell(each, runs) if each else None for each in outcomes])
            for label, outcomes in summary.matrix.items()
        ],
        legend=f"{marks}{asked}. Then the solution, and {summary.counted} to {TARGET} of the first "
        "gap. Choose a cell to see its run.",
    )


def _cell(outcome: Outcome, runs: Mapping[int, str]) -> MatrixCell:
    return MatrixCell(
        text=f"{outcome.marks} {outcome.solution}".strip(),
        steps=outcome.text,
        meaning=outcome.verdict.meaning,
        tone=TONES.get(outcome.verdict, ""),
        run=runs[id(outcome.bias)],
    )
