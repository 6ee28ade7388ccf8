"""Lookahead (Zhang, Lucas, Hinton, Ba 2019) around gradient descent.

fast <- theta;  k times  fast <- fast - learning_rate F(fast),  then
theta <- theta + interpolation (fast - theta).

F is the gradient, or the field of a game.
"""

from optbench import Hyper, optimizer


def inner_steps(theta, grad, probe, probe_grad, trial, learning_rate, k):
    """Go from one fast iterate to the next."""
    if trial >= k:
        return False
    for i in range(theta.size):
        if trial == 1:
            probe[i] = theta[i] - learning_rate * grad[i]
        else:
            probe[i] -= learning_rate * probe_grad[i]
    return True


@optimizer(
    reference="Zhang, Lucas, Hinton, Ba 2019, arXiv:1907.08610; "
    "games: Pethick, Xie, Cevher 2023, arXiv:2310.13459",
    probe=inner_steps,
    selects={"nonseparable": "l2", "regression": "l2"},
    condition="from zero (steps stay in the span of the data), learning_rate < 2 / L",
    homogeneous=True,
    default=False,
    convention="the paper: k = 5, interpolation = 0.5; optax.lookahead has no defaults; a step is "
    "one of the slow weights, theta, and evaluates F at k fast ones; optax counts those",
)
def lookahead(
    theta,
    grad,
    probe,
    probe_grad,
    learning_rate=Hyper(tune="log", low=0.0, degree=-1),
    k=Hyper(5, low=1, integer=True),
    interpolation=Hyper(0.5, low=0.0, high=1.0),
):
    for i in range(theta.size):
        if k == 1:
            theta[i] -= interpolation * learning_rate * grad[i]
        else:
            fast = probe[i] - learning_rate * probe_grad[i]
            theta[i] += interpolation * (fast - theta[i])
