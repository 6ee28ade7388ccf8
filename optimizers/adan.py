"""Adan, adaptive Nesterov momentum (Xie, Zhou, Li, Lin, Yan 2022).

With d = g - last g (0 in the first step):
m <- beta1 m + (1 - beta1) g;  v <- beta2 v + (1 - beta2) d;
n <- beta3 n + (1 - beta3) (g + beta2 d)^2;
theta <- theta - learning_rate (m_hat + beta2 v_hat) / (sqrt(n_hat) + eps),
with m_hat = m / (1 - beta1^t), v_hat = v / (1 - beta2^t), n_hat = n / (1 - beta3^t).
"""

from math import sqrt

from optbench import Hyper, Slot, optimizer


@optimizer(
    reference="Xie, Zhou, Li, Lin, Yan 2022, arXiv:2208.06677",
    condition="the paper has rates of convergence to stationary points, and no solution",
    homogeneous=True,
    default=False,
    convention="the authors' code: bias corrected, betas are what is kept (in the paper what is "
    "added, 0.02, 0.08, 0.01); optax 0.2.8 weighs d and v_hat by 1 - b2, and eps_root is 1e-8",
)
def adan(
    theta,
    grad,
    step,
    momentum=Slot(degree=1),
    difference=Slot(degree=1),
    second_moment=Slot(degree=2),
    last_grad=Slot(degree=1),
    learning_rate=Hyper(tune="log", low=0.0),
    beta1=Hyper(0.98, low=0.0, high=0.999999),
    beta2=Hyper(0.92, low=0.0, high=0.999999),
    beta3=Hyper(0.99, low=0.0, high=0.999999),
    eps=Hyper(1e-8, low=0.0, degree=1),
):
    of_momentum = 1.0 / (1.0 - beta1**step)
    of_difference = beta2 / (1.0 - beta2**step)
    of_square = 1.0 / (1.0 - beta3**step)
    for i in range(theta.size):
        changed = grad[i] - last_grad[i] if step > 1 else 0.0
        last_grad[i] = grad[i]
        ahead = grad[i] + beta2 * changed
        momentum[i] = beta1 * momentum[i] + (1.0 - beta1) * grad[i]
        difference[i] = beta2 * difference[i] + (1.0 - beta2) * changed
        second_moment[i] = beta3 * second_moment[i] + (1.0 - beta3) * ahead * ahead
        direction = of_momentum * momentum[i] + of_difference * difference[i]
        scale = sqrt(of_square * second_moment[i]) + eps
        theta[i] -= learning_rate * direction / scale if scale > 0.0 else 0.0
