"""``optbench list``: the plug-ins that were found, and those that could not be loaded."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from optbench.cli import complete
from optbench.cli.parameters import Plugins
from optbench.errors import UserError
from optbench.options import suggest
from optbench.report.table import Column, Table, cells

if TYPE_CHECKING:
    from optbench.cli.plugin_entries import Entry
    from optbench.registry import Broken

KINDS = ("optimizers", "problems", "metrics", "parametrizations", "claims")
FORMATS = ("table", "json")
COLUMNS = {
    "name": Column("name", names=True),
    "formula": Column("formula", prose=True),
    "meaning": Column("meaning", prose=True),
    "problems": Column("problems", prose=True),
    "file": Column("file", 1),
}


def list_plugins(
    kind: Annotated[
        str,
        typer.Argument(
            metavar="|".join(KINDS),
            help="What to list.",
            autocompletion=complete.one_of(KINDS),
        ),
    ],
    plugin: Plugins = None,
    format: Annotated[
        str,
        typer.Option(
            metavar="FORMAT", help="table or json.", autocompletion=complete.one_of(FORMATS)
        ),
    ] = "table",
) -> None:
    """List optimizers, problems, metrics, parametrizations or claims."""
    if kind not in KINDS:
        raise UserError(f"cannot list {kind!r}{suggest(kind, KINDS)}")
    if format not in FORMATS:
        raise UserError(f"unknown format {format!r}; known: {', '.join(FORMATS)}")
    from optbench.cli import plugin_entries
    from optbench.cli.terminal import print_tables
    from optbench.registry import load_registry

    if kind == "claims":
        _list_claims(tuple(plugin or ()), format)
        return
    registry = load_registry(tuple(plugin or ()))
    entries = plugin_entries.KINDS[kind](registry)
    if format == "json":
        broken = [{"file": entry.file, "reason": entry.reason} for entry in registry.broken]
        typer.echo(json.dumps({kind: entries, "broken": broken}, indent=2))
    else:
        print_tables(_table(kind, entries, registry.broken))


def _list_claims(plugins: tuple[str, ...], format: str) -> None:
    """List the claims and the papers without one."""
    from optbench.claims.library import load_claims
    from optbench.claims.report.claims import identity, notes_of
    from optbench.cli.terminal import print_tables

    found = load_claims(plugins)
    claims = found.select(())
    if format == "json":
        outside = [vars(paper) for paper in found.unmeasured.values()]
        document = {"claims": [identity(claim) for claim in claims], "unmeasured": outside}
        typer.echo(json.dumps(document | {"broken": found.broken}, indent=2))
        return
    table = Table(
        title="claims",
        columns=(Column("id"), Column("title", prose=True), Column("paper", prose=True),
                 Column("cost", 1), Column("tags", 1, prose=True)),
        rows=tuple(
            cells(", ".join((claim.id, *claim.aliases)), claim.title, claim.paper, claim.cost,
                  ", ".join(claim.tags))
            for claim in claims
        ),
        notes=(
            *notes_of(found.unmeasured.values()),
            *(f"could not be loaded: {reason}" for reason in found.broken),
        ),
        complete="--format json",
    )  # fmt: skip
    print_tables(table)


def _file(file: str) -> str:
    from optbench.cli.plugin_entries import short_file

    return short_file(file)


_SHORTER: dict[str, Callable[[str], str]] = {
    "file": _file,
    "selects": lambda text: text.replace(", ", "\n"),  # one line per kind of problem
}


def _table(kind: str, entries: list[Entry], broken: list[Broken]) -> Table:
    keys = list(entries[0]) if entries else ["name"]
    return Table(
        title=kind,
        columns=tuple(COLUMNS.get(key, Column(key)) for key in keys),
        rows=tuple(
            cells(*(_SHORTER.get(key, str)(entry[key]) for key in keys)) for entry in entries
        ),
        notes=tuple(f"could not be loaded: {entry.reason}" for entry in broken),
        complete="--format json",
    )
