"""The prox of an instance's penalty, and the gradient of the smooth part beside the penalty."""

from __future__ import annotations

from optbench.contract import Optimizer
from optbench.engine.oracles.declared import Argument, Oracle, like_theta, mapped
from optbench.instance import Instance
from optbench.parametrizations import Parametrization


def no_prox(
    instance: Instance, parametrization: Parametrization, _optimizer: Optimizer
) -> str | None:
    """Say where there is none."""
    if instance.prox is None:
        return f"needs the prox of a penalty; {instance.problem} declares none"
    return no_penalty_in_theta(instance, parametrization, _optimizer)


def no_penalty_in_theta(
    _instance: Instance, parametrization: Parametrization, _optimizer: Optimizer
) -> str | None:
    """Say where the penalty is not one of theta."""
    return mapped("the penalty in theta", parametrization)


ORACLE = Oracle(
    arguments={
        "smooth_grad": Argument(
            "read_only({kept})",
            kept=like_theta,
            degree=1,
            like_theta=True,
            missing=no_penalty_in_theta,
        ),
        "prox": Argument("rule.prox", missing=no_prox),
    }
)
