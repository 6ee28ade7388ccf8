"""Options that several verbs share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from optbench.result import Comparison

Plugins = Annotated[
    list[str] | None,
    typer.Option("--plugin", metavar="PATH", help="Plug-in file or directory; repeatable."),
]
Out = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Write here instead of to the terminal.")
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
