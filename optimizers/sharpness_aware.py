"""Sharpness-aware minimization (Foret, Kleiner, Mobahi, Neyshabur 2021).

worst <- theta + radius g / |g|;  theta <- theta - learning_rate grad(worst).

``worst`` maximises the loss in a ball around theta, to first order.
"""

import math

from optbench import Hyper, optimizer


def worst_nearby(theta, grad, probe, radius):
    square = 0.0
    for i in range(theta.size):
        square += grad[i] * grad[i]
    length = math.sqrt(square)
    for i in range(theta.size):
        probe[i] = theta[i] + radius * grad[i] / length if length > 0.0 else theta[i]


@optimizer(
    reference="Foret, Kleiner, Mobahi, Neyshabur 2021, arXiv:2010.01412",
    probe=worst_nearby,
    condition="learning_rate < 2 / L on a quadratic",
    homogeneous=True,
    default=False,
    convention="the paper without weight decay, radius 0.05; torch's implementations add 1e-12 to "
    "the length of the gradient",
)
def sharpness_aware(
    theta,
    probe_grad,
    learning_rate=Hyper(tune="log", low=0.0, degree=-1),
    radius=Hyper(0.05, low=0.0),
):
    for i in range(theta.size):
        theta[i] -= learning_rate * probe_grad[i]
