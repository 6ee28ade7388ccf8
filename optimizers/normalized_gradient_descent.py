"""Normalized gradient descent (Nacson et al. 2019): every step has the same length.

theta <- theta - learning_rate t^-decay g / ||g||_2.

decay = 0.5 is the rate of the theorem, whose proof needs a rate that falls to 0 and whose sum is
infinite; decay = 0 reaches the max margin faster on separable data
but cannot converge to a minimum that exists.
"""

from math import sqrt

from optbench import Hyper, optimizer


def selected(kind, decay):
    """At a constant rate it can only come as near as that rate."""
    known = kind in ("classification", "multiclass", "nonseparable", "regression")
    return "l2" if known and decay > 0.0 else None


@optimizer(
    reference="Nacson, Lee, Gunasekar, Savarese, Srebro, Soudry 2019, arXiv:1803.01905; "
    "other decays, several classes: Fan, Schmidt, Thrampoulidis 2025, arXiv:2502.04664",
    selects=selected,
    follows_flow=True,
    condition="0 < decay <= 1; separable data, decay = 0.5: margin gap O(log t / sqrt t); else "
    "from zero (steps stay in the span of the data)",
    homogeneous=True,
    convention="the paper: rate t^-1/2, no eps; optax.normalize_by_update_norm divides by ||g|| + "
    "1e-6, at a constant rate",
)
def normalized_gradient_descent(
    theta,
    grad,
    step,
    learning_rate=Hyper(tune="log", low=0.0),
    decay=Hyper(0.5, low=0.0, high=1.0),
):
    square = 0.0
    for i in range(theta.size):
        square += grad[i] * grad[i]
    rate = learning_rate * step ** (-decay) / sqrt(square) if square > 0.0 else 0.0
    for i in range(theta.size):
        theta[i] -= rate * grad[i]
