"""Hypergradient tower: gradient descent on its own learning rate (Almeida et al. 1999).

Level 2:  rate2_t = rate2_{t-1} + kappa2 (g_t . g_{t-1}) (g_{t-1} . g_{t-2});
level 1:  rate_t = rate_{t-1} + rate2_t (g_t . g_{t-1});
level 0:  theta <- theta - rate_t g_t,
from rate_0 = learning_rate and rate2_0 = kappa, with gradients measured in ``unit``.

d loss(theta_t) / d rate_{t-1} = -g_t . g_{t-1}, and so on upwards.  kappa2 = 0 is the tower of
height 1, kappa = kappa2 = 0 gradient descent.
"""

from optbench import Hyper, Slot, optimizer


@optimizer(
    reference="Chandra, Xie, Ragan-Kelley, Meijer 2022, arXiv:1909.13371; "
    "height 1: Baydin, Cornish, Rubio, Schmidt, Wood 2018, arXiv:1703.04782",
    selects={"nonseparable": "l2", "regression": "l2"},
    condition="from zero (steps stay in the span of the data), where it converges",
    homogeneous=True,
    default=False,
    convention="the papers' additive rule, in which a rate is updated before the step that uses "
    "it; Baydin et al. also have a multiplicative one",
)
def hypergradient(
    theta,
    grad,
    step,
    last_grad=Slot(degree=1),
    rate=Slot(shape=1, degree=-1),
    rate2=Slot(shape=1),
    last_product=Slot(shape=1),
    learning_rate=Hyper(tune="log", low=0.0, degree=-1),
    kappa=Hyper(1e-5, low=0.0),
    kappa2=Hyper(1e-13, low=0.0),
    unit=Hyper(1.0, low=1e-300, degree=1),
):
    if step == 1:
        rate[0] = learning_rate
        rate2[0] = kappa
    product = 0.0
    for i in range(theta.size):
        product += (grad[i] / unit) * (last_grad[i] / unit)
    rate2[0] += kappa2 * product * last_product[0]
    rate[0] += rate2[0] * product / unit
    last_product[0] = product
    for i in range(theta.size):
        last_grad[i] = grad[i]
        theta[i] -= rate[0] * grad[i]
