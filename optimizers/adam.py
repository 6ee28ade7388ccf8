"""Adam (Kingma and Ba 2015).

m <- beta1 m + (1 - beta1) g;  v <- beta2 v + (1 - beta2) g^2;
theta <- theta - learning_rate t^-decay m_hat / (sqrt(v_hat) + eps),
with m_hat = m / (1 - beta1^t), v_hat = v / (1 - beta2^t) when bias_correction = 1, else m and v.
"""

from math import sqrt

from optbench import Hyper, Slot, optimizer


def selected(kind, beta1, beta2, eps, decay):
    """In the end eps outweighs the root of v; without it each entry moves by about the rate."""
    if kind not in ("classification", "multiclass"):
        return None
    if eps == 0.0:
        return "linf" if beta1 <= beta2 and decay > 0.0 else None
    known = kind == "classification" and beta1**4 < beta2 and decay == 0.0
    return "l2" if known else None


@optimizer(
    reference="Kingma and Ba 2015, arXiv:1412.6980; separable data: eps = 0: Zhang, "
    "Zou, Cao 2024, arXiv:2406.10650, of several classes Fan, Schmidt, Thrampoulidis 2025, "
    "arXiv:2502.04664; eps > 0: Wang, Meng, Chen, Liu 2021, arXiv:2012.06244, and "
    "Wang, Meng, Zhang, Sun, Chen, Ma, Liu 2022, arXiv:2110.03891",
    selects=selected,
    as_theorem_asks={
        "classification": {"eps": 0.0, "decay": 0.5, "beta2": 0.99},
        "multiclass": {"eps": 0.0, "decay": 0.5, "beta2": 0.99},
    },
    condition="separable data; linf: eps = 0, beta1 <= beta2, learning rate t^-decay, 0 < decay <= "
    "1; l2: eps > 0, beta1^4 < beta2, constant, small enough learning_rate, and gradients that "
    "have become small against eps",
    homogeneous=True,
    convention="the paper, torch and optax: eps outside the root of the corrected v_hat; Keras "
    "and the paper's faster form add it before the correction, optax's eps_root is inside the root",
)
def adam(
    theta,
    grad,
    step,
    momentum=Slot(degree=1),
    second_moment=Slot(degree=2),
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
        scale = sqrt(correction * second_moment[i]) + eps
        theta[i] -= rate * momentum[i] / scale if scale > 0.0 else 0.0
