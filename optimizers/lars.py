"""LARS, layer-wise adaptive rate scaling (You, Gitman, Ginsburg 2017).

For each weight matrix W with gradient G:
r = trust ||W||_F / (||G||_F + weight_decay ||W||_F);
V <- momentum V + learning_rate r (G + weight_decay W);  W <- W - V.

Every matrix moves by a share of its own norm; where that is less than smallest, as at a start from
zero, by a share of smallest.
"""

from math import sqrt

from optbench import Hyper, Slot, optimizer


def selected(weight_decay):
    """With weight decay it comes to rest elsewhere."""
    return "unknown" if weight_decay > 0.0 else None


@optimizer(
    reference="You, Gitman, Ginsburg 2017, arXiv:1708.03888",
    selects=selected,
    condition="the paper names no solution",
    homogeneous=True,
    symmetries=("sign",),  # exchanging entries of different matrices changes their norms
    default=False,
    convention="the paper, but for smallest: its formula leaves a zero matrix where it is; optax "
    "moves one by learning_rate G, and divides by ||G + weight_decay W||",
)
def lars(
    theta,
    grad,
    layers,
    velocity=Slot(),
    learning_rate=Hyper(tune="log", low=0.0),
    momentum=Hyper(0.9, low=0.0, high=1.0),
    weight_decay=Hyper(0.0, low=0.0, degree=1),
    trust=Hyper(1e-3, low=0.0),
    smallest=Hyper(1e-3, low=0.0),
):
    for k in range(layers.shape[0]):
        offset, end = layers[k, 0], layers[k, 0] + layers[k, 1] * layers[k, 2]
        weights = 0.0
        slopes = 0.0
        for i in range(offset, end):
            weights += theta[i] * theta[i]
            slopes += grad[i] * grad[i]
        size = max(sqrt(weights), smallest)
        scale = sqrt(slopes) + weight_decay * sqrt(weights)
        rate = learning_rate * trust * size / scale if scale > 0.0 else 0.0
        for i in range(offset, end):
            velocity[i] = momentum * velocity[i] + rate * (grad[i] + weight_decay * theta[i])
            theta[i] -= velocity[i]
