"""The first screen of a comparison, as data: one cell an optimizer and instance, then sentences.

The terminal, the page, notebooks and Markdown render the same :class:`Summary`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optbench.labels import distinct, instance_labels
from optbench.report.findings import findings
from optbench.report.numbers import counted_noun
from optbench.report.outcomes import Matrix, Outcome, Verdict, outcomes

if TYPE_CHECKING:
    from optbench.columns import InstanceFacts
    from optbench.result import Comparison


@dataclass(frozen=True)
class Summary:
    """What a comparison found.

    Attributes
    ----------
    title : str
    instances : tuple of InstanceFacts
        The columns of the matrix.
    matrix : mapping of str to tuple of (Outcome or None)
        For each optimizer one cell an instance; None: it was not asked for there.
    legend : mapping of str to str
        The marks that occur, with their meanings.
    sentences : tuple of str
        What was found, the most important first.
    counted : {"steps", "evaluations"}
        What the cells show.
    """

    title: str
    instances: tuple[InstanceFacts, ...]
    matrix: Mapping[str, tuple[Outcome | None, ...]]
    legend: Mapping[str, str]
    sentences: tuple[str, ...]
    counted: str = "steps"

    @property
    def second_marks(self) -> bool:
        """Whether some cell has a second mark: of the run as its theorem asks."""
        cells = [each for row in self.matrix.values() for each in row if each is not None]
        return any(each.as_theorem_asks is not None for each in cells)


def summarize(comparison: Comparison, counted: str = "steps") -> Summary:
    """Return the first screen of a comparison.

    Parameters
    ----------
    comparison : Comparison
    counted : {"steps", "evaluations"}
        What the cells of the matrix show.
    """
    instances = tuple(distinct(comparison.instances))
    places = {facts.instance_id: place for place, facts in enumerate(instances)}
    matrix: dict[str, list[Outcome | None]] = {}
    for label, outcome in outcomes(comparison, counted):
        row = matrix.setdefault(label, [None] * len(instances))
        row[places[outcome.bias.instance_id]] = outcome
    found = {label: tuple(row) for label, row in matrix.items()}
    return Summary(
        title=f"{counted_noun(len(found), 'optimizer')} on "
        f"{counted_noun(len(instances), 'instance')}",
        instances=instances,
        matrix=found,
        legend=_legend(found),
        sentences=tuple(findings(found, instance_labels(instances), counted)),
        counted=counted,
    )


def _legend(matrix: Matrix) -> dict[str, str]:
    """Return the marks that occur, with their meanings."""
    cells = [each for row in matrix.values() for each in row if each is not None]
    asked = [each.as_theorem_asks for each in cells if each.as_theorem_asks is not None]
    occurring = {each.verdict for each in (*cells, *asked)}
    return {each.mark: each.meaning for each in Verdict if each in occurring}
