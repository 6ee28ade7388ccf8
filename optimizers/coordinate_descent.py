"""Coordinate descent, boosting form: steepest descent in the L1 norm with a prescribed length.

k = argmax_i |g_i|;  theta_k <- theta_k - learning_rate t^-decay sign(g_k).

Of several largest entries the first one moves.
"""

from optbench import Hyper, optimizer


def selected(kind, decay):
    """At a constant rate it can only come as near as that rate (Telgarsky 2013)."""
    separable = kind in ("classification", "multiclass")
    return "l1" if separable and decay > 0.0 else None


@optimizer(
    reference="Gunasekar, Lee, Soudry, Srebro 2018, arXiv:1802.08246; "
    "Telgarsky 2013, arXiv:1303.4172; prescribed lengths, several classes: "
    "Fan, Schmidt, Thrampoulidis 2025, arXiv:2502.04664",
    selects=selected,
    # the gap of the bound falls as t^-0.9
    as_theorem_asks={"classification": {"decay": 0.1}, "multiclass": {"decay": 0.1}},
    condition="separable data, learning rate t^-decay, 0 < decay <= 1: margin gap t^-(1 - decay), "
    "at decay = 1 only 1 / log t",
    homogeneous=True,
    symmetries=("sign",),  # a tie between coordinates is broken by their order
    convention="steps of prescribed length t^-decay; AdaBoost itself chooses each length by a line "
    "search, greedy_coordinate_descent has it proportional to g_k",
)
def coordinate_descent(
    theta,
    grad,
    step,
    learning_rate=Hyper(tune="log", low=0.0),
    decay=Hyper(0.5, low=0.0, high=1.0),
):
    largest = 0
    for i in range(theta.size):
        if abs(grad[i]) > abs(grad[largest]):
            largest = i
    rate = learning_rate * step ** (-decay)
    if grad[largest] > 0.0:
        theta[largest] -= rate
    elif grad[largest] < 0.0:
        theta[largest] += rate
