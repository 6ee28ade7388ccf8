"""Nesterov's accelerated gradient with adaptive restart (O'Donoghue and Candes 2015).

x_+ = theta - learning_rate g;  if g.(x_+ - x) > 0: a <- 1, theta <- x_+  (restart), else
a_+ = (1 + sqrt(1 + 4 a^2)) / 2;  theta <- x_+ + (a - 1) / a_+ (x_+ - x),  a <- a_+;  x <- x_+.

theta is the look-ahead point, at which gradients are taken.  A restart forgets momentum that leads
uphill; without restarts (restart = 0) the trace ripples on strongly convex objectives.
"""

from math import sqrt

from optbench import Hyper, Slot, optimizer


@optimizer(
    reference="O'Donoghue, Candes 2015, arXiv:1204.3982",
    selects={"nonseparable": "l2", "regression": "l2"},
    condition="convex objective, learning_rate <= 1 / L; from zero: steps stay in the span of the "
    "data",
    homogeneous=True,
    default=False,
    convention="the paper's gradient scheme with the momentum of FISTA; the paper reports x, this "
    "the look-ahead point theta, as nesterov does",
)
def restarted_nesterov(
    theta,
    grad,
    step,
    last=Slot(),
    momentum=Slot(shape=1, initial=1.0),
    learning_rate=Hyper(tune="log", low=0.0, degree=-1),
    restart=Hyper(1, low=0, high=1, integer=True),
):
    uphill = 0.0
    for i in range(theta.size):
        if step == 1:
            last[i] = theta[i]
        uphill += grad[i] * (theta[i] - learning_rate * grad[i] - last[i])
    factor = 0.0
    if restart == 1 and uphill > 0.0:
        momentum[0] = 1.0
    else:
        before = momentum[0]
        momentum[0] = 0.5 * (1.0 + sqrt(1.0 + 4.0 * before * before))
        factor = (before - 1.0) / momentum[0]
    for i in range(theta.size):
        moved = theta[i] - learning_rate * grad[i]
        theta[i] = moved + factor * (moved - last[i])
        last[i] = moved
