"""Each kernel alone: milliseconds a thousand steps of one run, that is microseconds a step."""

from __future__ import annotations

import time

from benchmarks import prepared
from benchmarks.names import named


class _Kernel:
    """One run, compiled in ``setup``; processor time of its thread."""

    number = 1  # a run is used up: `setup` makes another for every sample
    warmup_time = 0
    repeat = (5, 20, 1.0)
    timer = time.thread_time

    def thousand_steps(self) -> None:
        prepared.advance([self.run], 1000)


class Optimizer(_Kernel):
    """Every optimizer, on digits 3 against 8 where it can run there."""

    params = prepared.names_in("optimizers")
    param_names = ("optimizer",)

    def setup(self, name: str) -> None:
        self.run = prepared.one_run(prepared.somewhere(name))

    @named("1,000 steps of each optimizer")
    def time_thousand_steps(self, name: str) -> None:
        self.thousand_steps()


class Problem(_Kernel):
    """Every problem family's first instance, under gradient descent, or its projected form."""

    params = prepared.names_in("problems")
    param_names = ("problem",)

    def setup(self, name: str) -> None:
        self.run = prepared.one_run(prepared.of_descent(name))

    @named("1,000 steps of gradient descent on each problem")
    def time_thousand_steps(self, name: str) -> None:
        self.thousand_steps()


class Wide(_Kernel):
    """Gradient descent on wide data: in the second-level cache, filling it, beyond it."""

    params = ("n=50,d=200", "n=100,d=1000", "n=100,d=3000")
    param_names = ("rows and features",)

    def setup(self, name: str) -> None:
        problem = f"linear_regression:data=gaussian,{name}"
        self.run = prepared.one_run(prepared.cell(problem, "", "gradient_descent"))

    @named("1,000 steps of gradient descent on wide data")
    def time_thousand_steps(self, name: str) -> None:
        self.thousand_steps()


class Passages(_Kernel):
    """Gradient descent that keeps when it passes targets: where losses must be known for that,
    where bounds say when, and where they hardly do."""

    params = (prepared.INTERPOLATION, prepared.DIGITS, prepared.BREAST_CANCER)
    param_names = ("problem",)

    def setup(self, name: str) -> None:
        place = prepared.cell(name, "", "gradient_descent")
        self.run = prepared.one_run(place, passages=True)

    @named("1,000 steps that keep when targets are passed")
    def time_thousand_steps(self, name: str) -> None:
        self.thousand_steps()


class Parametrization(_Kernel):
    """Every parametrization, under gradient descent on digits 3 against 8."""

    params = prepared.names_in("optbench/parametrizations")
    param_names = ("parametrization",)

    def setup(self, name: str) -> None:
        self.run = prepared.one_run(prepared.cell(prepared.DIGITS, name, "gradient_descent"))

    @named("1,000 steps of gradient descent in each parametrization")
    def time_thousand_steps(self, name: str) -> None:
        self.thousand_steps()
