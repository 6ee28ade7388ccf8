"""Certified reference solutions, solved again for every sample: nothing is read from the store."""

from __future__ import annotations

import math
import time

import numpy as np

from benchmarks import prepared
from benchmarks.names import named
from optbench import references


class _Solver:
    """Processor time: what a busy machine adds to the wall time is not the solver's."""

    number = 1
    timer = time.process_time
    warmup_time = 0
    rounds = 1
    repeat = (2, 5, 2.0)


class MaxMargin(_Solver):
    """Largest L1, L2 and Linf margin of digits 3 against 8."""

    params = (1.0, 2.0, math.inf)
    param_names = ("p of the norm",)

    def setup(self, p: float) -> None:
        instance = prepared.instance(prepared.DIGITS)
        self.signed = instance.features * instance.targets[:, None]

    @named("Largest L_p margin of digits 3 against 8")
    def time_max_margin(self, p: float) -> None:
        references.max_margin(self.signed, p)


class LeastNorm(_Solver):
    """Least L1, L2 and Linf norm of the interpolants of 20 equations in 50 unknowns."""

    params = (1.0, 2.0, math.inf)
    param_names = ("p of the norm",)

    def setup(self, p: float) -> None:
        self.instance = prepared.instance(prepared.INTERPOLATION)

    @named("Least L_p norm of 20 equations in 50 unknowns")
    def time_least_norm(self, p: float) -> None:
        references.least_norm(self.instance.features, self.instance.targets, p)


class SmoothNorm(_Solver):
    """Least norm and largest margin for p between 1 and inf, of 60 rows in 400 dimensions."""

    params = (1.1, 3.0)
    param_names = ("p of the norm",)

    def setup(self, p: float) -> None:
        generator = np.random.Generator(np.random.PCG64(0))
        self.features = generator.standard_normal((60, 400))
        self.targets = generator.standard_normal(60)

    @named("Least L_p norm of 60 equations in 400 unknowns")
    def time_least_norm(self, p: float) -> None:
        references.least_norm(self.features, self.targets, p)

    @named("Largest L_p margin of 60 rows in 400 dimensions")
    def time_max_margin(self, p: float) -> None:
        references.max_margin(self.features, p)


class LinearProgram(_Solver):
    """A vertex and the entropic solution of Netlib's afiro."""

    def setup(self) -> None:
        self.instance = prepared.instance("linear_program")

    @named("Optimal vertex of Netlib's afiro")
    def time_vertex(self) -> None:
        instance = self.instance
        references.solve_linear_program(instance.features, instance.targets, instance.cost)

    @named("Entropic solution of Netlib's afiro")
    def time_entropic(self) -> None:
        self.instance.references["entropic"]()
