"""Sign descent: steepest descent in the Linf norm with a prescribed step length.

theta <- theta - learning_rate t^-decay sign(g),  sign(0) = 0.
"""

from optbench import Hyper, optimizer


def selected(kind, decay):
    """At a constant rate it ends in a cycle, which is not near the largest margin."""
    separable = kind in ("classification", "multiclass")
    return "linf" if separable and decay > 0.0 else None


@optimizer(
    reference="Gunasekar, Lee, Soudry, Srebro 2018, arXiv:1802.08246; prescribed lengths, several "
    "classes: Fan, Schmidt, Thrampoulidis 2025, arXiv:2502.04664",
    selects=selected,
    condition="separable data, learning rate t^-decay, 0 < decay <= 1: margin gap t^-(1 - decay), "
    "at decay = 1 only 1 / log t",
    homogeneous=True,
    convention="sign(0) = 0 as in torch.sign and optax.sign_sgd; a rate t^-decay with decay = "
    "0.5, where signSGD and optax have a constant one, decay = 0",
)
def sign_descent(
    theta,
    grad,
    step,
    learning_rate=Hyper(tune="log", low=0.0),
    decay=Hyper(0.5, low=0.0, high=1.0),
):
    rate = learning_rate * step ** (-decay)
    for i in range(theta.size):
        theta[i] -= rate if grad[i] > 0.0 else (-rate if grad[i] < 0.0 else 0.0)
