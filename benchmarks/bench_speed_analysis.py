"""From records to verdicts: what a comparison does after its runs."""

from __future__ import annotations

import time

import numpy as np

from benchmarks import prepared
from benchmarks.names import named
from optbench.analysis.effective_p import effective_p
from optbench.analysis.kinds import kind_of
from optbench.analysis.profiles import performance_profile, runtime_ecdf
from optbench.analysis.rates import fit_rate
from optbench.analysis.selection import select
from optbench.engine.records import record_steps
from optbench.solutions import norm_grid, solved


class Verdict:
    """Which solution a predictor has selected, of those of digits 3 against 8."""

    warmup_time = 0.05
    rounds = 1
    timer = time.process_time
    repeat = (3, 10, 1.0)

    def setup(self) -> None:
        self.instance = prepared.instance(prepared.DIGITS)
        self.solved = solved(self.instance)
        self.norm_grid = norm_grid(self.instance)
        self.w = sum(reference.solution for reference in self.solved.values())

    @named("Measures of one solution of digits 3 against 8")
    def time_measure(self) -> None:
        kind_of(self.instance).measure(self.instance, self.solved, self.w)

    @named("Verdict on one solution of digits 3 against 8")
    def time_select(self) -> None:
        select(self.instance, self.solved, self.w)

    @named("Effective p of one solution of digits 3 against 8")
    def time_effective_p(self) -> None:
        effective_p(self.instance, self.norm_grid, self.w)


class Rate:
    """The law of a trace to 1e5 steps: 1/t, with a transient."""

    rounds = 1
    timer = time.process_time
    repeat = (3, 10, 1.0)

    def setup(self) -> None:
        self.steps = record_steps(100_000)[1:]
        self.log_gap = -np.log(self.steps + 30.0)

    @named("Rate law of one trace of 100,000 steps")
    def time_fit_rate(self) -> None:
        fit_rate(self.steps, self.log_gap)


class Profiles:
    """Forty optimizers on a hundred problems."""

    rounds = 1
    timer = time.process_time
    repeat = (3, 10, 1.0)

    def setup(self) -> None:
        costs = np.random.Generator(np.random.PCG64(0)).lognormal(5.0, 2.0, (40, 100))
        self.costs = {f"optimizer {row}": cost for row, cost in enumerate(costs)}

    @named("Performance profile of 40 optimizers on 100 problems")
    def time_performance_profile(self) -> None:
        performance_profile(self.costs)

    @named("Share of targets reached: 40 optimizers on 100 problems")
    def time_runtime_ecdf(self) -> None:
        runtime_ecdf(self.costs)
