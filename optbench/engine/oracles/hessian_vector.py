"""Hessian-vector products: the Hessian at theta times what the optimizer wrote into its probe.

H v = scale X^T diag(l''(X theta)) X v where theta is the predictor and the row loss has a second
derivative.  They are found in the trials of a step, see :mod:`optbench.engine.oracles.probes`.
"""

from __future__ import annotations

from optbench.contract import Optimizer
from optbench.engine.compiler.overloads import called
from optbench.engine.oracles.declared import PLACES, Argument, Oracle, like_theta
from optbench.engine.oracles.kept import keep, write
from optbench.engine.types import RUNNING, Data, Kernels, Rule, Runs, Scratch, call_hessian
from optbench.instance import Instance
from optbench.parametrizations import Parametrization

PRODUCT = PLACES["hessian_vector"]


def missing(
    instance: Instance, parametrization: Parametrization, _optimizer: Optimizer
) -> str | None:
    """Say where the Hessian is not known."""
    if instance.row is None:
        return f"needs row losses; {instance.problem} has an objective of its own"
    if instance.several:
        return f"needs one curvature a row; {instance.problem} has a row loss of several outputs"
    if instance.penalty is not None:
        return f"needs the Hessian of the whole objective; {instance.problem} has a penalty"
    if instance.second_derivative is None:
        return f"needs the second derivative of the row loss; {instance.problem} declares none"
    if not parametrization.linear:
        name = parametrization.name.partition(":")[0]
        return f"needs the Hessian in theta; that of the {name} parametrization is not known"
    return None


@called
def multiply(kernels: Kernels, data: Data, scratch: Scratch, runs: Runs, aside: Runs, rule: Rule):
    """Write the products of all runs that probe; their probes lie in ``aside.theta``."""
    pairs, size = scratch.pairs, runs.w.shape[1]
    for run in range(runs.status.size):
        write(runs.w[run], pairs.w[run, :size])
        write(aside.theta[run], pairs.w[run, size:])
        pairs.exponents[run] = runs.exponents[run]
    call_hessian(kernels.hessian, (kernels, data, scratch))
    for run in range(runs.status.size):
        if aside.status[run] == RUNNING:
            keep(pairs.gradient_w[run, size:], PRODUCT, run, runs, rule)
            runs.probed[run] += 1


ORACLE = Oracle(
    arguments={
        "hessian_vector": Argument(
            "read_only({kept})", kept=like_theta, degree=1, like_theta=True, missing=missing
        )
    }
)
