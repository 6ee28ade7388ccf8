"""Options that several verbs share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Plugins = Annotated[
    list[str] | None,
    typer.Option("--plugin", metavar="PATH", help="Plug-in file or directory; repeatable."),
]
Out = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Write here instead of to the terminal.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")]
