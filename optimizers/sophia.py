"""Sophia-H: momentum over a clipped diagonal of the Hessian (Liu, Li, Hall, Liang, Ma 2023).

m <- beta1 m + (1 - beta1) g;
every ``interval`` steps  h <- beta2 h + (1 - beta2) u * H u,  u random signs;
theta <- theta - learning_rate clip(m / max(gamma h, eps), 1).

u * H u is Hutchinson's estimate of the Hessian's diagonal, one Hessian-vector product.  Where the
curvature is small or negative the step is that of sign descent.
"""

from optbench import Hyper, Slot, optimizer
from optbench.random import uniform


def random_signs(theta, probe, trial, step, rng, interval):
    if trial > 1 or (step - 1) % interval != 0:
        return False
    for i in range(theta.size):
        probe[i] = 1.0 if uniform(rng) < 0.5 else -1.0
    return True


@optimizer(
    reference="Liu, Li, Hall, Liang, Ma 2023, arXiv:2305.14342",
    probe=random_signs,
    condition="no theorem on what it selects; no coordinate moves more than learning_rate a step",
    symmetries=(),
    homogeneous=True,
    default=False,
    convention="Algorithm 3 without weight decay, with the paper's beta1, beta2, gamma, eps and "
    "interval of Sophia-H; its estimator draws normal numbers, whose diagonal has more variance "
    "than that of signs",
)
def sophia(
    theta,
    grad,
    step,
    probe,
    hessian_vector,
    momentum=Slot(degree=1),
    diagonal=Slot(degree=1),
    learning_rate=Hyper(tune="log", low=0.0),
    beta1=Hyper(0.96, low=0.0, high=1.0),
    beta2=Hyper(0.99, low=0.0, high=1.0),
    gamma=Hyper(0.01, low=0.0),
    eps=Hyper(1e-12, low=0.0, degree=1),
    interval=Hyper(10, low=1, integer=True),
):
    fresh = (step - 1) % interval == 0
    for i in range(theta.size):
        momentum[i] = beta1 * momentum[i] + (1.0 - beta1) * grad[i]
        if fresh:
            diagonal[i] = beta2 * diagonal[i] + (1.0 - beta2) * probe[i] * hessian_vector[i]
        curvature = max(gamma * diagonal[i], eps)
        if abs(momentum[i]) < curvature:
            theta[i] -= learning_rate * momentum[i] / curvature
        elif momentum[i] > 0.0:
            theta[i] -= learning_rate
        elif momentum[i] < 0.0:
            theta[i] += learning_rate
