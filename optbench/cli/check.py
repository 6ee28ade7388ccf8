"""``optbench check``: the contract tests of one plug-in."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from optbench.cli import complete
from optbench.cli.parameters import Plugins
from optbench.cli.watch import Watch, repeat
from optbench.report.numbers import duration
from optbench.report.table import Column, Table, cells
from optbench.status import NOT_RUN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optbench.check import CheckResult

WORD = {True: "pass", False: "FAIL", None: "n/a"}


def check(
    name: Annotated[
        str,
        typer.Argument(
            metavar="FILE|NAME", help="A .py file, or a name.", autocompletion=complete.plugins
        ),
    ],
    plugin: Plugins = None,
    watch: Watch = False,
) -> None:
    """Test whether a plug-in keeps the contract: compiles, is deterministic, stays in bounds, ...

    Exit code: 0 all tests pass, 1 a test fails, 2 wrong input.
    """
    plugins = tuple(plugin or ())

    def once() -> int:
        from optbench.check import check as run
        from optbench.cli.terminal import print_tables

        began = time.perf_counter()
        results = run(name, plugins)
        print_tables(_table(name, results, time.perf_counter() - began))
        return int(any(result.passed is False for result in results))

    edited = [*plugins, *([name] if name.endswith(".py") else [])]
    raise typer.Exit(repeat(once, watch, edited))


def _table(name: str, results: Sequence[CheckResult], took: float) -> Table:
    shown = [result for result in results if result.detail != NOT_RUN]
    failed, passed, other = (
        sum(result.passed is verdict for result in shown) for verdict in (False, True, None)
    )
    counts = f"{passed} pass, {failed} fail, {other} do not apply"
    if left := len(results) - len(shown):
        counts += f", {left} are not run until that is mended"
    return Table(
        title=f"Contract of {name}",
        columns=(
            Column("test"),
            Column("result"),
            Column("time", 1, number=True),
            Column("what was found", prose=True),
        ),
        rows=tuple(
            cells(result.name, WORD[result.passed], duration(result.seconds), result.detail)
            for result in shown
        ),
        reading=(f"{counts}; {duration(took)}.",),
    )
