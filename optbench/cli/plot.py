"""``optbench plot KIND``: a figure of a comparison, with its numbers and its caption."""

from __future__ import annotations

from pathlib import Path
from textwrap import fill
from typing import Annotated

import typer

from optbench.cli import complete
from optbench.cli.output import check_writable
from optbench.cli.parameters import Result, load_result
from optbench.cli.terminal import width as terminal_width


def plot(
    kind: Annotated[
        str | None,
        typer.Argument(
            metavar="KIND",
            help="Which figure; without it: the list.",
            autocompletion=complete.figures,
        ),
    ] = None,
    result: Result = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="KIND.svg by default; the suffix may be .pdf, .svg or .png."
        ),
    ] = None,
    width: Annotated[
        str,
        typer.Option(
            metavar="one|two",
            help="Columns of a paper: 3.25 or 6.75 inches.",
            autocompletion=complete.one_of(("one", "two")),
        ),
    ] = "two",
    against: Annotated[
        str,
        typer.Option(
            metavar="steps|evaluations|seconds",
            help="What progress is shown against, if it is.",
            autocompletion=complete.one_of(("steps", "evaluations", "seconds")),
        ),
    ] = "steps",
    instance: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A problem or an instance to show; repeatable."),
    ] = None,
    optimizer: Annotated[
        list[str] | None,
        typer.Option("--optimizer", "-o", metavar="NAME", help="One to show; repeatable."),
    ] = None,
) -> None:
    """Draw a figure of a comparison; write its numbers (CSV) and its caption (TXT) beside it.

    Without KIND: the list of all kinds, with a sentence on each.
    """
    from optbench.plots import Asked, check_suffix, draw, find, save

    if kind is None:
        typer.echo(_kinds())
        return
    file = out or Path(f"{find(kind).name}.svg")
    asked = Asked(width, against)
    find(kind).check(asked)
    check_writable(file)
    check_suffix(file)
    drawn = draw(load_result(result), kind, asked, instance or (), optimizer or ())
    save(drawn, file)
    typer.echo(f"{file}, {file.with_suffix('.csv')}, {file.with_suffix('.txt')}:")
    typer.echo(fill(drawn.caption, terminal_width()))


def _kinds() -> str:
    """Return the list of all kinds, a sentence on each."""
    from optbench.plots import KINDS

    longest = max(len(each.name) for each in KINDS)
    rest = " " * (longest + 2)
    return "\n".join(
        fill(f"{each.name:<{longest}}  {each.shows}", terminal_width(), subsequent_indent=rest)
        for each in KINDS
    )
