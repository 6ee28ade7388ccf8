"""Whether a problem's ``references`` and ``metrics`` are what its instances have and measure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

import numpy as np

from optbench.check.outcome import require
from optbench.contract import Problem
from optbench.instance import Instance
from optbench.references import Reference


def declared(problem: Problem, instances: Sequence[Instance]) -> str:
    """Every reference and metric is declared, and none that no checked instance has."""
    _require_same("reference", problem.references, [references_of(each) for each in instances])
    _require_same("metric", problem.metrics, [metrics_of(each) for each in instances])
    told = {"references=": problem.references, "metrics=": problem.metrics}
    return "; ".join(f"{name} {', '.join(names) or 'none'}" for name, names in told.items())


def references_of(instance: Instance) -> set[str]:
    """Return the names of references and of families of them."""
    return set(instance.references) | set(instance.parametric)


def metrics_of(instance: Instance) -> set[str]:
    """Return the names of what is measured of a predictor, without solving a reference."""
    from optbench.analysis.kinds import measured

    w = np.random.Generator(np.random.PCG64(7)).standard_normal(instance.dimension)
    stand_in = {name: _reference(name, w) for name in instance.references}
    return set(measured(instance, stand_in, w))


def _reference(name: str, solution: np.ndarray) -> Reference:
    return Reference(
        name=name,
        kind="",
        norm=None,
        solution=solution,
        value=1.0,
        bound=1.0,
        gap=0.0,
        dual=np.zeros(0),
        unique=True,
    )


def _require_same(kind: str, names: Iterable[str], found: Sequence[set[str]]) -> None:
    """Require that names and patterns cover what is found, each of them something."""
    everything = set().union(*found)
    for one in sorted(everything):
        known = any(fnmatchcase(one, name) for name in names)
        require(known, f"{kind} {one!r} is not declared in {kind}s=")
    for name in names:
        there = any(fnmatchcase(one, name) for one in everything)
        require(
            there,
            f"{kind} {name!r} is declared, but no default instance and no example has it",
        )
