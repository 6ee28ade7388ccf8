"""Tables for a terminal or a pipe, with rich: every line is at most as wide as asked for."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.rule import Rule
from rich.table import Table as RichTable
from rich.text import Text

from optbench.report.fit import GAP, PROSE, fit
from optbench.report.table import Column, Table

NARROWEST = 60


def render_terminal(tables: Sequence[Table], notes: Sequence[str], width: int, styled: bool) -> str:
    """Return all tables as text.

    Parameters
    ----------
    tables : sequence of Table
    notes : sequence of str
        Lines for the end.
    width : int
        Characters per line, at least 60.
    styled : bool
        Whether to use ANSI codes for bold and dim text.
    """
    console = Console(
        file=io.StringIO(),
        width=max(width, NARROWEST),
        force_terminal=styled,
        color_system="auto" if styled else None,
        legacy_windows=False,
    )
    for table in tables:
        print_table(console, table)
    for note in notes:
        _lines(console, note, "")
    assert isinstance(console.file, io.StringIO)
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines()) + "\n"


def print_table(console: Console, table: Table) -> None:
    """Print one table: title, facts, the table itself, the sentences that read it, notes."""
    fitted = fit(table, console.width)
    if len(table.title) < console.width - GAP:
        console.print(Rule(Text(table.title, style="bold"), align="left", style="dim"))
    else:
        _lines(console, table.title, "bold")
    for fact in table.facts:
        _lines(console, fact, "dim")
    console.print()
    console.print(_rich_table(fitted.table, console.width - fitted.width))
    console.print()
    for sentence in table.reading:
        _lines(console, sentence, "")
    for note in table.notes:
        _lines(console, f"- {note}", "dim")
    if fitted.left_out:
        hidden = ", ".join(fitted.left_out)
        text = f"- left out at this width (--format markdown has all): {hidden}"
        _lines(console, text, "dim")
    console.print()


def _rich_table(table: Table, spare: int) -> RichTable:
    """Lay the fitted table out; prose shares what width is left."""
    # One space of padding and one of the rule: GAP = 2 between columns.
    rich_table = RichTable(
        box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0)
    )
    prose = sum(column.prose for column in table.columns)
    for column in table.columns:
        _add_column(rich_table, column, spare // prose if prose else 0)
    for row in table.rows:
        rich_table.add_row(*(Text(cell.text) for cell in row))
    return rich_table


def _add_column(rich_table: RichTable, column: Column, extra: int) -> None:
    rich_table.add_column(
        Text(column.header, style="bold"),
        justify="right" if column.number else "left",
        vertical="top",
        no_wrap=not column.prose,
        max_width=PROSE + extra if column.prose else None,
        overflow="fold",
    )


def _lines(console: Console, text: str, style: str) -> None:
    """Print a paragraph with a hanging indent, broken at spaces only."""
    wrapped = textwrap.wrap(
        text, console.width, subsequent_indent=" " * GAP, break_on_hyphens=False
    )
    for line in wrapped:
        console.print(Text(line, style=style), no_wrap=True)
