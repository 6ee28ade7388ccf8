"""The Typer app: what ``optbench`` itself does, and its verbs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from optbench.cli.cache import cache
from optbench.cli.check import check
from optbench.cli.cite import cite
from optbench.cli.compare import compare
from optbench.cli.help import Verb
from optbench.cli.list import list_plugins
from optbench.cli.new import new
from optbench.cli.plot import plot
from optbench.cli.report import report
from optbench.cli.show import show
from optbench.cli.verify import verify
from optbench.cli.warmup import warmup

# Plain help and plain errors: rich markup would double the time of `optbench --help`.
app = typer.Typer(
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _version(value: bool) -> None:
    if value:
        from optbench import __version__

        typer.echo(f"optbench {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def optbench(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Which solution does an optimizer pick, and how fast does it get there?"""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


VERBS: dict[str, tuple[Callable[..., None], str]] = {
    "compare": (compare, "Which solution does each optimizer select, and how fast?"),
    "plot": (plot, "Draw a figure of a comparison."),
    "report": (report, "Write a comparison as one HTML page."),
    "cite": (cite, "Print what a comparison has to cite, as BibTeX."),
    "list": (list_plugins, "List optimizers, problems, parametrizations, claims."),
    "show": (show, "Show one of them: formula, options, theory, paper."),
    "new": (new, "Begin a plug-in of your own, with its test."),
    "check": (check, "Test whether a plug-in keeps the contract."),
    "verify": (verify, "Measure theorems of the literature."),
    "warmup": (warmup, "Compile all kernels ahead."),
    "cache": (cache, "Show or remove what is kept on disk."),
}
for name, (verb, what) in VERBS.items():
    app.command(name, cls=Verb, short_help=what)(verb)
