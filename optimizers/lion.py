"""Lion, evolved sign momentum (Chen et al. 2023).

c = beta1 m + (1 - beta1) g;  theta <- theta - learning_rate (sign(c) + weight_decay theta);
m <- beta2 m + (1 - beta2) g,  sign(0) = 0.

With weight decay it minimizes subject to ||theta||_inf <= 1 / weight_decay (Chen, Liu, Liang, Liu).
"""

from optbench import Hyper, Slot, optimizer


def selected(weight_decay):
    """With weight decay it comes to rest in a box; without, no paper names a solution."""
    return "unknown" if weight_decay > 0.0 else None


@optimizer(
    reference="Chen, Liang, Huang, Real, Wang, Liu, Pham, Dong, Luong, Hsieh, Lu, Le 2023, "
    "arXiv:2302.06675; bias: Chen, Liu, Liang, Liu 2023, arXiv:2310.05898",
    selects=selected,
    condition="weight_decay > 0: stationary points of min loss subject to ||theta||_inf <= "
    "1 / weight_decay; a constant rate ends in a cycle of its own size",
    homogeneous=True,
    default=False,
    convention="the paper and optax: theta shrinks by learning_rate weight_decay, whose default "
    "is 0 as in the authors' code; optax's is 1e-3",
)
def lion(
    theta,
    grad,
    momentum=Slot(degree=1),
    learning_rate=Hyper(tune="log", low=0.0),
    weight_decay=Hyper(0.0, low=0.0),
    beta1=Hyper(0.9, low=0.0, high=1.0),
    beta2=Hyper(0.99, low=0.0, high=1.0),
):
    for i in range(theta.size):
        mixed = beta1 * momentum[i] + (1.0 - beta1) * grad[i]
        momentum[i] = beta2 * momentum[i] + (1.0 - beta2) * grad[i]
        sign = 1.0 if mixed > 0.0 else (-1.0 if mixed < 0.0 else 0.0)
        theta[i] -= learning_rate * (sign + weight_decay * theta[i])
