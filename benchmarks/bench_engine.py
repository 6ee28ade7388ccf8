"""Time, memory and science of the engine, on the default instance (digits 3 against 8).

Each class prepares compiled runs in ``setup``: no benchmark times a compilation.
"""

from __future__ import annotations

import math

import numpy as np

from optbench.analysis.measures import measure
from optbench.contract import Optimizer
from optbench.engine.chunk import Chunk
from optbench.engine.ensemble import make_chunks
from optbench.instance import Instance
from optbench.parametrizations import parametrization
from optbench.registry import load_registry
from optbench.study import build_instances, make_cells, parse_optimizer
from optbench.timing import nanoseconds_per_step

PROBLEM = "logistic_regression:data=digits_3v8"
STEPS = 200


def default_instance() -> Instance:
    """Return digits 3 against 8, standardized: 357 rows, 54 features, separable."""
    return build_instances(load_registry(), PROBLEM, seeds=1)[0][0]


def chunk(instance: Instance, optimizer: Optimizer, runs: int) -> Chunk:
    """Return fresh runs at 2 / L, compiled and evaluated at the start."""
    rates = np.full((runs, 1), 2.0 / instance.curvature)
    linear = parametrization("linear", instance.dimension)
    (made,) = make_chunks(instance, linear, optimizer, rates, [0] * runs)
    made.advance(0)
    return made


class GradientDescent:
    """Gradient descent alone and in a batch: the same data are read once for all runs."""

    params = (1, 4, 32)
    param_names = ("runs",)
    number = 1  # a chunk advances once; `setup` makes a fresh one for every repetition

    def setup(self, runs: int) -> None:
        """Compile and go to step 0."""
        instance = default_instance()
        optimizer = load_registry().optimizer("gradient_descent")
        self.chunk = chunk(instance, optimizer, runs)

    def time_steps(self, runs: int) -> None:
        """Take 200 steps of all runs."""
        self.chunk.advance(STEPS, steps=np.array([STEPS]))

    def peakmem_steps(self, runs: int) -> None:
        """Record the memory of a process that takes them."""
        self.chunk.advance(STEPS)


class Step:
    """Nanoseconds a step of one run, as in the convergence table."""

    params = ("gradient_descent", "adam", "coordinate_descent", "p_norm_mirror_descent")
    param_names = ("optimizer",)
    unit = "ns"

    def setup(self, optimizer: str) -> None:
        """Prepare one cell of a comparison."""
        registry = load_registry()
        choice = parse_optimizer(registry, optimizer)
        (self.cell,) = make_cells((default_instance(),), [choice], [])

    def track_nanoseconds(self, optimizer: str) -> float:
        """Measure after compilation, without records."""
        return nanoseconds_per_step(self.cell, 1e-3)


class Bias:
    """The science: after 10,000 steps gradient descent is close to the L2 max margin."""

    def setup(self) -> None:
        """Solve, or read back, the certified margins."""
        self.instance = default_instance()
        self.chunk = chunk(self.instance, load_registry().optimizer("gradient_descent"), 1)

    def track_margin_ratio_l2(self) -> float:
        """Return the L2 margin over the largest one, in (-inf, 1]."""
        self.chunk.advance(10_000)
        w = self.chunk.runs.w[0]
        ratio = measure(self.instance, self.instance.solved, w)["margin_ratio_l2"]
        assert math.isfinite(ratio)
        return ratio
