"""Each kernel alone: milliseconds a thousand steps of one run, that is microseconds a step."""

from __future__ import annotations

import time

from benchmarks import prepared


class _Kernel:
    """One run, compiled in ``setup``; processor time of its thread."""

    param_names = ("name",)
    number = 1  # a run is used up: `setup` makes another for every sample
    warmup_time = 0
    repeat = (5, 20, 1.0)
    timer = time.thread_time

    def time_thousand_steps(self, name: str) -> None:
        prepared.advance([self.run], 1000)


class Optimizer(_Kernel):
    """Every optimizer, on digits 3 against 8 where it can run there."""

    params = prepared.names_in("optimizers")

    def setup(self, name: str) -> None:
        self.run = prepared.one_run(prepared.somewhere(name))


class Problem(_Kernel):
    """Every problem family's first instance, under gradient descent."""

    params = prepared.names_in("problems")

    def setup(self, name: str) -> None:
        self.run = prepared.one_run(prepared.cell(name, "", "gradient_descent"))


class Wide(_Kernel):
    """Gradient descent on wide data: in the second-level cache, filling it, beyond it."""

    params = ("n=50,d=200", "n=100,d=1000", "n=100,d=3000")

    def setup(self, name: str) -> None:
        problem = f"linear_regression:data=gaussian,{name}"
        self.run = prepared.one_run(prepared.cell(problem, "", "gradient_descent"))


class Passages(_Kernel):
    """Gradient descent that keeps when it passes targets: where losses must be known for that,
    where bounds say when, and where they hardly do."""

    params = (prepared.INTERPOLATION, prepared.DIGITS, prepared.BREAST_CANCER)

    def setup(self, name: str) -> None:
        place = prepared.cell(name, "", "gradient_descent")
        self.run = prepared.one_run(place, passages=True)


class Parametrization(_Kernel):
    """Every parametrization, under gradient descent on digits 3 against 8."""

    params = prepared.names_in("optbench/parametrizations")

    def setup(self, name: str) -> None:
        self.run = prepared.one_run(prepared.cell(prepared.DIGITS, name, "gradient_descent"))
