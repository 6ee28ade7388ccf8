"""Newton's method with conjugate gradients (Dembo, Steihaug 1983): no learning rate to tune.

H p = -g is solved by conjugate gradients until ||H p + g|| <= forcing ||g||, one Hessian-vector
product each;  theta <- theta + step_length p.

A direction of negative curvature ends them: p is what there is so far, or -g.  A unit step is
Newton's: it converges from near a minimum, with the factor ``forcing`` a step.
"""

import math

from optbench import Hyper, Slot, optimizer


def conjugate_gradients(
    theta, grad, probe, hessian_vector, trial, towards, residual, forcing, most_products
):
    """Write the next direction; no more of them where the system is solved well enough."""
    whole, square, along = 0.0, 0.0, 0.0
    for i in range(theta.size):
        whole += grad[i] * grad[i]
    size = math.sqrt(whole)  # directions are in its unit: their length does not depend on that of g
    if trial == 1:
        for i in range(theta.size):
            towards[i] = 0.0
            residual[i] = grad[i]
            probe[i] = -grad[i] / size if size > 0.0 else 0.0
        return size > 0.0
    for i in range(theta.size):
        square += residual[i] * residual[i]
        along += probe[i] * hessian_vector[i]
    if along <= 0.0:
        if trial == 2:
            for i in range(theta.size):
                towards[i] = -grad[i]
        return False
    length, left = square / size / along, 0.0
    for i in range(theta.size):
        towards[i] += length * probe[i]
        residual[i] += length * hessian_vector[i]
        left += residual[i] * residual[i]
    if left <= forcing * forcing * whole or trial > most_products:
        return False
    for i in range(theta.size):
        probe[i] = left / square * probe[i] - residual[i] / size
    return True


@optimizer(
    reference="Dembo, Steihaug 1983, doi:10.1007/BF02592055",
    probe=conjugate_gradients,
    selects={"nonseparable": "l2", "regression": "l2"},
    condition="from zero: directions stay in the span of the data",
    homogeneous=True,
    default=False,
    convention="Nocedal and Wright, algorithm 7.1, with a unit step and a constant forcing term; "
    "SciPy's Newton-CG has a line search and a forcing term that falls with the gradient",
)
def newton_cg(
    theta,
    towards=Slot(),
    residual=Slot(degree=1),
    forcing=Hyper(0.1, low=0.0, high=0.999),
    most_products=Hyper(250, low=1, high=999, integer=True),
    step_length=Hyper(1.0, low=0.0),
):
    for i in range(theta.size):
        theta[i] += step_length * towards[i]
