"""AdamW: Adam with decoupled weight decay (Loshchilov and Hutter 2019).

m <- beta1 m + (1 - beta1) g;  v <- beta2 v + (1 - beta2) g^2;
theta <- theta - learning_rate t^-decay (m_hat / (sqrt(v_hat) + eps) + weight_decay theta),
with m_hat = m / (1 - beta1^t), v_hat = v / (1 - beta2^t).

Decoupled: the penalty's gradient does not enter m and v.
"""

from math import sqrt

from optbench import Hyper, Slot, optimizer


@optimizer(
    reference="Loshchilov, Hutter 2019, arXiv:1711.05101; bias: Xie, Li 2024, arXiv:2404.04454",
    condition="where it converges: a KKT point of min loss subject to ||theta||_inf <= "
    "1 / weight_decay",
    homogeneous=True,
    fixed_point=False,  # theta shrinks
    default=False,
    convention="torch and optax: theta shrinks by learning_rate weight_decay; in the paper by the "
    "schedule's factor times weight_decay; defaults of weight_decay: torch 0.01 (as here), optax "
    "1e-4",
)
def adamw(
    theta,
    grad,
    step,
    momentum=Slot(degree=1),
    second_moment=Slot(degree=2),
    learning_rate=Hyper(tune="log", low=0.0),
    weight_decay=Hyper(0.01, low=0.0),
    beta1=Hyper(0.9, low=0.0, high=0.999999),
    beta2=Hyper(0.999, low=0.0, high=0.999999),
    eps=Hyper(1e-8, low=0.0, degree=1),
    decay=Hyper(0.0, low=0.0, high=1.0),
):
    rate = learning_rate * step ** (-decay)
    scaling = rate / (1.0 - beta1**step)
    correction = 1.0 / (1.0 - beta2**step)
    for i in range(theta.size):
        momentum[i] = beta1 * momentum[i] + (1.0 - beta1) * grad[i]
        second_moment[i] = beta2 * second_moment[i] + (1.0 - beta2) * grad[i] * grad[i]
        scale = sqrt(correction * second_moment[i]) + eps
        direction = momentum[i] / scale if scale > 0.0 else 0.0
        theta[i] -= scaling * direction + rate * weight_decay * theta[i]
