"""The Typer app: what ``optbench`` itself does, and its verbs."""

from __future__ import annotations

from typing import Annotated

import typer

from optbench.cli.cache import cache
from optbench.cli.check import check
from optbench.cli.cite import cite
from optbench.cli.compare import compare
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
    add_completion=False,
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


app.command("compare")(compare)
app.command("plot")(plot)
app.command("report")(report)
app.command("cite")(cite)
app.command("list")(list_plugins)
app.command("show")(show)
app.command("new")(new)
app.command("check")(check)
app.command("verify")(verify)
app.command("warmup")(warmup)
app.command("cache")(cache)
