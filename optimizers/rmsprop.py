"""RMSprop (Tieleman and Hinton 2012).

v <- beta v + (1 - beta) g^2;  theta <- theta - learning_rate t^-decay g / (sqrt(v) + eps).

It is Adam with beta1 = 0 and without bias correction.
"""

from math import sqrt

from optbench import Hyper, Slot, optimizer


def selected(kind, eps, decay):
    """In the end eps outweighs the root of v; without it each entry moves by about the rate."""
    if kind != "classification":
        return None
    if eps == 0.0:
        return "linf" if decay > 0.0 else None
    return "l2" if decay == 0.0 else None


@optimizer(
    reference="Tieleman, Hinton 2012, Coursera lecture 6.5; "
    "separable data: eps = 0: Zhang, Zou, Cao 2024, arXiv:2406.10650; "
    "eps > 0: Wang, Meng, Chen, Liu 2021, arXiv:2012.06244",
    selects=selected,
    as_theorem_asks={"classification": {"eps": 0.0, "decay": 0.5}},
    condition="separable data; linf: eps = 0, learning rate t^-decay, 0 < decay <= 1; l2: eps > 0, "
    "constant, small enough learning_rate, and gradients that have become small against eps",
    homogeneous=True,
    default=False,
    convention="torch: beta = 0.99, eps outside the root; the lecture and optax: 0.9, with "
    "optax's eps inside the root unless eps_in_sqrt=False; v starts at 0 in both",
)
def rmsprop(
    theta,
    grad,
    step,
    second_moment=Slot(degree=2),
    learning_rate=Hyper(tune="log", low=0.0),
    beta=Hyper(0.99, low=0.0, high=0.999999),
    eps=Hyper(1e-8, low=0.0, degree=1),
    decay=Hyper(0.0, low=0.0, high=1.0),
):
    rate = learning_rate * step ** (-decay)
    for i in range(theta.size):
        second_moment[i] = beta * second_moment[i] + (1.0 - beta) * grad[i] * grad[i]
        scale = sqrt(second_moment[i]) + eps
        theta[i] -= rate * grad[i] / scale if scale > 0.0 else 0.0
