"""Signum: the sign of momentum (Bernstein et al. 2018).

m <- momentum m + (1 - momentum) g;  theta <- theta - learning_rate t^-decay sign(m),  sign(0) = 0.

Without momentum it is sign descent.
"""

from optbench import Hyper, Slot, optimizer


def selected(kind, momentum, decay):
    """At a constant rate it ends in a cycle, which is not near the largest margin."""
    separable = kind in ("classification", "multiclass")
    return "linf" if separable and decay > 0.0 and momentum < 1.0 else None


@optimizer(
    reference="Bernstein, Wang, Azizzadenesheli, Anandkumar 2018, arXiv:1802.04434; "
    "bias: Fan, Schmidt, Thrampoulidis 2025, arXiv:2502.04664",
    selects=selected,
    condition="separable data, momentum < 1, learning rate t^-decay, 0 < decay <= 1",
    homogeneous=True,
    default=False,
    convention="the paper: an average, momentum m + (1 - momentum) g; torch's SGD momentum and "
    "optax.trace sum instead, which has the same sign; a rate t^-decay, decay = 0.5, as in "
    "sign_descent",
)
def signum(
    theta,
    grad,
    step,
    average=Slot(degree=1),
    learning_rate=Hyper(tune="log", low=0.0),
    momentum=Hyper(0.9, low=0.0, high=1.0),
    decay=Hyper(0.5, low=0.0, high=1.0),
):
    rate = learning_rate * step ** (-decay)
    for i in range(theta.size):
        average[i] = momentum * average[i] + (1.0 - momentum) * grad[i]
        theta[i] -= rate if average[i] > 0.0 else (-rate if average[i] < 0.0 else 0.0)
