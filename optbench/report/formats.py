"""The formats of a comparison: one entry each, with the suffixes of files that mean it.

Whoever adds a format adds an entry to ``FORMATS``: ``--format``, ``--out`` and messages follow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from optbench.report.table import Table
    from optbench.result import Comparison


@dataclass(frozen=True)
class View:
    """How much of a comparison is wanted, and how wide.

    Attributes
    ----------
    width : int
        Characters per line of a table for the terminal; at least 80 are used.
    styled : bool
        Whether it uses ANSI codes.
    details : bool
        Whether the terminal shows all tables of several instances, not their summary only, and
        tables show every learning rate that a search tried; CSV and JSON always have them.
    counted : {"steps", "evaluations"}
        What the summary and the profile over several instances compare.
    """

    width: int = 120
    styled: bool = False
    details: bool = False
    counted: str = "steps"


@dataclass(frozen=True)
class Format:
    """A format: the suffixes that mean it, what writes it, and whether that is text.

    What is no text goes to files only.
    """

    suffixes: tuple[str, ...]
    write: Callable[[Comparison, View], str | bytes]
    text: bool = True


def _terminal(comparison: Comparison, view: View) -> str:
    from optbench.report.sections import first_screen, is_summarized, notes_of, tables
    from optbench.report.sweep import brief
    from optbench.report.terminal import render_terminal

    if is_summarized(comparison) and not view.details:
        suffixes = [suffix for each in FORMATS.values() for suffix in each.suffixes[:1]]
        pointers = {
            "--details": "all tables",
            "--out FILE": " ".join(suffixes),
            "optbench plot KIND": "a figure of it",
            "optbench report": "it as a page",
        }
        return first_screen(comparison, view, pointers, "--until-verdict")
    found = tables(comparison, view.details, view.counted)
    if not view.details:
        found = [brief(table, "; --details shows all") for table in found]
    return render_terminal(found, notes_of(comparison), view.width, view.styled, view.details)


def _markdown(comparison: Comparison, view: View) -> str:
    from optbench.report.markdown import render_markdown
    from optbench.report.sections import notes_of

    return render_markdown(_every_table(comparison, view), notes_of(comparison))


def _latex(comparison: Comparison, view: View) -> str:
    from optbench.report.latex import render_latex
    from optbench.report.sections import notes_of

    return render_latex(_every_table(comparison, view), notes_of(comparison))


def _csv(comparison: Comparison, view: View) -> str:
    from optbench.report.long_csv import render_csv

    return render_csv(comparison, view.counted)


def _json(comparison: Comparison, view: View) -> str:
    from optbench.report.document import render_json

    return render_json(comparison, view.counted)


def _html(comparison: Comparison, view: View) -> str:
    from optbench.report.html import render_html

    return render_html(comparison, view.counted)


def _parquet(comparison: Comparison, view: View) -> bytes:
    return comparison.to_parquet()


def _every_table(comparison: Comparison, view: View) -> Sequence[Table]:
    from optbench.report.sections import is_summarized, tables
    from optbench.report.summary import summarize
    from optbench.report.summary_table import summary_table

    found = tables(comparison, view.details, view.counted)
    if not is_summarized(comparison):
        return found
    return [summary_table(summarize(comparison, view.counted)), *found]


FORMATS: Mapping[str, Format] = {
    "table": Format((".txt",), _terminal),
    "markdown": Format((".md", ".markdown"), _markdown),
    "latex": Format((".tex",), _latex),
    "csv": Format((".csv",), _csv),
    "json": Format((".json",), _json),
    "html": Format((".html", ".htm"), _html),
    "parquet": Format((".parquet",), _parquet, text=False),
}
