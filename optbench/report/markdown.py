"""Tables in GitHub's Markdown, with all columns."""

from __future__ import annotations

import re
from collections.abc import Sequence

from optbench.report.table import Cell, Column, Table

# An underscore inside a word is not markup in GitHub's Markdown.
_SPECIAL = re.compile(r"[\\|*<`]|(?<!\w)_|_(?!\w)")


def render_markdown(tables: Sequence[Table], notes: Sequence[str]) -> str:
    """Return all tables as Markdown; ``notes`` end the text."""
    parts = [_table(table) for table in tables]
    if notes:
        parts.append("\n".join(f"- {escape(note)}" for note in notes) + "\n")
    return "\n".join(parts)


def escape(text: str) -> str:
    """Escape what Markdown would read as markup."""
    return _SPECIAL.sub(lambda match: f"\\{match[0]}", text)


def _table(table: Table) -> str:
    lines = [f"### {escape(table.title)}", ""]
    lines += [f"{escape(fact)}  " for fact in table.facts]  # two spaces: a line break
    lines += ["", _row([escape(column.title) for column in table.columns])]
    lines.append(_row([_rule(column) for column in table.columns]))
    lines += [_row([_cell(cell) for cell in row]) for row in table.rows]
    lines += ["", *(f"{escape(sentence)}  " for sentence in table.reading)]
    lines += ["", *(f"- {escape(note)}" for note in (*table.notes, *table.details))]
    return "\n".join(lines) + "\n"


def _row(texts: Sequence[str]) -> str:
    return f"| {' | '.join(texts)} |"


def _rule(column: Column) -> str:
    return "---:" if column.number else "---"


def _cell(cell: Cell) -> str:
    return escape(f"{cell.text} {cell.interval}".strip())
