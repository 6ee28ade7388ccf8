"""Prodigy (Mishchenko and Defazio 2023): Adam that estimates its learning rate as it goes.

With the estimate d of ||theta_0 - theta*||_inf, from first_estimate on, and
r = learning_rate d, times sqrt(1 - beta2^t) / (1 - beta1^t) when bias_correction = 1:
a <- beta3 a + r d <g, theta_0 - theta>;  s <- beta3 s + r d g,  beta3 = sqrt(beta2);
m <- beta1 m + (1 - beta1) d g;  v <- beta2 v + (1 - beta2) d^2 g^2;
d <- max(d, growth a / ||s||_1);  theta <- theta - r m / (sqrt(v) + d eps).
"""

from math import sqrt

from optbench import Hyper, Slot, optimizer


@optimizer(
    reference="Mishchenko, Defazio 2023, arXiv:2306.06101",
    condition="the paper has rates of convergence, and names no solution",
    homogeneous=True,
    default=False,
    convention="the paper's algorithm 4 and the authors' code, which has bias_correction = 0; "
    "optax corrects bias; d is the old one in the step, the new one beside eps, as in both codes",
)
def prodigy(
    theta,
    grad,
    step,
    start=Slot(),
    momentum=Slot(degree=1),
    second_moment=Slot(degree=2),
    gradients=Slot(degree=1),
    estimate=Slot(shape=1),
    progress=Slot(shape=1, degree=1),
    learning_rate=Hyper(1.0, low=0.0),
    beta1=Hyper(0.9, low=0.0, high=0.999999),
    beta2=Hyper(0.999, low=0.0, high=0.999999),
    eps=Hyper(1e-8, low=0.0, degree=1),
    first_estimate=Hyper(1e-6, low=1e-100),
    growth=Hyper(1.0, low=0.0),
    bias_correction=Hyper(0.0, low=0.0, high=1.0),
):
    if step == 1:
        estimate[0] = first_estimate
    d = estimate[0]
    rate = learning_rate * d * sqrt(1.0 - bias_correction * beta2**step)
    rate /= 1.0 - bias_correction * beta1**step
    # s and a in units of first_estimate^2, as in the authors' code: only their quotient counts
    weight = d / first_estimate * (rate / first_estimate)
    beta3 = sqrt(beta2)
    along = 0.0
    length = 0.0
    for i in range(theta.size):
        if step == 1:
            start[i] = theta[i]
        along += grad[i] * (start[i] - theta[i])
        gradients[i] = beta3 * gradients[i] + weight * grad[i]
        length += abs(gradients[i])
        momentum[i] = beta1 * momentum[i] + (1.0 - beta1) * d * grad[i]
        second_moment[i] = beta2 * second_moment[i] + (1.0 - beta2) * d * grad[i] * (d * grad[i])
    progress[0] = beta3 * progress[0] + weight * along
    if length > 0.0:
        estimate[0] = max(d, growth * progress[0] / length)
    for i in range(theta.size):
        scale = sqrt(second_moment[i]) + estimate[0] * eps
        theta[i] -= rate * momentum[i] / scale if scale > 0.0 else 0.0
