"""Whom a comparison has to cite: optbench, and the papers of what it ran."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optbench.report.citations.papers import Paper, papers_in

if TYPE_CHECKING:
    from optbench.result import Comparison


def cited(comparison: Comparison) -> dict[Paper, list[str]]:
    """Return every paper of the optimizers, problems and data of a comparison, and which cite it.

    Parameters
    ----------
    comparison : Comparison
        What it ran says for itself which papers these are: ``environment["papers"]``.
    """
    found: dict[Paper, list[str]] = {}
    for name, reference in comparison.environment.get("papers", {}).items():
        for paper in papers_in(reference):
            _note(found, paper, name)
    for facts in comparison.instances:
        for paper in papers_in(facts.source):
            _note(found, paper._replace(place=facts.source), facts.instance)
    return dict(sorted(found.items(), key=lambda item: (item[0].authors, item[0].year)))


def without_paper(comparison: Comparison) -> dict[str, str]:
    """Return the references in which no author and year are found, as they are written."""
    return {
        name: reference
        for name, reference in comparison.environment.get("papers", {}).items()
        if reference and not papers_in(reference)
    }


def _note(found: dict[Paper, list[str]], paper: Paper, name: str) -> None:
    names = found.setdefault(paper, [])
    if name not in names:
        names.append(name)


__all__ = ["Paper", "cited", "papers_in", "without_paper"]
