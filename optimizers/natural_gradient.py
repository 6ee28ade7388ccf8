"""Natural gradient with the Fisher metric F of the start (Amari 1998).

theta <- theta - learning_rate F^+ g.

For linear regression with the linear parametrization F is constant and this is the exact natural
gradient; for logistic regression it keeps the metric of w = 0.  It selects the interpolant of
least norm sqrt(theta^T F theta), and the max margin in that norm.
"""

from optbench import Hyper, Slot, optimizer


@optimizer(
    reference="Amari 1998, doi:10.1162/089976698300017746; "
    "bias: Amari, Ba, Grosse, Li, Nitanda, Suzuki, Wu, Xu 2020, arXiv:2006.10732",
    selects={"classification": "fisher", "regression": "l2"},
    condition="linear parametrization from zero, learning_rate < 2 / L in the metric F, constant",
    homogeneous=True,
)
def natural_gradient(
    theta,
    grad,
    inverse_fisher,
    direction=Slot(degree=1),
    learning_rate=Hyper(tune="log", low=0.0, degree=-1),
):
    for i in range(theta.size):
        direction[i] = 0.0
    # F^+ is symmetric: going along its rows reads memory in order
    for j in range(theta.size):
        for i in range(theta.size):
            direction[i] += inverse_fisher[j, i] * grad[j]
    for i in range(theta.size):
        theta[i] -= learning_rate * direction[i]
