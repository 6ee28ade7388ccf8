"""Lookahead (Zhang, Lucas, Hinton, Ba 2019) around gradient descent.

k times  theta <- theta - learning_rate F(theta),  then
slow <- slow + interpolation (theta - slow);  theta <- slow.

F is the gradient, or the field of a game.  Every evaluation of F is a step, so that an outer
iteration ends at steps k, 2 k, ...
"""

from optbench import Hyper, Slot, optimizer


@optimizer(
    reference="Zhang, Lucas, Hinton, Ba 2019, arXiv:1907.08610; "
    "games: Pethick, Xie, Cevher 2023, arXiv:2310.13459",
    selects={"nonseparable": "l2", "regression": "l2"},
    condition="from zero (steps stay in the span of the data), learning_rate < 2 / L",
    homogeneous=True,
    default=False,
    convention="the paper: k = 5, interpolation = 0.5; optax.lookahead has no defaults and keeps "
    "the slow weights beside the fast ones; theta is the fast ones, as where optax takes gradients",
)
def lookahead(
    theta,
    grad,
    step,
    slow=Slot(),
    learning_rate=Hyper(tune="log", low=0.0, degree=-1),
    k=Hyper(5, low=1, integer=True),
    interpolation=Hyper(0.5, low=0.0, high=1.0),
):
    begins = (step - 1) % int(k) == 0
    ends = step % int(k) == 0
    for i in range(theta.size):
        if begins:
            slow[i] = theta[i]
        theta[i] -= learning_rate * grad[i]
        if ends:
            theta[i] = slow[i] + interpolation * (theta[i] - slow[i])
