"""The prox of an instance's penalty, and the gradient of the smooth part beside the penalty."""

from __future__ import annotations

from optbench.contract import Optimizer
from optbench.engine.oracles.declared import Argument, Oracle, like_theta
from optbench.instance import Instance
from optbench.parametrizations import Parametrization


def no_prox(
    instance: Instance, parametrization: Parametrization, _optimizer: Optimizer
) -> str | None:
    """Say where there is none."""
    if instance.prox is None:
        return f"needs the prox of a penalty; {instance.problem} declares none"
    return mapped(instance, parametrization, _optimizer)


def mapped(
    _instance: Instance, parametrization: Parametrization, _optimizer: Optimizer
) -> str | None:
    """Say where the penalty is not one of theta."""
    if not parametrization.linear:
        name = parametrization.name.partition(":")[0]
        return f"needs the penalty in theta; the {name} parametrization maps it"
    return None


ORACLE = Oracle(
    arguments={
        "smooth_grad": Argument(
            "read_only({kept})", kept=like_theta, degree=1, like_theta=True, missing=mapped
        ),
        "prox": Argument("rule.prox", missing=no_prox),
    }
)
