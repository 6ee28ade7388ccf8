"""DoG, distance over gradients (Ivgi, Hinder, Carmon 2023): no learning rate to tune.

r <- max(r, ||theta - theta_0||), at first first_distance (1 + ||theta_0||);  G <- G + ||g||^2;
theta <- theta - learning_rate r / sqrt(G + eps) g.
"""

from math import sqrt

from optbench import Hyper, Slot, optimizer


@optimizer(
    reference="Ivgi, Hinder, Carmon 2023, arXiv:2302.12022",
    selects={"nonseparable": "l2", "regression": "l2"},
    condition="from zero: steps stay in the span of the data",
    homogeneous=True,
    default=False,
    convention="the authors' code and optax: eps = 1e-8, first distance 1e-6 (1 + ||theta_0||); "
    "the authors report an average of the iterates, this the last one",
)
def dog(
    theta,
    grad,
    step,
    start=Slot(),
    distance=Slot(shape=1),
    squares=Slot(shape=1, degree=2),
    first_distance=Hyper(1e-6, low=1e-300),
    learning_rate=Hyper(1.0, low=0.0),
    eps=Hyper(1e-8, low=0.0, degree=2),
):
    moved = 0.0
    size = 0.0
    for i in range(theta.size):
        if step == 1:
            start[i] = theta[i]
        moved += (theta[i] - start[i]) * (theta[i] - start[i])
        size += start[i] * start[i]
        squares[0] += grad[i] * grad[i]
    if step == 1:
        distance[0] = first_distance * (1.0 + sqrt(size))
    distance[0] = max(distance[0], sqrt(moved))
    total = squares[0] + eps
    rate = learning_rate * distance[0] / sqrt(total) if total > 0.0 else 0.0
    for i in range(theta.size):
        theta[i] -= rate * grad[i]
