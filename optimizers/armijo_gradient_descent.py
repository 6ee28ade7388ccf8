"""Gradient descent with a backtracking line search (Armijo 1966): no learning rate to tune.

rate <- growth rate;  while f(theta - rate g) > f(theta) - decrease rate ||g||^2,
rate <- shrink rate;  theta <- theta - rate g.

The first trial moves the largest coordinate by first_length.  Where none of sixty trials falls
enough, because rounding hides the fall, theta stays where it is and the next step begins anew.
"""

from optbench import Hyper, Slot, optimizer

MOST_TRIALS = 60  # 2^-60 of a step that was too long moves nothing


def backtrack(
    theta, grad, loss, probe, probe_loss, rate, trial, first_length, decrease, shrink, growth
):
    """Write the next trial; no more of them where the last one fell enough."""
    square = 0.0
    largest = 0.0
    for i in range(theta.size):
        square += grad[i] * grad[i]
        largest = max(largest, abs(grad[i]))
    if trial == 1:
        rate[0] *= growth
        if rate[0] == 0.0 and largest > 0.0:
            rate[0] = first_length / largest
    elif probe_loss <= loss - decrease * rate[0] * square:
        return False
    else:
        rate[0] *= shrink
    if trial > MOST_TRIALS:
        rate[0] = 0.0
    for i in range(theta.size):
        probe[i] = theta[i] - rate[0] * grad[i]
    return trial <= MOST_TRIALS


@optimizer(
    reference="Armijo 1966, doi:10.2140/pjm.1966.16.1",
    probe=backtrack,
    selects={"nonseparable": "l2", "regression": "l2"},
    condition="from zero: steps stay in the span of the data",
    homogeneous=True,
    default=False,
    convention="Nocedal and Wright, algorithm 3.1, beginning at growth times the last rate, Armijo "
    "at the same one in each step; optax's backtracking search has 1e-4, 0.8, 1.5",
)
def armijo_gradient_descent(
    theta,
    probe,
    rate=Slot(shape=1, degree=-1),
    first_length=Hyper(1.0, low=1e-300),
    decrease=Hyper(1e-4, low=0.0, high=0.999999),
    shrink=Hyper(0.5, low=1e-3, high=0.999),
    growth=Hyper(2.0, low=1.0),
):
    for i in range(theta.size):
        theta[i] = probe[i]
