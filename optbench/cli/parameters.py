"""Options that several verbs share."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from optbench.cli.complete import one_of

if TYPE_CHECKING:
    from optbench.result import Comparison

Plugins = Annotated[
    list[str] | None,
    typer.Option("--plugin", metavar="PATH", help="A plug-in file or folder; repeatable."),
]
Out = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Write here instead of to the terminal."),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")]

Result = Annotated[
    Path | None,
    typer.Argument(
        metavar="RESULT",
        help="What `compare --out FILE.parquet` wrote. [default: the last comparison]",
    ),
]


def load_result(file: Path | None) -> Comparison:
    """Return the comparison of a file, or the last one of the command line."""
    from optbench.result import load, load_latest

    return load_latest() if file is None else load(file)


def format_option(known: Iterable[str], group: str | None = None) -> Any:
    """Return ``--format`` with the names of some formats."""
    names = list(known)
    return typer.Option(
        metavar="FORMAT",
        help=f"{', '.join(names)}. [default: by the suffix of --out, or {names[0]}]",
        autocompletion=one_of(names),
        rich_help_panel=group,
    )


def positive(text: str) -> int:
    """Parse a whole number of at least 1."""
    value = int(text) if str(text).isdecimal() else 0
    if value < 1:
        raise typer.BadParameter(f"{text}: must be a whole number of at least 1")
    return value


def seconds(text: str) -> float:
    """Parse a positive number of seconds."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not value > 0.0:
        raise typer.BadParameter(f"{text} must be a positive number of seconds")
    return value
