"""Nesterov's accelerated gradient (Nesterov 1983), written at the look-ahead point.

v <- momentum v + g;  theta <- theta - learning_rate (g + momentum v).

theta is the look-ahead point y of the two-sequence form x_+ = y - learning_rate g(y),
y_+ = x_+ + momentum (x_+ - x), so that one gradient at theta is enough (as in PyTorch).
"""

from optbench import Hyper, Slot, optimizer


def selected(kind, momentum):
    """From zero steps stay in the span of the data; without momentum it is gradient descent."""
    if kind == "classification":
        return "l2" if momentum == 0.0 else None
    if kind == "partly_separable":
        return "direction" if momentum == 0.0 else None
    return "l2" if kind in ("nonseparable", "regression") and momentum < 1.0 else None


@optimizer(
    reference="Nesterov 1983, Doklady 27:372; Sutskever, Martens, Dahl, Hinton 2013, PMLR 28:1139",
    selects=selected,
    follows_flow=True,
    condition="a minimum from zero (steps stay in the span of the data), learning_rate <= 1 / L; "
    "on separable data momentum = 0: theorems are about other sequences of momentum",
    homogeneous=True,
    convention="torch and optax: constant momentum, theta is the look-ahead point; the paper "
    "reports the other sequence, x, and its momentum grows to 1",
)
def nesterov(
    theta,
    grad,
    velocity=Slot(degree=1),
    learning_rate=Hyper(tune="log", low=0.0, degree=-1),
    momentum=Hyper(0.9, low=0.0, high=1.0),
):
    for i in range(theta.size):
        velocity[i] = momentum * velocity[i] + grad[i]
        theta[i] -= learning_rate * (grad[i] + momentum * velocity[i])
