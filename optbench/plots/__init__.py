"""Figures of a comparison, by name: ``comparison.plot(kind)`` and ``compare --figures``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from optbench.errors import UserError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from optbench.result import Comparison

KINDS = ("sensitivity",)


def plot(comparison: Comparison, kind: str) -> Figure:
    """Return a figure of a comparison.

    Parameters
    ----------
    comparison : Comparison
    kind : str
        One of ``KINDS``.

    Raises
    ------
    UserError
        For an unknown kind, or when there is nothing to show.
    """
    if kind not in KINDS:
        raise UserError(f"unknown kind of figure {kind!r}; known: {', '.join(KINDS)}")
    from optbench.plots.sensitivity import sensitivity

    return sensitivity(comparison.convergence_rows)


def save_all(comparison: Comparison, folder: Path) -> list[str]:
    """Write every figure that there is to ``folder/KIND.svg``; return why the others are not there.

    Parameters
    ----------
    comparison : Comparison
    folder : Path
        An existing folder.
    """
    import matplotlib as mpl

    missing = []
    for kind in KINDS:
        try:
            figure = plot(comparison, kind)
        except UserError as reason:
            missing.append(str(reason))
            continue
        # without a date and random names the same numbers give the same file
        with mpl.rc_context({"svg.hashsalt": "optbench"}):
            figure.savefig(folder / f"{kind}.svg", metadata={"Date": None})
    return missing
