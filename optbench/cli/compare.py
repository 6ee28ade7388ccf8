"""``optbench compare``: run optimizers on problems and print the tables."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import typer

from optbench.cli.output import (
    INTERRUPTED,
    check_writable,
    choose_format,
    deliver,
    writable_folder,
)
from optbench.cli.parameters import Out, Plugins, Quiet
from optbench.cli.terminal import styled, width
from optbench.cli.watch import Watch, repeat
from optbench.errors import UserError
from optbench.options import MOST_RATES
from optbench.progress import is_watched
from optbench.report import COUNTS, FORMATS, View, written_as


def compare(
    context: typer.Context,
    problems: Annotated[
        list[str] | None,
        typer.Argument(metavar="PROBLEM", help="NAME or NAME:key=value,... [default: three]"),
    ] = None,
    optimizer: Annotated[
        list[str] | None,
        typer.Option(
            "--optimizer",
            "-o",
            metavar="OPT",
            help="NAME, NAME[hyper=value,...] or all; repeatable [default: the usual]",
        ),
    ] = None,
    parametrization: Annotated[
        list[str] | None,
        typer.Option(
            "--parametrization",
            metavar="NAME",
            help="NAME or NAME:key=value,...; repeatable [default: what the problem prescribes]",
        ),
    ] = None,
    horizon: Annotated[
        int | None, typer.Option(min=1, help="Number of steps. [default: 100,000]")
    ] = None,
    learning_rates: Annotated[
        str, typer.Option(metavar="RATES", help="auto, 0.1,0.01 or LOW:HIGH:COUNT, log-spaced.")
    ] = "auto",
    seeds: Annotated[int, typer.Option(min=1, help="Number of seeds.")] = 1,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Worker threads. [default: one per core]")
    ] = None,
    plugin: Plugins = None,
    timeout: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="Limit for all runs together.")
    ] = None,
    details: Annotated[
        bool,
        typer.Option("--details", help="Show what each learning rate of the searches did, too."),
    ] = False,
    format: Annotated[
        str | None,
        typer.Option(metavar="|".join(FORMATS), help="[default: by the suffix of --out, or table]"),
    ] = None,
    out: Out = None,
    count: Annotated[
        str,
        typer.Option(metavar="|".join(COUNTS), help="What the profile over instances compares."),
    ] = "steps",
    figures: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Draw all figures there: DIR/KIND.svg, see `optbench plot`."
        ),
    ] = None,
    rerun: Annotated[
        bool, typer.Option("--rerun", help="Run again what the store has from an earlier run.")
    ] = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Renew machine code and references as well.")
    ] = False,
    until_verdict: Annotated[
        bool,
        typer.Option(
            "--until-verdict",
            help="Let winners run on beyond the horizon until they have settled, while cheap.",
        ),
    ] = False,
    watch: Watch = False,
    quiet: Quiet = False,
) -> None:
    """Compare optimizers: which solution each selects, and how fast it gets there.

    Without arguments: the usual optimizers on the default instances of regression, classification
    and linear programs.

    Exit code: 0 fine, 1 an optimizer failed (its row says why), 2 wrong input, 130 interrupted
    (what was done is shown all the same).
    """
    suffixes = {name: each.suffixes for name, each in FORMATS.items()}
    shown = choose_format(format, out, suffixes)
    if out is None and not FORMATS[shown].text:
        raise UserError(f"--format {shown} is for files: name one with --out")
    if count not in COUNTS:
        raise UserError(f"--count {count}: must be {' or '.join(COUNTS)}")
    rates = _learning_rates(learning_rates)
    if timeout is not None and not timeout > 0:
        raise UserError(f"--timeout {timeout:g} must be a positive number of seconds")
    if out is not None:
        check_writable(out)
    if figures is not None:
        writable_folder(figures)
    plugins = tuple(plugin or ())

    def once() -> int:
        from optbench.api import compare as run
        from optbench.store.saved import keep_latest

        comparison = run(
            tuple(problems or ()),
            tuple(optimizer or ()),
            parametrizations=tuple(parametrization or ()),
            horizon=horizon,
            learning_rates=rates,
            seeds=seeds,
            threads=threads,
            plugins=plugins,
            timeout=timeout,
            rerun=rerun,
            fresh=fresh,
            until_verdict=until_verdict,
            progress=is_watched(quiet),
        )
        comparison.environment["command"] = context.obj  # rather than the call just above
        keep_latest(comparison.to_parquet())
        view = View(width(), out is None and styled(), details, count)
        text = written_as(comparison, shown, view)
        if shown == "csv" and not quiet:  # the one format that has no place for notes
            for note in comparison.notes:
                typer.echo(f"optbench: note: {note}", err=True)
        deliver(text, out)
        if figures is not None:
            from optbench.plots import save_all

            for reason in save_all(comparison, figures):
                typer.echo(f"optbench: note: {reason}", err=True)
        return INTERRUPTED if comparison.interrupted else int(comparison.failed)

    raise typer.Exit(repeat(once, watch, plugins))


def _learning_rates(text: str) -> str | tuple[float, ...]:
    """Parse ``auto``, a list of positive numbers or ``LOW:HIGH:COUNT``."""
    if text == "auto":
        return text
    try:
        rates = _grid(*text.split(":")) if ":" in text else tuple(map(float, text.split(",")))
    except (TypeError, ValueError, ZeroDivisionError):
        rates = ()
    if not rates or not all(0.0 < rate < math.inf for rate in rates):
        raise UserError(
            f"--learning-rates {text}: must be auto, positive numbers such as 0.1,0.01, or "
            "LOW:HIGH:COUNT such as 1e-4:1:200"
        )
    if len(rates) > MOST_RATES:
        raise UserError(f"--learning-rates {text[:40]}: at most {MOST_RATES:,} rates, such as 200")
    return rates


def _grid(low: str, high: str, count: str) -> tuple[float, ...]:
    """Return rates from low to high, equally spaced in the logarithm.

    Rounded to twelve digits: 0.1, not 0.09999999999999998, which nobody finds in a table again.
    """
    first, ratio, last = float(low), float(high) / float(low), int(count) - 1
    made = range(min(last, MOST_RATES) + 1)  # one too many is enough to be refused
    return tuple(float(f"{first * ratio ** (k / last):.12g}") for k in made)
