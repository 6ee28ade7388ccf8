"""Check a plug-in by name or by file."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence
from pathlib import Path

from optbench.check.optimizers import check_optimizer
from optbench.check.outcome import CheckResult, run
from optbench.check.selects import references_of, selects
from optbench.contract import Optimizer, Problem
from optbench.errors import UserError
from optbench.options import suggest
from optbench.plugin_files import explain, load_file, plugin_files
from optbench.registry import Registry, load_registry


def check(name_or_file: str, plugins: Sequence[str] = ()) -> list[CheckResult]:
    """Run the contract tests of one plug-in, or of each plug-in of a file.

    Parameters
    ----------
    name_or_file : str
        Name of an optimizer or problem, or a ``.py`` file.
    plugins : sequence of str
        Further files and directories in which to look for the name.

    Returns
    -------
    list of CheckResult
        In the order of the tests; a file with several plug-ins has their names in front.

    Raises
    ------
    UserError
        When there is no such plug-in or file, or the file does not load: file, line, what.
    """
    registry = load_registry(tuple(plugins))
    if name_or_file.endswith(".py"):
        (file,) = plugin_files(Path(name_or_file))
        return check_file(file, registry)
    known: dict[str, Optimizer | Problem] = {**registry.problems, **registry.optimizers}
    if name_or_file in known:
        return check_plugin(known[name_or_file], references_of(registry.problems.values()))
    for broken in registry.broken:
        if Path(broken.file).stem == name_or_file:
            raise UserError(broken.reason)
    raise UserError(f"unknown optimizer or problem {name_or_file!r}{suggest(name_or_file, known)}")


def check_file(file: Path, registry: Registry) -> list[CheckResult]:
    """Check every plug-in that a file declares, beside those of a registry."""
    try:
        values = vars(load_file(file)).values()
    except Exception as error:  # a plug-in may raise anything
        raise UserError(explain(file.resolve(), error)) from None
    found = [value for value in values if isinstance(value, Optimizer | Problem)]
    if not found:
        raise UserError(f"{file}: declares no @optimizer and no @problem")
    problems = [*registry.problems.values(), *(p for p in found if isinstance(p, Problem))]
    references = references_of(problems)
    if len(found) == 1:
        return check_plugin(found[0], references)
    return [
        dataclasses.replace(result, name=f"{plugin.name}: {result.name}")
        for plugin in found
        for result in check_plugin(plugin, references)
    ]


def check_plugin(plugin: Optimizer | Problem, references: Collection[str]) -> list[CheckResult]:
    """Check one loaded plug-in, where problems have such references."""
    if isinstance(plugin, Optimizer):
        told = run("selects", Path(plugin.file), selects, plugin, references)
        return [*check_optimizer(plugin), told]
    from optbench.check.problems import check_problem  # with the solvers of references, and SciPy

    return check_problem(plugin)
