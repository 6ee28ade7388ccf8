"""SGD with D-Adaptation (Defazio, Mishchenko 2023): it estimates its learning rate as it goes.

With the estimate d of ||theta_0 - theta*||, from first_estimate on, and
r = learning_rate d / ||g_0||:
a <- a + r <g, s>;  s <- s + r g;  d <- max(d, 2 a / ||s||);
theta <- momentum theta + (1 - momentum) (theta_0 - s).

2 a <= d_true ||s|| for convex objectives: d never exceeds the true distance.
"""

from math import sqrt

from optbench import Hyper, Slot, optimizer


@optimizer(
    reference="Defazio, Mishchenko 2023, arXiv:2301.07733",
    selects={"nonseparable": "l2", "regression": "l2"},
    condition="from zero (theta stays in the span of the data), where it converges",
    homogeneous=True,
    default=False,
    convention="the paper's SGD with D-Adaptation and the authors' DAdaptSGD, whose momentum is 0 "
    "and whose growth is not bounded; the paper's theorems are about its averages",
)
def d_adaptation(
    theta,
    grad,
    step,
    start=Slot(),
    path=Slot(),
    estimate=Slot(shape=1),
    progress=Slot(shape=1),
    first_norm=Slot(shape=1, degree=1),
    learning_rate=Hyper(1.0, low=0.0),
    momentum=Hyper(0.0, low=0.0, high=0.999999),
    first_estimate=Hyper(1e-6, low=1e-100),
):
    if step == 1:
        estimate[0] = first_estimate
        total = 0.0
        for i in range(theta.size):
            start[i] = theta[i]
            total += grad[i] * grad[i]
        first_norm[0] = sqrt(total)
    rate = learning_rate * estimate[0] / first_norm[0] if first_norm[0] > 0.0 else 0.0
    along = 0.0
    length = 0.0
    for i in range(theta.size):
        along += grad[i] * path[i]
        path[i] += rate * grad[i]
        length += path[i] * path[i]
    progress[0] += rate * along
    if length > 0.0:
        estimate[0] = max(estimate[0], 2.0 * progress[0] / sqrt(length))
    for i in range(theta.size):
        theta[i] = momentum * theta[i] + (1.0 - momentum) * (start[i] - path[i])
