"""FISTA: the fast proximal gradient method (Beck, Teboulle 2009).

x <- prox(theta - learning_rate grad f(theta));  t' = (1 + sqrt(1 + 4 t^2)) / 2;
theta <- x + (t - 1) / t' (x - last x),  where the objective is f + penalty.

Gradients are taken at theta, what is measured is x: of it the gap falls as 1 / t^2.
"""

import math

from optbench import Hyper, Slot, optimizer
from optbench.proximal import apply_prox


@optimizer(
    reference="Beck, Teboulle 2009, doi:10.1137/080716542",
    condition="learning_rate <= 1 / L, L the smoothness of f",
    homogeneous=True,
    default=False,
    convention="the paper with a constant step; implementations with (t - 1) / (t + 2) in place of "
    "(t - 1) / t' have the same rate",
)
def fista(
    theta,
    smooth_grad,
    prox,
    output,
    weight=Slot(shape=1, initial=1.0),
    learning_rate=Hyper(tune="log", low=0.0, degree=-1),
):
    larger = 0.5 * (1.0 + math.sqrt(1.0 + 4.0 * weight[0] * weight[0]))
    for i in range(theta.size):
        theta[i] -= learning_rate * smooth_grad[i]
    apply_prox(prox, theta, learning_rate)
    for i in range(theta.size):
        moved = theta[i] - output[i]
        output[i] = theta[i]
        theta[i] += (weight[0] - 1.0) / larger * moved
    weight[0] = larger
