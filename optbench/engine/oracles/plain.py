"""What every step has: parameters, the objective and its gradient there, the run's own numbers."""

from __future__ import annotations

import numpy as np

from optbench.contract import Optimizer
from optbench.engine.oracles.declared import Argument, Oracle
from optbench.instance import Instance
from optbench.parametrizations import Parametrization


def no_layers(
    _instance: Instance, parametrization: Parametrization, _optimizer: Optimizer
) -> str | None:
    """Say where theta is no weight matrices."""
    if not parametrization.weight_matrices:
        name = parametrization.name.partition(":")[0]
        return f"needs weight matrices; the {name} parametrization has none"
    return None


def no_optimum(
    instance: Instance, _parametrization: Parametrization, _optimizer: Optimizer
) -> str | None:
    """Say where the optimal loss is not known."""
    return "needs the optimal loss, which is not known here" if np.isnan(instance.optimum) else None


ORACLE = Oracle(
    arguments={
        "theta": Argument("runs.theta[run]", "read_only(runs.theta[run])", like_theta=True),
        "grad": Argument("read_only(runs.gradient[run])", like_theta=True),
        "step": Argument("step"),
        "loss": Argument("runs.loss[run]"),
        "optimal_loss": Argument("rule.optimal_loss", missing=no_optimum),
        "horizon": Argument("runs.horizon[run]"),
        "layers": Argument("read_only(rule.layers)", missing=no_layers),
        "rng": Argument("runs.rng[run]"),
    }
)
