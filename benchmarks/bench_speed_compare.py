"""The whole command, in processes of their own: ``optbench compare`` and a sweep of one optimizer.

The comparison is a fixed one, so that commits with more plug-ins remain comparable; its first run,
from an empty cache, fills the cache for the others and is a measurement itself.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks.names import named

COMPARISON = (
    "linear_regression", "logistic_regression", "linear_program",
    "-o", "gradient_descent", "-o", "adam", "-o", "nesterov", "-o", "sign_descent",
    "-o", "coordinate_descent", "-o", "exponentiated_gradient",
)  # fmt: skip
SWEEP = ",".join(f"{rate:.6g}" for rate in np.geomspace(1e-4, 1.0, 200))


def compare(cache: str, *arguments: str) -> float:
    """Run ``optbench compare`` with a cache of its own; return its seconds."""
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "optbench.cli", "compare", "--quiet", *arguments],
        check=True,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "OPTBENCH_CACHE": cache},
    )
    return time.perf_counter() - began


class Compare:
    """Six optimizers on three problems; 200 learning rates of gradient descent on 20 x 50."""

    number = 1
    repeat = (1, 3, 20.0)
    rounds = 1
    warmup_time = 0

    def setup_cache(self) -> tuple[str, float]:
        """Compare from nothing; return the cache and the seconds that it took."""
        cache = str(Path("compared").resolve())
        return cache, compare(cache, *COMPARISON)

    setup_cache.timeout = 600

    @named("optbench compare, from an empty cache", unit="seconds")
    def track_cold(self, prepared: tuple[str, float]) -> float:
        return prepared[1]

    @named("optbench compare, kernels compiled before")
    def time_warm(self, prepared: tuple[str, float]) -> None:
        compare(prepared[0], *COMPARISON, "--rerun")

    @named("optbench compare, results from the store")
    def time_repeated(self, prepared: tuple[str, float]) -> None:
        compare(prepared[0], *COMPARISON)

    @named("200 learning rates of gradient descent on 20 x 50")
    def time_sweep_of_200_rates(self, prepared: tuple[str, float]) -> None:
        compare(
            prepared[0], "--rerun", "linear_regression:data=gaussian", "-o", "gradient_descent",
            "--learning-rates", SWEEP, "--horizon", "1000",
        )  # fmt: skip
