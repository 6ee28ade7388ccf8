"""Tables for a terminal or a pipe: every line is at most as wide as asked for.

Plain text with bold and dim; rich would add a third to the time of ``optbench list``.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from itertools import zip_longest

from optbench.report.fit import GAP, PROSE, Fitted, fit, parts
from optbench.report.table import Cell, Column, Table

NARROWEST = 80
BOLD, DIM, PLAIN = "\x1b[1m", "\x1b[2m", ""
RESET = "\x1b[0m"

Line = tuple[str, str]  # style, text


def render_terminal(
    tables: Sequence[Table],
    notes: Sequence[str],
    width: int,
    styled: bool,
    details: bool = False,
) -> str:
    """Return all tables as text.

    Parameters
    ----------
    tables : sequence of Table
    notes : sequence of str
        Lines for the end.
    width : int
        Characters per line, at least 80 are used.
    styled : bool
        Whether to use ANSI codes for bold and dim text.
    details : bool
        Whether the details of tables are shown.
    """
    width = max(width, NARROWEST)
    lines = [line for table in tables for line in _table(table, width, details)]
    lines += [line for note in notes for line in _paragraph(note, width, PLAIN)]
    if not styled:
        return "".join(f"{text.rstrip()}\n" for _, text in lines)
    return "".join(f"{style}{text.rstrip()}{RESET if style else ''}\n" for style, text in lines)


def _table(table: Table, width: int, details: bool) -> Iterator[Line]:
    """Yield one table: title, facts, the table itself, the sentences that read it, notes."""
    fitted = [fit(part, width) for part in parts(table, width)]
    yield from _title(table.title, width)
    for fact in table.facts:
        yield from _paragraph(fact, width, DIM)
    for part in fitted:
        yield PLAIN, ""
        yield from _grid(part, width)
    yield PLAIN, ""
    for sentence in table.reading:
        yield from _paragraph(sentence, width, PLAIN)
    for note in (*table.notes, *(table.details if details else ())):
        yield from _paragraph(f"- {note}", width, DIM)
    if left_out := [title for part in fitted for title in part.left_out]:
        hidden = ", ".join(left_out)
        text = f"- not shown at this width ({table.complete} has all): {hidden}"
        yield from _paragraph(text, width, DIM)
    yield PLAIN, ""


def _title(title: str, width: int) -> Iterator[Line]:
    if len(title) > width - GAP:
        yield from _paragraph(title, width, BOLD)
    else:
        yield BOLD, f"{title} {'─' * (width - len(title) - 1)}"


def _paragraph(text: str, width: int, style: str) -> Iterator[Line]:
    """Yield the lines of a paragraph with a hanging indent, broken at spaces only."""
    indent = " " * GAP
    for line in textwrap.wrap(text, width, subsequent_indent=indent, break_on_hyphens=False) or [
        ""
    ]:
        yield style, line


def _grid(fitted: Fitted, width: int) -> Iterator[Line]:
    """Yield header, rule and rows; prose shares what width is left."""
    columns, rows = fitted.table.columns, fitted.table.rows
    prose = sum(column.prose for column in columns)
    limit = PROSE + (width - fitted.width) // prose if prose else 0
    body = [[_cell_lines(c, cell, limit) for c, cell in zip(columns, row, strict=True)]
            for row in rows]  # fmt: skip
    head = [column.header.split("\n") for column in columns]
    deepest = max(len(lines) for lines in head)
    head = [[""] * (deepest - len(lines)) + lines for lines in head]
    widths = [
        max(len(line) for lines in (head[i], *(row[i] for row in body)) for line in lines)
        for i in range(len(columns))
    ]
    yield from ((BOLD, line) for line in _row(columns, head, widths))
    yield DIM, "─" * (sum(widths) + GAP * (len(widths) - 1))
    for row in body:
        yield from ((PLAIN, line) for line in _row(columns, row, widths))


def _cell_lines(column: Column, cell: Cell, limit: int) -> list[str]:
    if column.prose:
        return textwrap.wrap(cell.text, limit, break_on_hyphens=False) or [""]
    return cell.text.split("\n")


def _row(columns: Sequence[Column], cells: Sequence[list[str]], widths: list[int]) -> Iterator[str]:
    """Yield the lines of one row, each cell aligned in its column."""
    for texts in zip_longest(*cells, fillvalue=""):
        yield (" " * GAP).join(
            text.rjust(width) if column.number else text.ljust(width)
            for column, text, width in zip(columns, texts, widths, strict=True)
        )
