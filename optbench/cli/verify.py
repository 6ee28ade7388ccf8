"""``optbench verify``: measure the claims of the literature against their predictions."""

from __future__ import annotations

import dataclasses
import functools
import os
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from optbench.cli import complete
from optbench.cli.parameters import Out, Plugins, Quiet, format_option, positive
from optbench.errors import UserError

if TYPE_CHECKING:
    from optbench.claims.framework import Claim
    from optbench.claims.library import Claims
    from optbench.claims.verification import Result

FORMATS = {"table": (".txt",), "markdown": (".md", ".markdown"), "json": (".json",), "atlas": ()}
A_CLAIM_FAILS = 3


def verify(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="ID|PAPER|TAG",
            help="S1-00, 2310.02535, Berthier, diagonal, ... [default: every claim]",
            autocompletion=complete.claims,
        ),
    ] = None,
    fast: Annotated[bool, typer.Option("--fast", help="Only claims that take < 2 s.")] = False,
    seeds: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            parser=positive,
            help="How many seeds of random data. [default: as the claim says]",
        ),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            parser=positive,
            help="How many claims at the same time. [default: one per core]",
        ),
    ] = None,
    plugin: Plugins = None,
    format: Annotated[str | None, format_option(FORMATS)] = None,
    out: Out = None,
    figures: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Draw measured against predicted curves, a PNG a claim."),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Measure theorems of the literature and compare them with their predictions.

    Without arguments: every claim. `--format atlas` writes a page that explains each.

    Exit code: 0 every verdict is the declared one (PASS, or DOES NOT HOLD HERE where measurements
    contradict the paper), 2 wrong input, 3 a claim fails.
    """
    from optbench.claims.library import load_claims
    from optbench.cli.output import check_writable, choose_format, deliver, writable_folder
    from optbench.executors.local import default_threads

    shown = choose_format(format, out, FORMATS)
    if out is not None:
        check_writable(out)
    found = load_claims(plugin or ())
    chosen = choose(found, names or (), fast)
    if figures is not None:
        writable_folder(figures)
    began = time.perf_counter()
    workers = min(jobs or default_threads(), max(len(chosen), 1))
    results = measure(chosen, seeds, workers, tuple(plugin or ()), quiet)
    if names:
        found.unmeasured.clear()  # of interest beside all claims only
    seconds = time.perf_counter() - began
    drawn = {} if figures is None else draw(results, figures, out)
    deliver(_text(shown, results, found, seconds, drawn, out), out)
    raise typer.Exit(A_CLAIM_FAILS if any(r.verdict == "FAIL" for r in results) else 0)


def choose(found: Claims, names: Sequence[str], fast: bool) -> list[Claim]:
    """Return the claims that are named, or all; of them those that are fast.

    Raises
    ------
    UserError
        When a name stands for no claim, or for none that is fast.
    """
    chosen = found.select(names)
    if not fast:
        return chosen
    for name in names:
        own = found.select([name])
        if all(claim.cost != "fast" for claim in own):
            told = "it takes" if len(own) == 1 else f"each of its {len(own)} claims takes"
            raise UserError(f"--fast leaves nothing of {name!r}: {told} longer; leave --fast out")
    return [claim for claim in chosen if claim.cost == "fast"]


def _text(
    shown: str,
    results: list[Result],
    found: Claims,
    seconds: float,
    drawn: dict[str, str],
    out: Path | None,
) -> str:
    """Return the results in one of the formats."""
    from optbench.claims.report.claims import claims_document, claims_table

    if shown == "json":
        return claims_document(results, found, seconds)
    if shown == "atlas":
        from optbench.claims.report.atlas import atlas

        return atlas(results, found, drawn, seconds)
    table = claims_table(results, found, seconds)
    if shown == "markdown":
        from optbench.report.markdown import render_markdown

        return render_markdown([table], ())
    from optbench.cli.terminal import styled, width
    from optbench.report.terminal import render_terminal

    return render_terminal([table], (), width(), out is None and styled())


def draw(results: list[Result], folder: Path, document: Path | None) -> dict[str, str]:
    """Draw all claims that have curves; return the figures' paths as the document links them."""
    from optbench.claims.report.figures import draw_claim

    beside = (document.parent if document else Path()).resolve()
    drawn = {}
    for result in results:
        file = draw_claim(result, folder)
        if file is not None:
            drawn[result.claim.id] = Path(os.path.relpath(file.resolve(), beside)).as_posix()
    return drawn


def measure(
    claims: list[Claim], seeds: int | None, jobs: int, plugins: tuple[str, ...], quiet: bool
) -> list[Result]:
    """Measure claims, here or in ``jobs`` processes of their own."""
    from optbench.executors.processes import map_in_processes
    from optbench.progress import is_watched, progress_of

    outcomes: Iterable[Result]
    if jobs == 1:
        outcomes = (measure_alone(claim, seeds) for claim in claims)
    else:
        task = functools.partial(measure_by_id, seeds=seeds, plugins=plugins)
        found = map_in_processes(task, [claim.id for claim in claims], jobs)
        outcomes = (
            dataclasses.replace(part, claim=claim)
            for claim, part in zip(claims, found, strict=True)
        )
    results = []
    with progress_of(is_watched(quiet)) as report:
        for done, result in enumerate(outcomes, start=1):
            results.append(result)
            report(done, len(claims), f"claims, last {result.claim.id} {result.verdict}")
    return results


def measure_alone(claim: Claim, seeds: int | None) -> Result:
    """Measure one claim with one thread."""
    from optbench.claims.verification import verify as verify_claim
    from optbench.store.references import single_threaded

    return single_threaded(lambda: verify_claim(claim, seeds))


def measure_by_id(name: str, seeds: int | None, plugins: tuple[str, ...]) -> Result:
    """Measure a claim in another process; its function stays there, since it has no import name."""
    from optbench.claims.library import load_claims

    result = measure_alone(load_claims(plugins).claims[name], seeds)
    nothing = dataclasses.replace(result.claim, measure=tuple)
    return dataclasses.replace(result, claim=nothing)
