"""Nanoseconds per step: of the kernel alone, and none for a run that ends at once."""

from __future__ import annotations

import math
import time

from small_instances import one_chunk

from optbench.registry import load_registry
from optbench.study import build_instances, make_cells, parse_optimizer
from optbench.timing import nanoseconds_per_step


def cell(text: str, optimizer: str = "gradient_descent"):
    registry = load_registry()
    (built,) = build_instances(registry, text, 1)
    (made,) = make_cells(built, [parse_optimizer(registry, optimizer)], ())
    return made


def test_it_is_what_a_stop_watch_says():
    """Within a factor 3: other processes may take the core while the stop watch runs."""
    made = cell("linear_regression:data=gaussian,n=5,d=12,seed=3")
    told = nanoseconds_per_step(made, 0.01)
    steps, times = 100_000, []
    for _ in range(5):
        chunk = one_chunk(made.instance, "gradient_descent", [0.01])
        chunk.advance(0)
        began = time.perf_counter()
        chunk.advance(steps, steps=[steps])
        times.append((time.perf_counter() - began) / steps * 1e9)
    assert min(times) / 3.0 < told < min(times) * 3.0


def test_more_data_takes_longer():
    """2000 x 50 has 1,667 times the multiplications of 5 x 12."""
    small = nanoseconds_per_step(cell("linear_regression:data=gaussian,n=5,d=12"), 0.01)
    large = nanoseconds_per_step(cell("linear_regression:data=gaussian,n=2000,d=50"), 0.01)
    assert large > 50.0 * small


def test_a_run_that_diverges_has_no_time():
    made = cell("linear_regression:data=gaussian,n=5,d=12,seed=3")
    assert math.isnan(nanoseconds_per_step(made, 1e6))


def test_a_step_of_one_row_is_not_charged_with_the_whole_objective():
    """2000 rows against one; the loss over all rows at the end of the call is no step's."""
    data = "linear_regression:data=gaussian,n=2000,d=50"
    sampled = nanoseconds_per_step(cell(data, "stochastic_gradient_descent"), 1e-3)
    assert nanoseconds_per_step(cell(data), 1e-3) > 20.0 * sampled
