"""What the verbs know of the terminal: its width, and whether there is one."""

from __future__ import annotations

import os
import shutil
import sys

from optbench.report.table import Table

PIPE_WIDTH = 120
# For a terminal or a pipe that has none of these: marks stay different from each other.
IN_ASCII = str.maketrans({"✓": "+", "✗": "x", "…": "~", "·": ".", "─": "-", "†": "#"})


def width() -> int:
    """Return ``$COLUMNS``, else the width of the terminal, else 120."""
    given = os.environ.get("COLUMNS", "")
    if given.isdigit() and int(given) > 0:
        return int(given)
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else PIPE_WIDTH


def styled() -> bool:
    """Return whether the output may be bold and dim: on a terminal, unless ``NO_COLOR`` is set."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def emit(text: str) -> None:
    """Write to stdout now: a reader that has gone away (``| head``) is noticed here."""
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        text = text.translate(IN_ASCII)
    sys.stdout.write(text)
    sys.stdout.flush()


def print_tables(*tables: Table) -> None:
    """Print tables at the width of the terminal."""
    from optbench.report.terminal import render_terminal

    emit(render_terminal(tables, (), width(), styled()))
