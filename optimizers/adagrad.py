"""AdaGrad, diagonal (Duchi, Hazan, Singer 2011).

a <- a + g^2;  theta <- theta - learning_rate g / (sqrt(a) + eps).
"""

from math import sqrt

from optbench import Hyper, Slot, optimizer


@optimizer(
    reference="Duchi, Hazan, Singer 2011, JMLR 12:2121; bias: Qian, Qian 2019, arXiv:1906.03559",
    condition="its limit depends on the whole path: a is the metric in which it minimizes",
    homogeneous=True,
    convention="torch and the paper: the sum starts at 0, eps (torch's 1e-10) is outside the "
    "root; optax starts it at 0.1, with eps = 1e-7 inside the root",
)
def adagrad(
    theta,
    grad,
    accumulator=Slot(degree=2),
    learning_rate=Hyper(tune="log", low=0.0),
    eps=Hyper(1e-10, low=0.0, degree=1),
):
    for i in range(theta.size):
        accumulator[i] += grad[i] * grad[i]
        scale = sqrt(accumulator[i]) + eps
        theta[i] -= learning_rate * grad[i] / scale if scale > 0.0 else 0.0
