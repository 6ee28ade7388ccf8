"""Whether the solutions that an optimizer ``selects`` are references of some problem.

A function is tried on all kinds of problems, over the declared ranges of its hyperparameters and
over sizes of w: at the values in use, with one hyperparameter at a time elsewhere, with all at an
end, and at random.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping

import numpy as np

from optbench.analysis.kinds import KINDS
from optbench.check.outcome import Failed, require
from optbench.contract import UNKNOWN, Hyper, Optimizer, Problem
from optbench.contract.selects import Selected, defaults
from optbench.errors import UserError
from optbench.options import closest

NAMES = tuple(kind.name for kind in KINDS)
SIZES = (0.0, 1e-3, 1.0, 1e3, math.inf)  # of the largest coordinate of w
DRAWS = 30  # of all hyperparameters at random


def references_of(problems: Iterable[Problem]) -> set[str]:
    """Return what a theorem may name: references, families of them, and ``"unknown"``."""
    return {UNKNOWN, *(name for problem in problems for name in problem.references)}


def selects(optimizer: Optimizer, known: Collection[str]) -> str:
    """Every solution that it names is a reference of a problem, every kind is spelt right."""
    for where, kinds in _kinds_named(optimizer):
        for kind in kinds:
            near = closest(kind, NAMES)
            require(
                kind in NAMES or near is None,
                f"{where} names a kind of problem {kind!r} (did you mean {near!r}?)",
            )
    named = sorted({each.solution for each in _named(optimizer)})
    for name in named:
        told = ", ".join(sorted(known))
        require(name in known, f"no problem has a reference {name!r}; known: {told}")
    return ", ".join(named) or "selects= names no solution"


def _kinds_named(optimizer: Optimizer) -> Iterator[tuple[str, Iterable[str]]]:
    """Yield where kinds of problems are written out, and which; plug-ins may have others."""
    if isinstance(optimizer.selects, Mapping):
        yield "selects", optimizer.selects
    yield "as_theorem_asks", optimizer.as_theorem_asks
    yield "only_for", optimizer.only_for


def _named(optimizer: Optimizer) -> Iterator[Selected]:
    declared = optimizer.selects
    if isinstance(declared, str):
        yield Selected.parse(declared)
    elif isinstance(declared, Mapping):
        yield from map(Selected.parse, declared.values())
    elif declared is not None:
        for kind in dict.fromkeys([*NAMES, *optimizer.as_theorem_asks]):
            for values in _tried(optimizer, kind):
                for size in SIZES:
                    found = _told(optimizer, kind, values, size)
                    if found is not None:
                        yield found


def _told(
    optimizer: Optimizer, kind: str, values: Mapping[str, float], size: float
) -> Selected | None:
    try:
        return optimizer.selection(kind, values, size)
    except UserError as error:
        given = ", ".join(f"{name}={value:g}" for name, value in values.items())
        raise Failed(f"{error}; with {given}{', ' if given else ''}size={size:g}") from error


def _tried(optimizer: Optimizer, kind: str) -> Iterator[dict[str, float]]:
    """Yield values of all hyperparameters, those in use first."""
    used = defaults(optimizer.hypers)
    yield used
    if kind in optimizer.as_theorem_asks:
        yield {**used, **optimizer.as_theorem_asks[kind]}
    ranges = {name: _values(hyper) for name, hyper in optimizer.hypers.items()}
    for name, values in ranges.items():
        yield from ({**used, name: value} for value in values)
    for end in (0, -1):
        yield {name: values[end] for name, values in ranges.items()}
    generator = np.random.default_rng(0)
    for _ in range(DRAWS):
        yield {name: float(generator.choice(values)) for name, values in ranges.items()}


def _values(hyper: Hyper) -> list[float]:
    """Return valid values of a hyperparameter, increasing: both ends, and numbers between them."""
    usual = 1.0 if hyper.default is None else float(hyper.default)
    ends = [float(end) for end in (hyper.low, hyper.high) if end is not None]
    scales = [usual * factor for factor in (1e-6, 0.01, 0.5, 1.0, 2.0, 100.0, 1e6)]
    middle = [sum(ends) / 2.0] if len(ends) == 2 else []
    found = [*ends, *middle, *scales, 0.0, 1.0, -1.0]
    rounded = {float(round(value)) if hyper.integer else value for value in found}
    return sorted(value for value in rounded if hyper.problem_with(value) is None)
