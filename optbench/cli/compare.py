"""``optbench compare``: run optimizers on problems and print what was found."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from optbench.cli import compare_options as options
from optbench.cli.output import (
    INTERRUPTED,
    check_writable,
    choose_format,
    deliver,
    writable_folder,
)
from optbench.cli.parameters import Plugins, Quiet
from optbench.cli.terminal import styled, width
from optbench.cli.watch import Watch, repeat
from optbench.errors import UserError
from optbench.progress import is_watched
from optbench.report import FORMATS, View, written_as

if TYPE_CHECKING:
    from optbench.result import Comparison


def compare(
    context: typer.Context,
    problems: options.Problems = None,
    optimizer: options.Optimizers = None,
    parametrization: options.Parametrizations = None,
    horizon: options.Horizon = None,
    learning_rates: options.LearningRates = "auto",
    seeds: options.Seeds = 1,
    plugin: Plugins = None,
    until_verdict: options.UntilVerdict = False,
    timeout: options.Timeout = None,
    threads: options.Threads = None,
    rerun: options.Rerun = False,
    fresh: options.Fresh = False,
    details: options.Details = False,
    format: options.Format = None,
    out: options.Out = None,
    count: options.Count = "steps",
    figures: options.Figures = None,
    watch: Watch = False,
    quiet: Quiet = False,
) -> None:
    """Compare optimizers: which solution each selects, and how fast it gets there.

    Without arguments: the usual optimizers on the default instances of regression, classification
    and linear programs.

    Exit code: 0 fine, 1 an optimizer failed (its row says why), 2 wrong input, 130 interrupted
    (what was done is shown all the same).
    """
    delivery = Delivery.checked(format, out, figures, details, count, quiet)
    plugins = tuple(plugin or ())
    once = partial(
        _once,
        delivery,
        context.obj,
        tuple(problems or ()),
        tuple(optimizer or ()),
        parametrizations=tuple(parametrization or ()),
        horizon=horizon,
        learning_rates=options.learning_rates(learning_rates),
        seeds=seeds,
        threads=threads,
        plugins=plugins,
        timeout=timeout,
        rerun=rerun,
        fresh=fresh,
        until_verdict=until_verdict,
        progress=is_watched(quiet),
    )
    raise typer.Exit(repeat(once, watch, plugins))


def _once(to: Delivery, command: str, *named: tuple[str, ...], **asked: Any) -> int:
    """Compare, keep the result for the verbs that show the latest one, and deliver it."""
    from optbench.api import compare as run
    from optbench.store.saved import keep_latest

    comparison = run(*named, **asked)
    comparison.environment["command"] = command  # rather than the call just above
    keep_latest(comparison.to_parquet())
    to.deliver(comparison)
    return INTERRUPTED if comparison.interrupted else int(comparison.failed)


@dataclass(frozen=True)
class Delivery:
    """Where a comparison goes, and in which format."""

    format: str
    out: Path | None
    figures: Path | None
    details: bool
    count: str
    quiet: bool

    @classmethod
    def checked(
        cls,
        format: str | None,
        out: Path | None,
        figures: Path | None,
        details: bool,
        count: str,
        quiet: bool,
    ) -> Delivery:
        """Check before the work what would fail after it.

        Raises
        ------
        UserError
            For an unknown format or count, or what cannot be written.
        """
        chosen = choose_format(format, out, {n: each.suffixes for n, each in FORMATS.items()})
        if out is None and not FORMATS[chosen].text:
            raise UserError(f"--format {chosen} is for files: name one with --out")
        options.check_count(count)
        if out is not None:
            check_writable(out)
        if figures is not None:
            writable_folder(figures)
        return cls(chosen, out, figures, details, count, quiet)

    def deliver(self, comparison: Comparison) -> None:
        """Write the comparison and its figures; notes that have no place there go to stderr."""
        notes = [] if self.format != "csv" or self.quiet else list(comparison.notes)
        view = View(width(), self.out is None and styled(), self.details, self.count)
        content = written_as(comparison, self.format, view)
        for note in notes:
            typer.echo(f"optbench: note: {note}", err=True)
        deliver(content, self.out)
        if self.figures is not None:
            from optbench.plots import save_all

            for reason in save_all(comparison, self.figures):
                typer.echo(f"optbench: note: {reason}", err=True)
