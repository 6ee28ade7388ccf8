"""``optbench cache``: what is kept on disk between commands, and how to be rid of it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

from optbench.cli import complete
from optbench.errors import UserError
from optbench.options import suggest
from optbench.report.table import Column, Table, cells

ACTIONS = ("info", "clear")
KINDS = {
    "kernels": "machine code",
    "references": "certified reference solutions",
    "cells": "finished rows of comparisons",
    "latest": "the latest comparison",
}


def cache(
    action: Annotated[
        str,
        typer.Argument(
            metavar="|".join(ACTIONS), help="What to do.", autocompletion=complete.one_of(ACTIONS)
        ),
    ],
    kind: Annotated[
        str | None,
        typer.Argument(
            metavar="KIND",
            help=f"{', '.join(KINDS)}. [default: all of them]",
            autocompletion=complete.one_of(list(KINDS)),
        ),
    ] = None,
) -> None:
    """Show or remove what optbench keeps on disk: machine code, references, finished rows.

    Everything is found by its identity, so that nothing has to be removed to be right; ``compare
    --fresh`` renews what one comparison needs.
    """
    if action not in ACTIONS:
        raise UserError(f"cannot {action!r} the cache{suggest(action, ACTIONS)}")
    if kind is not None and kind not in KINDS:
        raise UserError(f"the cache keeps no {kind!r}{suggest(kind, KINDS)}")
    from optbench.cli.terminal import print_tables
    from optbench.engine.compiler.cache import cache_root

    kinds = [kind] if kind else list(KINDS)
    folders = [cache_root() / name for name in kinds]
    table = _table(folders, cache_root())
    if action == "info":
        print_tables(table)
        return
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    left = [str(folder) for folder in folders if folder.exists()]
    if left:
        raise UserError(f"{', '.join(left)} could not be removed: is it yours to write?")
    typer.echo(f"removed {', '.join(KINDS[name] for name in kinds)} from {cache_root()}")


def _table(folders: list[Path], root: Path) -> Table:
    rows = []
    for folder in folders:
        files = [file for file in folder.rglob("*") if file.is_file()]
        size = sum(file.stat().st_size for file in files)
        rows.append(cells(KINDS[folder.name], str(len(files)), f"{size / 2**20:.1f} MiB"))
    return Table(
        title=f"Cache in {root}",
        columns=(Column("what", prose=True), Column("files", number=True),
                 Column("size", number=True)),
        rows=tuple(rows),
        notes=("OPTBENCH_CACHE names another folder; kernels that nobody has used for a month "
               "are removed.",),
    )  # fmt: skip
