"""Adam with D-Adaptation (Defazio, Mishchenko 2023): it estimates its learning rate as it goes.

With the estimate d of ||theta_0 - theta*||_inf, from first_estimate on, and
r = learning_rate d, times sqrt(1 - beta2^t) / (1 - beta1^t) when bias_correction = 1:
a <- b a + (1 - b) r <g, s / (sqrt(v) + eps)>,  b = sqrt(beta2);
m <- beta1 m + (1 - beta1) r g;  v <- beta2 v + (1 - beta2) g^2;  s <- b s + (1 - b) r g;
d <- max(d, a / ((1 - b) ||s||_1));  theta <- theta - m / (sqrt(v) + eps).
"""

from math import sqrt

from optbench import Hyper, Slot, optimizer


@optimizer(
    reference="Defazio, Mishchenko 2023, arXiv:2301.07733",
    condition="the paper has no theorem on it, and names no solution",
    homogeneous=True,
    default=False,
    convention="the authors' DAdaptAdam: no bias correction, growth not bounded, and v in a as it "
    "was before this step",
)
def d_adaptation_adam(
    theta,
    grad,
    step,
    momentum=Slot(degree=1),
    second_moment=Slot(degree=2),
    path=Slot(degree=1),
    estimate=Slot(shape=1),
    progress=Slot(shape=1, degree=1),
    learning_rate=Hyper(1.0, low=0.0),
    beta1=Hyper(0.9, low=0.0, high=0.999999),
    beta2=Hyper(0.999, low=0.0, high=0.999999),
    eps=Hyper(1e-8, low=0.0, degree=1),
    first_estimate=Hyper(1e-6, low=1e-100),
    bias_correction=Hyper(0.0, low=0.0, high=1.0),
):
    if step == 1:
        estimate[0] = first_estimate
    rate = learning_rate * estimate[0] * sqrt(1.0 - bias_correction * beta2**step)
    rate /= 1.0 - bias_correction * beta1**step
    keep = sqrt(beta2)
    along = 0.0
    length = 0.0
    for i in range(theta.size):
        scale = sqrt(second_moment[i]) + eps
        along += grad[i] * path[i] / scale if scale > 0.0 else 0.0
        momentum[i] = beta1 * momentum[i] + (1.0 - beta1) * rate * grad[i]
        second_moment[i] = beta2 * second_moment[i] + (1.0 - beta2) * grad[i] * grad[i]
        path[i] = keep * path[i] + (1.0 - keep) * rate * grad[i]
        length += abs(path[i])
    progress[0] = keep * progress[0] + (1.0 - keep) * rate * along
    if length > 0.0:
        estimate[0] = max(estimate[0], progress[0] / ((1.0 - keep) * length))
    for i in range(theta.size):
        scale = sqrt(second_moment[i]) + eps
        theta[i] -= momentum[i] / scale if scale > 0.0 else 0.0
