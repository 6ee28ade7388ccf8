"""AMSGrad: Adam whose denominators never shrink (Reddi, Kale, Kumar 2018).

m <- beta1 m + (1 - beta1) g;  v <- beta2 v + (1 - beta2) g^2;  v_max <- max(v_max, v);
theta <- theta - learning_rate t^-decay m_hat / (sqrt(v_hat) + eps),
with m_hat = m / (1 - beta1^t), v_hat = v_max / (1 - beta2^t) when bias_correction = 1, else m and
v_max.
"""

from math import sqrt

from optbench import Hyper, Slot, optimizer


@optimizer(
    reference="Reddi, Kale, Kumar 2018, arXiv:1904.09237",
    condition="the paper bounds the regret on convex objectives, and names no solution",
    homogeneous=True,
    default=False,
    convention="torch: bias is corrected after the maximum; optax takes the maximum of corrected "
    "moments; the paper does not correct (bias_correction = 0) and has a rate t^-1/2",
)
def amsgrad(
    theta,
    grad,
    step,
    momentum=Slot(degree=1),
    second_moment=Slot(degree=2),
    largest=Slot(degree=2),
    learning_rate=Hyper(tune="log", low=0.0),
    beta1=Hyper(0.9, low=0.0, high=0.999999),
    beta2=Hyper(0.999, low=0.0, high=0.999999),
    eps=Hyper(1e-8, low=0.0, degree=1),
    decay=Hyper(0.0, low=0.0, high=1.0),
    bias_correction=Hyper(1.0, low=0.0, high=1.0),
):
    rate = learning_rate * step ** (-decay) / (1.0 - bias_correction * beta1**step)
    correction = 1.0 / (1.0 - bias_correction * beta2**step)
    for i in range(theta.size):
        momentum[i] = beta1 * momentum[i] + (1.0 - beta1) * grad[i]
        second_moment[i] = beta2 * second_moment[i] + (1.0 - beta2) * grad[i] * grad[i]
        largest[i] = max(largest[i], second_moment[i])
        scale = sqrt(correction * largest[i]) + eps
        theta[i] -= rate * momentum[i] / scale if scale > 0.0 else 0.0
