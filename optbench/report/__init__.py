"""A comparison for people: in the terminal, as Markdown, LaTeX, CSV, JSON, and as a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optbench.errors import UserError
from optbench.report.formats import FORMATS, View
from optbench.report.sections import tables

if TYPE_CHECKING:
    from optbench.result import Comparison

COUNTS = ("steps", "evaluations")  # what profiles compare


def render(
    comparison: Comparison,
    format: str = "table",
    width: int = 120,
    styled: bool = False,
    details: bool = False,
    counted: str = "steps",
) -> str:
    """Return a comparison as text.

    Parameters
    ----------
    comparison : Comparison
    format : str
        One of :data:`optbench.report.formats.FORMATS`.
    width, styled, details, counted
        As in :class:`optbench.report.formats.View`.

    Raises
    ------
    UserError
        For an unknown format or one that is no text, or what cannot be counted.
    """
    written = written_as(comparison, format, View(width, styled, details, counted))
    if isinstance(written, bytes):
        raise UserError(f"format {format} is no text: write it to a file")
    return written


def written_as(comparison: Comparison, format: str, view: View) -> str | bytes:
    """Return a comparison in a format, as text or as the bytes of a file.

    Raises
    ------
    UserError
        For an unknown format, or what cannot be counted.
    """
    if view.counted not in COUNTS:
        raise UserError(f"unknown count {view.counted!r}; known: {', '.join(COUNTS)}")
    if format not in FORMATS:
        raise UserError(f"unknown format {format!r}; known: {', '.join(FORMATS)}")
    return FORMATS[format].write(comparison, view)


__all__ = ["COUNTS", "FORMATS", "View", "render", "tables", "written_as"]
