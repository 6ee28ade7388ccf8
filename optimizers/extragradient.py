"""Extragradient (Korpelevich 1976): a step with the gradient of a point ahead.

ahead <- theta - learning_rate F(theta);  theta <- theta - learning_rate F(ahead).

F is the gradient, or the field of a game.  On x y each step multiplies the distance to 0 by
sqrt((1 - r^2)^2 + r^2), r = learning_rate.
"""

from optbench import Hyper, optimizer


def ahead(theta, grad, probe, learning_rate):
    for i in range(theta.size):
        probe[i] = theta[i] - learning_rate * grad[i]


@optimizer(
    reference="Korpelevich 1976, Matecon 12:747; Nemirovski 2004, doi:10.1137/S1052623403425629",
    probe=ahead,
    selects={"nonseparable": "l2", "regression": "l2"},
    condition="from zero (steps stay in the span of the data); monotone games: "
    "learning_rate < 1 / L (L: Lipschitz constant of F)",
    homogeneous=True,
    default=False,
    convention="a step is an iteration of the papers, which evaluates F twice",
)
def extragradient(
    theta,
    probe_grad,
    learning_rate=Hyper(tune="log", low=0.0, degree=-1),
):
    for i in range(theta.size):
        theta[i] -= learning_rate * probe_grad[i]
