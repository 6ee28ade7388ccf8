"""A comparison in a notebook: the matrix and the sentences of the first screen, as HTML.

No script, no style sheet: notebooks strip them from what they do not trust.  Every colour is that
of the text around, so that it reads in a dark theme as in a light one.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING

from optbench.numerals import NOTHING
from optbench.report.outcomes import Outcome
from optbench.report.summary import Summary, summarize
from optbench.report.summary_table import legend_line

if TYPE_CHECKING:
    from optbench.result import Comparison

TABLE = "border-collapse:collapse;background:none;color:inherit;font-size:inherit;margin:.4em 0"
CELL = "padding:.15em .8em;text-align:left;vertical-align:bottom;white-space:nowrap"
LINE = "border-bottom:1px solid currentColor"
FAINT = "opacity:.75;font-size:90%"


def render_notebook(comparison: Comparison) -> str:
    """Return what a notebook shows of a comparison."""
    summary = summarize(comparison)
    notes = [f"note: {note}" for note in comparison.notes]
    return "".join(
        [
            f"<div><div><b>{escape(summary.title)}</b></div>",
            f'<div style="{FAINT}">{escape(legend_line(summary, True))}</div>',
            _matrix(summary),
            *(f"<div>{escape(sentence)}</div>" for sentence in summary.sentences),
            *(f'<div style="{FAINT}">{escape(note)}</div>' for note in notes),
            "</div>",
        ]
    )


def _matrix(summary: Summary) -> str:
    titles = [f"{escape(each.problem)}<br>{escape(each.instance)}" for each in summary.instances]
    head = _row("th", ["optimizer", *titles], f"{CELL};{LINE}")
    body = [
        _row("td", (escape(name), *map(_cell, cells)), CELL)
        for name, cells in summary.matrix.items()
    ]
    return (
        f'<div style="overflow-x:auto"><table style="{TABLE}"><thead>{head}</thead>'
        f"<tbody>{''.join(body)}</tbody></table></div>"
    )


def _row(tag: str, cells: Iterable[str], style: str) -> str:
    inside = "".join(f'<{tag} style="{style}">{cell}</{tag}>' for cell in cells)
    return f'<tr style="background:none">{inside}</tr>'


def _cell(outcome: Outcome | None) -> str:
    if outcome is None:
        return NOTHING
    reason = outcome.bias.reason or outcome.convergence.reason or ""
    title = f"{outcome.verdict.meaning}{': ' if reason else ''}{reason}"
    parts = [part for part in (outcome.marks, outcome.solution, outcome.text) if part]
    return f'<span title="{escape(title)}">{escape(" ".join(parts))}</span>'
