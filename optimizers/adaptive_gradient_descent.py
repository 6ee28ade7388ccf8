"""Adaptive gradient descent without descent, AdGD (Malitsky and Mishchenko 2020): nothing to tune.

rate_1 = initial_rate;  for k = 2, 3, ...
rate_k = min(sqrt(1 + rate_{k-1} / rate_{k-2}) rate_{k-1},
             ||theta_k - theta_{k-1}|| / (2 ||g_k - g_{k-1}||)), the first only from k = 3 on;
theta_{k+1} <- theta_k - rate_k g_k.

The second bound is half the inverse of the curvature that the last step met.
"""

from math import sqrt

from optbench import Hyper, Slot, optimizer


@optimizer(
    reference="Malitsky, Mishchenko 2020, arXiv:1910.09529",
    selects={"nonseparable": "l2", "regression": "l2"},
    condition="convex and locally smooth objective; from zero: steps stay in the span",
    homogeneous=True,
    default=False,
    convention="the paper of 2020 with the authors' initial rate 1e-6; their AdGD of 2023 "
    "(arXiv:2308.02261) has other constants, and longer steps",
)
def adaptive_gradient_descent(
    theta,
    grad,
    step,
    last_theta=Slot(),
    last_grad=Slot(degree=1),
    rate=Slot(shape=1, degree=-1),
    growth=Slot(shape=1),
    initial_rate=Hyper(1e-6, low=1e-300, degree=-1),
):
    moved = 0.0
    changed = 0.0
    for i in range(theta.size):
        moved += (theta[i] - last_theta[i]) * (theta[i] - last_theta[i])
        changed += (grad[i] - last_grad[i]) * (grad[i] - last_grad[i])
    last_rate = rate[0]
    if step == 1:
        rate[0] = initial_rate
    elif step == 2 and changed > 0.0:
        rate[0] = 0.5 * sqrt(moved / changed)
    elif step > 2:
        rate[0] = sqrt(1.0 + growth[0]) * last_rate
        if changed > 0.0:
            rate[0] = min(rate[0], 0.5 * sqrt(moved / changed))
    growth[0] = rate[0] / last_rate if last_rate > 0.0 else 0.0
    for i in range(theta.size):
        last_theta[i] = theta[i]
        last_grad[i] = grad[i]
        theta[i] -= rate[0] * grad[i]
