"""``optbench show NAME``: formula, hyperparameters, theory and paper of one plug-in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from optbench.cli import complete
from optbench.cli.parameters import Plugins
from optbench.errors import UserError
from optbench.numerals import NOTHING
from optbench.options import option_text, suggest
from optbench.report.table import Column, Table, cells

if TYPE_CHECKING:
    from optbench.claims.framework import Claim
    from optbench.contract import Hyper, Optimizer, Problem


def show(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME", help="As `optbench list` names it.", autocompletion=complete.anything
        ),
    ],
    plugin: Plugins = None,
) -> None:
    """Show an optimizer, a problem, a parametrization or a claim."""
    from optbench.claims.library import load_claims
    from optbench.cli.terminal import print_tables
    from optbench.parametrizations import PARAMETRIZATIONS
    from optbench.registry import load_registry

    registry = load_registry(tuple(plugin or ()))
    found = []
    if name in registry.optimizers:
        found.append(_optimizer(registry.optimizers[name]))
    if name in registry.problems:
        found.append(_problem(registry.problems[name]))
    if name in PARAMETRIZATIONS:
        found.append(_parametrization(name, PARAMETRIZATIONS[name]))
    if not found:  # only then: loading every claim takes as long as all the rest
        claims = {claim.id.lower(): claim for claim in load_claims(plugin or ()).select(())}
        found += [_claim(claims[key]) for key in (name.lower(),) if key in claims]
    if not found:
        reasons = [entry.reason for entry in registry.broken if Path(entry.file).stem == name]
        known = [*registry.optimizers, *registry.problems, *PARAMETRIZATIONS]
        known += [claim.id for claim in claims.values()]
        unknown = f"unknown name {name!r}{suggest(name, known)}{registry.left_out}"
        raise UserError(reasons[0] if reasons else unknown)
    print_tables(*found)


def _optimizer(plugin: Optimizer) -> Table:
    from optbench.cli.plugin_entries import selects_text, values_text
    from optbench.rehearsal.effects import effective_options

    rows = [
        cells(
            name,
            "tuned (log grid)" if hyper.default is None else option_text(hyper.default),
            _range(hyper),
        )
        for name, hyper in plugin.hypers.items()
    ]
    combined = [f"{name}: {text}" for name, text in effective_options(plugin).items()]
    condition = f", if: {plugin.condition}" if plugin.condition else ""
    asked = [f"{values_text(v)} ({kind})" for kind, v in plugin.as_theorem_asks.items()]
    return Table(
        title=f"{plugin.name} (optimizer)",
        facts=tuple(plugin.formula.split("\n")),
        columns=(Column("hyperparameter"), Column("default"), Column("range")),
        rows=tuple(rows),
        notes=(
            f"theory: selects {selects_text(plugin)}{condition}",
            *(f"as the theorem asks: {text}" for text in asked),
            f"paper: {plugin.reference}",
            f"asks for: {', '.join(plugin.needs)}; starts at: {plugin.start}",
            *(["it can be combined with " + "; ".join(combined)] if combined else ()),
            *([f"convention: {plugin.convention}"] if plugin.convention else ()),
            _place(plugin),
        ),
    )


def _range(hyper: Hyper) -> str:
    """Return the valid values as an inequality."""
    if hyper.low is not None and hyper.high is not None:
        return f"{hyper.low:g} to {hyper.high:g}"
    if hyper.low is not None:
        return f">= {hyper.low:g}"
    return f"<= {hyper.high:g}" if hyper.high is not None else "any"


def _problem(plugin: Problem) -> Table:
    rows = [
        cells(
            name,
            option_text(option.default) or NOTHING,
            "|".join(option.choices) or NOTHING,
            option.condition or NOTHING,
        )
        for name, option in plugin.options.items()
    ]
    return Table(
        title=f"{plugin.name} (problem)",
        facts=tuple(plugin.formula.split("\n")),
        columns=(Column("option"), Column("default"), Column("choices"), Column("only with")),
        rows=tuple(rows),
        notes=(
            f"references: {', '.join(plugin.references)}",
            f"metrics: {', '.join(plugin.metrics)}",
            f"compared when none is named: {' '.join(_instances(plugin)) or 'no'}",
            f"paper: {plugin.reference}",
            _place(plugin),
        ),
    )


def _instances(plugin: Problem) -> list[str]:
    """Return the default instances as a user would type them."""
    specifications = []
    for options in plugin.default:
        given = ",".join(f"{key}={option_text(value)}" for key, value in options.items())
        specifications.append(f"{plugin.name}:{given}" if given else plugin.name)
    return specifications


def _parametrization(name: str, builder: Callable[..., Any]) -> Table:
    from optbench.cli.plugin_entries import module_doc, options_of

    options: Mapping[str, Any] = options_of(builder)
    given = ",".join(f"{key}={option_text(value)}" for key, value in options.items())
    return Table(
        title=f"{name} (parametrization)",
        facts=tuple(module_doc(builder).split("\n")),
        columns=(Column("option"), Column("default")),
        rows=tuple(cells(key, option_text(value)) for key, value in options.items()),
        notes=(f"typed as: --parametrization {name}{':' if given else ''}{given}",),
    )


def _claim(claim: Claim) -> Table:
    missing = (f"not measured yet: {claim.missing}",) if claim.missing else ()
    refuted = (f"does not hold here: {claim.does_not_hold}",) if claim.does_not_hold else ()
    seeds = (f"seeds: 0 to {claim.seeds - 1}",) if claim.seeds > 1 else ()
    remarks = (claim.remarks,) if claim.remarks else ()
    background = (claim.background,) if claim.background else ()
    return Table(
        title=f"{claim.id} {claim.title}",
        facts=(*background, claim.statement, claim.formula),
        columns=(Column("cost"), Column("tags", prose=True), Column("also known as")),
        rows=(cells(claim.cost, ", ".join(claim.tags), ", ".join(claim.aliases) or NOTHING),),
        notes=(
            f"paper: {claim.paper}",
            f"instance: {' '.join((claim.measure.__doc__ or '').split())}",
            *seeds,
            *missing,
            *refuted,
            *remarks,
            f"measured by: optbench verify {claim.id}",
            f"file: {Path(claim.file).name}:{claim.line}",
        ),
    )


def _place(plugin: Optimizer | Problem) -> str:
    from optbench.cli.plugin_entries import short_file

    return f"file: {short_file(plugin.file)}:{plugin.line}"
