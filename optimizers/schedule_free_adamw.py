"""Schedule-free AdamW (Defazio et al. 2024): an average in place of a schedule and of momentum.

v <- beta2 v + (1 - beta2) g(y)^2;
z <- z - learning_rate (g(y) / (sqrt(v / (1 - beta2^t)) + eps) + weight_decay y);
x <- (1 - 1/t) x + 1/t z;  y <- (1 - beta1) z + beta1 x.

theta is y, where gradients are taken; what is measured is x, the mean of all z.
"""

from math import sqrt

from optbench import Hyper, Slot, optimizer


def selected(weight_decay):
    """With weight decay it comes to rest elsewhere."""
    return "unknown" if weight_decay > 0.0 else None


@optimizer(
    reference="Defazio, Yang, Mehta, Mishchenko, Khaled, Cutkosky 2024, arXiv:2405.15682",
    selects=selected,
    condition="the paper has rates of convergence, and names no solution",
    homogeneous=True,
    default=False,
    convention="the authors' code and optax at a constant rate without warm-up: weight decay acts "
    "at y, the mean begins with the first z, in the paper's formula with the start",
)
def schedule_free_adamw(
    theta,
    grad,
    step,
    output,
    z=Slot(),
    second_moment=Slot(degree=2),
    learning_rate=Hyper(tune="log", low=0.0),
    weight_decay=Hyper(0.0, low=0.0),
    beta1=Hyper(0.9, low=0.0, high=1.0),
    beta2=Hyper(0.999, low=0.0, high=0.999999),
    eps=Hyper(1e-8, low=0.0, degree=1),
):
    correction = 1.0 / (1.0 - beta2**step)
    for i in range(theta.size):
        if step == 1:
            z[i] = theta[i]
        second_moment[i] = beta2 * second_moment[i] + (1.0 - beta2) * grad[i] * grad[i]
        scale = sqrt(correction * second_moment[i]) + eps
        direction = grad[i] / scale if scale > 0.0 else 0.0
        z[i] -= learning_rate * (direction + weight_decay * theta[i])
        output[i] += (z[i] - output[i]) / step
        theta[i] = z[i] + beta1 * (output[i] - z[i])
