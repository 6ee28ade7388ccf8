"""Natural gradient (Amari 1998): the gradient in the metric of the Fisher matrix F.

theta <- theta - learning_rate F^+ g,  F = J^T F_w J,  J = dw/dtheta.

F_w is the Fisher matrix of the predictor w = 0, constant: X^T X / n for linear regression, where
this is the Gauss-Newton method.  To first order in the learning rate w moves by -F_w^+ dL/dw
whatever its parametrization, and selects the interpolant of least norm sqrt(w^T F_w w), or the
max margin in that norm.
"""

from optbench import Hyper, optimizer


@optimizer(
    reference="Amari 1998, doi:10.1162/089976698300017746; "
    "bias: Amari, Ba, Grosse, Li, Nitanda, Suzuki, Wu, Xu 2020, arXiv:2006.10732; "
    "parametrizations: Kerekes, Meszaros, Huszar 2021, arXiv:2111.11542",
    selects={"classification": "fisher", "nonseparable": "l2", "regression": "l2"},
    condition="from zero, learning_rate < 2 / L in the metric F, constant",
    homogeneous=True,
    convention="the pseudo-inverse of F without damping; Martens and Grosse (K-FAC, "
    "arXiv:1503.05671) add damping to F",
)
def natural_gradient(theta, natural_grad, learning_rate=Hyper(tune="log", low=0.0, degree=-1)):
    for i in range(theta.size):
        theta[i] -= learning_rate * natural_grad[i]
