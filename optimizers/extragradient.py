"""Extragradient (Korpelevich 1976): a step with the gradient of a point ahead.

ahead <- theta - learning_rate F(theta);  theta <- theta - learning_rate F(ahead).

F is the gradient, or the field of a game.  Every evaluation of F is a step of its own: after odd
steps theta stands at the point ahead, after even steps at the next iterate.  On x y each iteration
multiplies the distance to 0 by sqrt((1 - r^2)^2 + r^2), r = learning_rate.
"""

from optbench import Hyper, Slot, optimizer


@optimizer(
    reference="Korpelevich 1976, Matecon 12:747; Nemirovski 2004, doi:10.1137/S1052623403425629",
    selects={"nonseparable": "l2", "regression": "l2"},
    condition="from zero (steps stay in the span of the data); monotone games: "
    "learning_rate < 1 / L (L: Lipschitz constant of F)",
    homogeneous=True,
    default=False,
    convention="a step is one evaluation of F: two are one iteration of the papers",
)
def extragradient(
    theta,
    grad,
    step,
    base=Slot(),
    learning_rate=Hyper(tune="log", low=0.0, degree=-1),
):
    looks_ahead = step % 2 == 1
    for i in range(theta.size):
        if looks_ahead:
            base[i] = theta[i]
        theta[i] = base[i] - learning_rate * grad[i]
