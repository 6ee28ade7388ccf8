"""LAMB: Adam whose every weight matrix moves by a share of its own norm (You et al. 2020).

m <- beta1 m + (1 - beta1) g;  v <- beta2 v + (1 - beta2) g^2;
for each weight matrix W:  U = m_hat / (sqrt(v_hat) + eps) + weight_decay W;
W <- W - learning_rate ||W||_F / ||U||_F U,  without the quotient where one of the norms is 0,
with m_hat = m / (1 - beta1^t), v_hat = v / (1 - beta2^t).
"""

from math import sqrt

from optbench import Hyper, Slot, optimizer


def selected(weight_decay):
    """With weight decay it comes to rest elsewhere."""
    return "unknown" if weight_decay > 0.0 else None


@optimizer(
    reference="You, Li, Reddi, Hseu, Kumar, Bhojanapalli, Song, Demmel, Keutzer, Hsieh 2020, "
    "arXiv:1904.00962",
    selects=selected,
    condition="the paper has rates of convergence to stationary points, and no solution",
    homogeneous=True,
    symmetries=("sign",),  # exchanging entries of different matrices changes their norms
    default=False,
    convention="the paper's algorithm 2 with phi(z) = z; eps and what is done where a norm is 0 as "
    "in optax; other codes clip the norms at 10 and do not correct bias",
)
def lamb(
    theta,
    grad,
    step,
    layers,
    momentum=Slot(degree=1),
    second_moment=Slot(degree=2),
    direction=Slot(),
    learning_rate=Hyper(tune="log", low=0.0),
    weight_decay=Hyper(0.0, low=0.0),
    beta1=Hyper(0.9, low=0.0, high=0.999999),
    beta2=Hyper(0.999, low=0.0, high=0.999999),
    eps=Hyper(1e-6, low=0.0, degree=1),
):
    first = 1.0 / (1.0 - beta1**step)
    second = 1.0 / (1.0 - beta2**step)
    for i in range(theta.size):
        momentum[i] = beta1 * momentum[i] + (1.0 - beta1) * grad[i]
        second_moment[i] = beta2 * second_moment[i] + (1.0 - beta2) * grad[i] * grad[i]
        scale = sqrt(second * second_moment[i]) + eps
        direction[i] = first * momentum[i] / scale if scale > 0.0 else 0.0
        direction[i] += weight_decay * theta[i]
    for k in range(layers.shape[0]):
        offset, end = layers[k, 0], layers[k, 0] + layers[k, 1] * layers[k, 2]
        weights = 0.0
        moves = 0.0
        for i in range(offset, end):
            weights += theta[i] * theta[i]
            moves += direction[i] * direction[i]
        both = weights > 0.0 and moves > 0.0
        rate = learning_rate * sqrt(weights / moves) if both else learning_rate
        for i in range(offset, end):
            theta[i] -= rate * direction[i]
