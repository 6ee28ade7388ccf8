"""Whether the solutions that an optimizer ``selects`` are references of some problem."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from optbench.check.outcome import require
from optbench.contract import UNKNOWN, Optimizer, Problem
from optbench.contract.selects import KINDS, Selected, defaults


def references_of(problems: Iterable[Problem]) -> set[str]:
    """Return what a theorem may name: references, families of them, and ``"unknown"``."""
    return {UNKNOWN, *(name for problem in problems for name in problem.references)}


def selects(optimizer: Optimizer, known: Collection[str]) -> str:
    """Every solution that it names is a reference of a problem: a function's, of usual values."""
    named = sorted({each.solution for each in _named(optimizer)})
    for name in named:
        told = ", ".join(sorted(known))
        require(name in known, f"no problem has a reference {name!r}; known: {told}")
    return ", ".join(named) or "selects= names no solution"


def _named(optimizer: Optimizer) -> Iterable[Selected]:
    declared = optimizer.selects
    if isinstance(declared, str):
        yield Selected.parse(declared)
    elif isinstance(declared, Mapping):
        yield from map(Selected.parse, declared.values())
    elif declared is not None:
        for kind in dict.fromkeys([*KINDS, *optimizer.as_theorem_asks]):
            for values in ({}, optimizer.as_theorem_asks.get(kind, {})):
                found = optimizer.selection(kind, {**defaults(optimizer.hypers), **values})
                if found is not None:
                    yield found
