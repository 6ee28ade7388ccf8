"""Many runs at a time: they read the same data once."""

from __future__ import annotations

import time

import numpy as np

from benchmarks import prepared
from benchmarks.names import named

RATES = tuple(np.logspace(-4, -2, 64))


class Batch:
    """A hundred steps of 1, 32 or 256 runs on breast cancer, in one thread."""

    params = (("gradient_descent", "adam"), (1, 32, 256))
    param_names = ("optimizer", "runs at a time")
    number = 1
    warmup_time = 0
    repeat = (3, 10, 2.0)
    timer = time.thread_time

    def setup(self, optimizer: str, runs: int) -> None:
        place = prepared.cell(prepared.BREAST_CANCER, "", optimizer)
        rates = np.logspace(-4, -2, runs)
        self.chunks = prepared.chunks(place, rates)

    @named("100 steps of many runs on breast cancer")
    def time_hundred_steps(self, optimizer: str, runs: int) -> None:
        prepared.advance(self.chunks, 100)


class Memory:
    """Peak of a process with 256 Adam runs: 64 rates, 4 seeds, 5,000 steps, log-spaced records."""

    def setup(self) -> None:
        place = prepared.cell(prepared.BREAST_CANCER, "", "adam")
        self.chunks = prepared.chunks(place, RATES, seeds=range(4))

    @named("Peak memory of 256 Adam runs")
    def peakmem_256_adam_runs(self) -> None:
        for chunk in self.chunks:
            chunk.advance(5_000)
