"""Runs that are compiled and evaluated at their start: what the benchmarks advance.

asv passes a parameter to another commit by its position, not by its value.  Names of plug-ins are
therefore read from the files beside the benchmarks, which are the same for every commit that is
measured; what a commit does not have raises NotImplementedError, which asv shows as ``n/a``.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from optbench.choices import choose_one
from optbench.engine.chunk import Chunk
from optbench.errors import UserError
from optbench.instance import Instance
from optbench.registry import load_registry
from optbench.runs import RunSpec, prepare
from optbench.study import Cell, build_instances, make_cells
from optbench.tuning.grid import natural_rate

ROOT = Path(__file__).resolve().parents[1]
DIGITS = "logistic_regression:data=digits_3v8"  # 357 x 54, separable
BREAST_CANCER = "logistic_regression:data=breast_cancer"  # 569 x 30, not separable
INTERPOLATION = "linear_regression:data=gaussian"  # 20 x 50
# Where an optimizer is measured: the first place that has what it needs.
PLACES = ((DIGITS, ""), ("linear_program", ""), (DIGITS, "deep_linear"))


def names_in(folder: str) -> list[str]:
    """Return the names of the plug-in files in a folder of the repository."""
    files = (ROOT / folder).glob("*.py")
    return sorted(file.stem for file in files if file.stem not in ("__init__", "base"))


@functools.cache
def instance(problem: str) -> Instance:
    """Build the first instance that ``problem`` means on the command line."""
    try:
        return build_instances(load_registry(), problem, seeds=1)[0][0]
    except UserError as error:
        raise NotImplementedError(str(error)) from error


@functools.cache
def cell(problem: str, parametrization: str, optimizer: str) -> Cell:
    """Return what ``optbench compare`` would run ("": the problem's own parametrization)."""
    built = (instance(problem),)
    named = [parametrization] if parametrization else []
    try:
        (made,) = make_cells(built, [choose_one(load_registry(), optimizer)], named)
    except UserError as error:
        raise NotImplementedError(str(error)) from error
    if made.skip is not None:
        raise NotImplementedError(made.skip)
    return made


def somewhere(optimizer: str) -> Cell:
    """Return the cell of an optimizer on the first of the places where it can run."""
    return _first_of([(problem, parametrization, optimizer) for problem, parametrization in PLACES])


def of_descent(problem: str) -> Cell:
    """Return the cell of gradient descent, with projections where w is restricted to a set."""
    return _first_of([(problem, "", optimizer) for optimizer in ("gradient_descent", "ista")])


def _first_of(possible: Sequence[tuple[str, str, str]]) -> Cell:
    """Return the first cell that can run."""
    reasons = []
    for names in possible:
        try:
            return cell(*names)
        except NotImplementedError as error:
            reasons.append(str(error))
    raise NotImplementedError("; ".join(reasons))


def chunks(
    place: Cell, rates: Sequence[float], seeds: Sequence[int] = (0,), passages: bool = False
) -> list[Chunk]:
    """Return fresh runs, every rate with every seed, evaluated at step 0."""
    optimizer = place.choice.optimizer
    shared = RunSpec(place.instance, place.parametrization, optimizer, (), passages=passages)
    made = prepare(
        [
            replace(shared, hypers=tuple(hypers), seed=seed)
            for hypers in (place.choice.hypers(rate).tolist() for rate in rates)
            for seed in seeds
        ]
    )
    for chunk in made:
        chunk.advance(0)
    return made


def one_run(place: Cell, passages: bool = False) -> Chunk:
    """Return a run at its start, at a hundredth of the natural rate: far from both divergence and
    rest, so that every step of a sample is a step."""
    rate = 0.01 * natural_rate(place) if place.choice.tuned else 0.0
    (chunk,) = chunks(place, [rate], passages=passages)
    return chunk


def advance(runs: Sequence[Chunk], steps: int) -> None:
    """Take steps without records between."""
    for chunk in runs:
        chunk.advance(steps, steps=np.array([steps]))
