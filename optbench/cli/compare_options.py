"""What ``optbench compare`` may be told: one alias an option, in the groups of its help."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import typer

from optbench.cli import complete
from optbench.cli.parameters import format_option, positive, seconds
from optbench.errors import UserError
from optbench.report import COUNTS, FORMATS
from optbench.sweeps import MOST, Grid

WHAT, HOW, SHOWN = "What to compare", "How to run it", "What to show"

Problems = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="PROBLEM",
        help="NAME or NAME:key=value,...; n=10,20 runs both. [default: three problems]",
        autocompletion=complete.problems,
    ),
]
Optimizers = Annotated[
    list[str] | None,
    typer.Option(
        "--optimizer",
        "-o",
        metavar="OPT",
        help="NAME, NAME[hyper=value,...] or all; repeatable. Several values, momentum=0,0.9 or "
        "LOW:HIGH:COUNT, run each. [default: the usual ones]",
        autocompletion=complete.optimizers,
        rich_help_panel=WHAT,
    ),
]
Parametrizations = Annotated[
    list[str] | None,
    typer.Option(
        "--parametrization",
        metavar="NAME",
        help="NAME or NAME:key=value,...; repeatable; several values run each. [default: as the "
        "problem prescribes]",
        autocompletion=complete.parametrizations,
        rich_help_panel=WHAT,
    ),
]
Horizon = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        parser=positive,
        help="How many steps. [default: 100,000]",
        rich_help_panel=WHAT,
    ),
]
Seeds = Annotated[
    int,
    typer.Option(metavar="N", parser=positive, help="How many seeds.", rich_help_panel=WHAT),
]
LearningRates = Annotated[
    str,
    typer.Option(
        metavar="RATES",
        help="auto (a search), numbers such as 0.1,0.01, or LOW:HIGH:COUNT.",
        rich_help_panel=WHAT,
    ),
]
Threads = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        parser=positive,
        help="How many threads. [default: one per core]",
        rich_help_panel=HOW,
    ),
]
Timeout = Annotated[
    float | None,
    typer.Option(
        metavar="SECONDS", parser=seconds, help="End all runs after so long.", rich_help_panel=HOW
    ),
]
UntilVerdict = Annotated[
    bool,
    typer.Option(
        "--until-verdict",
        help="Let runs without a verdict go on beyond the horizon, up to 100 times as far.",
        rich_help_panel=HOW,
    ),
]
Rerun = Annotated[
    bool,
    typer.Option("--rerun", help="Run again what is stored already.", rich_help_panel=HOW),
]
Fresh = Annotated[
    bool,
    typer.Option("--fresh", help="Renew machine code and references as well.", rich_help_panel=HOW),
]
Details = Annotated[
    bool,
    typer.Option(
        "--details",
        help="Show all tables, and what each learning rate of a search did.",
        rich_help_panel=SHOWN,
    ),
]
Count = Annotated[
    str,
    typer.Option(
        metavar="|".join(COUNTS),
        help="What is counted to compare speed.",
        autocompletion=complete.one_of(COUNTS),
        rich_help_panel=SHOWN,
    ),
]
Format = Annotated[str | None, format_option(FORMATS, SHOWN)]
Out = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help=f"Write to a file instead: {' '.join(e.suffixes[0] for e in FORMATS.values())}",
        rich_help_panel=SHOWN,
    ),
]
Figures = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Draw all figures: DIR/KIND.svg.", rich_help_panel=SHOWN),
]


def check_count(count: str) -> None:
    """Refuse what cannot be counted.

    Raises
    ------
    UserError
        With what can be.
    """
    if count not in COUNTS:
        raise UserError(f"--count {count}: must be {' or '.join(COUNTS)}")


def learning_rates(text: str) -> str | tuple[float, ...]:
    """Parse ``auto``, a list of positive numbers or ``LOW:HIGH:COUNT``.

    Raises
    ------
    UserError
        When it is none of these, or there are too many.
    """
    if text == "auto":
        return text
    try:
        rates = _grid(text) if ":" in text else tuple(map(float, text.split(",")))
    except ValueError:
        rates = ()
    if not rates or not all(0.0 < rate < math.inf for rate in rates):
        raise UserError(
            f"--learning-rates {text}: must be auto, positive numbers such as 0.1,0.01, or "
            "LOW:HIGH:COUNT such as 1e-4:1:200"
        )
    if len(rates) > MOST:
        raise UserError(f"--learning-rates {text[:40]}: at most {MOST:,} rates, such as 200")
    return rates


def _grid(text: str) -> tuple[float, ...]:
    grid = Grid.parse(text)
    one_too_many = min(grid.count, MOST + 1)  # enough to be refused
    return tuple(Grid(grid.low, grid.high, one_too_many).values())
