"""What a run keeps of an argument between steps: a part of its state at one of ``PLACES``."""

from __future__ import annotations

import numpy as np

from optbench.engine.compiler.overloads import inlined
from optbench.engine.types import Rule, Runs


@inlined
def keep(numbers: np.ndarray, place: int, run: int, runs: Runs, rule: Rule) -> None:
    """Let a run keep these numbers, where its optimizer asks for them."""
    own = runs.optimizer[run]
    write(numbers, runs.state[run, rule.offsets[own, place] : rule.offsets[own, place + 1]])


@inlined
def place_aside(place: int, run: int, runs: Runs, aside: Runs, rule: Rule) -> None:
    """Put a point that a run keeps, in the run's unit, where it is evaluated beside theta."""
    own = runs.optimizer[run]
    kept = runs.state[run, rule.offsets[own, place] : rule.offsets[own, place + 1]]
    write(kept, aside.theta[run])
    aside.exponents[run] = runs.exponents[run]


@inlined
def write(numbers: np.ndarray, target: np.ndarray) -> None:
    """Copy as many numbers as there is room for."""
    for i in range(target.size):
        target[i] = numbers[i]
