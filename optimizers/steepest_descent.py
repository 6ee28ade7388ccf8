"""Steepest descent in the L_p norm with a prescribed step length.

h = sign(g) |g|^(q-1) with 1/p + 1/q = 1;  theta <- theta - learning_rate t^-decay h / ||h||_p.

h / ||h||_p is the direction of unit L_p norm in which the objective falls fastest.  p = 2 is
normalized gradient descent, p -> infinity sign descent, p -> 1 coordinate descent.
"""

from optbench import Hyper, Slot, optimizer
from optbench.elementwise import exp, log


def selected(kind, decay):
    """At a constant rate it can only come as near as that rate."""
    separable = kind in ("classification", "multiclass")
    return "lp(p)" if separable and decay > 0.0 else None


@optimizer(
    reference="Gunasekar, Lee, Soudry, Srebro 2018, arXiv:1802.08246; prescribed lengths, several "
    "classes: Fan, Schmidt, Thrampoulidis 2025, arXiv:2502.04664",
    selects=selected,
    condition="separable data, learning rate t^-decay, 0 < decay <= 1: margin gap t^-(1 - decay), "
    "at decay = 1 only 1 / log t",
    homogeneous=True,
    default=False,
    convention="steps of prescribed length; textbooks (Boyd, Vandenberghe 9.4) also have the "
    "unnormalized step, ||g||_q times as long",
)
def steepest_descent(
    theta,
    grad,
    step,
    direction=Slot(),
    learning_rate=Hyper(tune="log", low=0.0),
    p=Hyper(3.0, low=1.01),
    decay=Hyper(0.5, low=0.0, high=1.0),
):
    largest = 0.0
    for i in range(theta.size):
        largest = max(largest, abs(grad[i]))
    # relative to the largest entry no power overflows, and the largest one does not underflow
    unit = largest if largest > 0.0 else 1.0
    for i in range(theta.size):
        size = exp(log(abs(grad[i]) / unit) / (p - 1.0))
        direction[i] = size if grad[i] >= 0.0 else -size
    total = 0.0
    for i in range(theta.size):
        total += direction[i] * (grad[i] / unit)  # |h|^p = |g|^q = |h| |g|
    rate = learning_rate * step ** (-decay)
    rate /= exp(log(total) / p) if total > 0.0 else 1.0
    for i in range(theta.size):
        theta[i] -= rate * direction[i]
