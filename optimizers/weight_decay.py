"""Gradient descent with weight decay (Krogh and Hertz 1991).

theta <- theta - learning_rate (g + weight_decay theta).

Gradient descent on objective + weight_decay / 2 ||theta||^2.  Without momentum or preconditioning
coupled weight decay (the penalty's gradient is added to g) and decoupled weight decay (theta
shrinks by the factor 1 - learning_rate weight_decay) are the same step; for Adam they are not.
"""

from optbench import Hyper, optimizer


@optimizer(
    reference="Krogh, Hertz 1991, https://papers.nips.cc/paper/563; coupled and decoupled: "
    "Loshchilov, Hutter 2019, arXiv:1711.05101",
    condition="minimizes the penalized objective: near the least norm or max margin in L2 when "
    "the parametrization is linear, weight_decay -> 0 and steps >> 1 / weight_decay",
    homogeneous=True,
    fixed_point=False,  # theta shrinks
    default=False,
    convention="torch's SGD(weight_decay=) and optax.add_decayed_weights before sgd: coupled; "
    "decoupled decay is the same step here, but not with momentum or in adamw",
)
def weight_decay(
    theta,
    grad,
    learning_rate=Hyper(tune="log", low=0.0, degree=-1),
    weight_decay=Hyper(1e-3, low=0.0, degree=1),
):
    for i in range(theta.size):
        theta[i] -= learning_rate * (grad[i] + weight_decay * theta[i])
