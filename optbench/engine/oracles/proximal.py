"""The prox of an instance's penalty, and the gradient of the smooth part beside the penalty."""

from __future__ import annotations

import numpy as np

from optbench.contract import Optimizer
from optbench.engine.oracles.declared import Argument, Oracle, like_theta, mapped
from optbench.instance import Instance
from optbench.parametrizations import Parametrization

FAR = 1e30  # a point whose projection onto a bounded set is nearer


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


def no_bounded_set(
    instance: Instance, parametrization: Parametrization, _optimizer: Optimizer
) -> str | None:
    """Say where w is not restricted to a bounded set."""
    if not instance.restricted:
        return f"needs a set to which w is restricted; {instance.problem} has none"
    far = np.full((2, instance.dimension), FAR)
    far[1] = -FAR
    for point in far:
        instance.project(point)
    if np.abs(far).max() > np.sqrt(FAR):
        return f"needs a bounded set; that of {instance.problem} is not"
    return mapped("the set in theta", parametrization)


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
        "bounded_set": Argument("rule.prox", missing=no_bounded_set),
    }
)
