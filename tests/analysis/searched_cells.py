"""One cell and its finished search, for the tests of what is read off them."""

from __future__ import annotations

from optbench.choices import choose_one
from optbench.engine.stop import StopSignal
from optbench.executors.cells import run_cells
from optbench.registry import load_registry
from optbench.study import build_instances, make_cells
from optbench.tuning.search import Tuner

REGRESSION = "linear_regression:data=gaussian,n=5,d=12,seed=3"


def cell(problem=REGRESSION, optimizer="gradient_descent", parameters=(), seeds=1):
    registry = load_registry()
    (built,) = build_instances(registry, problem, seeds)
    (made,) = make_cells(built, [choose_one(registry, optimizer)], parameters)
    return made


def searched(made, horizon=1_000, rates=None, seeds=1):
    stop = StopSignal()
    (found,) = run_cells([Tuner(made, seeds, horizon, rates, 1e-3)], 1, stop)
    return found
