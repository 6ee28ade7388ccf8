"""What ``list`` and ``show`` say of the loaded plug-ins, without running any of them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from optbench.contract import UNKNOWN, Optimizer, Problem
from optbench.contract.selects import KINDS as KINDS_OF_THEOREMS
from optbench.contract.selects import defaults
from optbench.options import option_text
from optbench.registry import Registry, builtin_folders

Entry = dict[str, str]


def optimizers(registry: Registry) -> list[Entry]:
    """Return name, one-line formula, what theory says it selects, and file of each optimizer."""
    return [
        {
            "name": plugin.name,
            "selects": selects_text(plugin),
            "formula": formula_line(plugin.formula),
            "file": plugin.file,
        }
        for plugin in _sorted(registry.optimizers)
    ]


def problems(registry: Registry) -> list[Entry]:
    """Return name, one-line formula, references and file of each problem family."""
    return [
        {
            "name": plugin.name,
            "references": ", ".join(plugin.references),
            "formula": formula_line(plugin.formula),
            "file": plugin.file,
        }
        for plugin in _sorted(registry.problems)
    ]


def metrics(registry: Registry) -> list[Entry]:
    """Return name, meaning and problems of each measure of the implicit-bias table."""
    from optbench.analysis.kinds import measure_named

    users: dict[str, list[str]] = {}
    for plugin in _sorted(registry.problems):
        for name in plugin.metrics:
            users.setdefault(name, []).append(plugin.name)
    return [
        {"name": name, "meaning": measure_named(name).meaning, "problems": ", ".join(plugins)}
        for name, plugins in users.items()
    ]


def parametrizations(registry: Registry) -> list[Entry]:
    """Return name, formula, options and file of each parametrization."""
    from optbench.parametrizations import PARAMETRIZATIONS

    return [
        {
            "name": name,
            "options": " ".join(f"{k}={option_text(v)}" for k, v in options_of(builder).items()),
            "formula": formula_line(module_doc(builder)),
            "file": inspect.getfile(builder),
        }
        for name, builder in PARAMETRIZATIONS.items()
    ]


KINDS: Mapping[str, Callable[[Registry], list[Entry]]] = {
    "optimizers": optimizers,
    "problems": problems,
    "metrics": metrics,
    "parametrizations": parametrizations,
}


def formula_line(doc: str) -> str:
    """Return the paragraph of a docstring that holds the update, or its first one, on one line."""
    paragraphs = [" ".join(part.split()) for part in doc.split("\n\n")]
    updates = [part for part in paragraphs if "<-" in part]
    if not updates:
        return paragraphs[0]
    title, colon, rest = updates[0].partition(": ")
    return rest if colon and "<-" not in title and updates[0] == paragraphs[0] else updates[0]


def selects_text(plugin: Optimizer) -> str:
    """Return what theory says it selects, with kinds of problem and hyperparameters it needs."""
    if isinstance(plugin.selects, str):
        return plugin.selects
    usual = defaults(plugin.hypers)
    asked = plugin.as_theorem_asks
    told = []
    for kind in KINDS_OF_THEOREMS:
        named = plugin.selection(kind, usual)
        other = plugin.selection(kind, {**usual, **asked.get(kind, {})})
        told += [f"{named} ({kind})"] if named is not None else []
        told += [f"{other} ({kind}[{values_text(asked[kind])}])"] if other != named else []
    return ", ".join(told) or UNKNOWN


def values_text(values: Mapping[str, float]) -> str:
    """Return hyperparameters as a user types them: ``eps=0,decay=0.5``."""
    return ",".join(f"{name}={value:g}" for name, value in values.items())


def short_file(file: str) -> str:
    """Return a built-in plug-in's path below its folder, and any other path as it is."""
    path = Path(file).resolve()
    for folder in builtin_folders():
        if path.is_relative_to(folder):
            return str(path.relative_to(folder.parent))
    return file


def options_of(builder: Callable[..., Any]) -> dict[str, Any]:
    """Return the keyword arguments of a parametrization's builder with their defaults."""
    return {
        name: parameter.default
        for name, parameter in inspect.signature(builder).parameters.items()
        if parameter.default is not inspect.Parameter.empty
    }


def module_doc(builder: Callable[..., Any]) -> str:
    """Return the docstring of the file that holds ``builder``."""
    return inspect.getdoc(inspect.getmodule(builder)) or ""


def _sorted(table: Mapping[str, Any]) -> list[Any]:
    plugins: list[Optimizer | Problem] = [table[name] for name in sorted(table)]
    return plugins
