"""Stochastic gradient descent (Robbins and Monro 1951), constant rate.

theta <- theta - learning_rate g_B,  g_B the gradient on ``batch`` rows drawn with replacement.

Each step stays in the span of the data.  Where every row can be fitted the noise vanishes with
the residuals, and from zero it selects what gradient descent does.
"""

from optbench import Hyper, optimizer


@optimizer(
    reference="Robbins, Monro 1951, doi:10.1214/aoms/1177729586; "
    "bias: Zhang, Bengio, Hardt, Recht, Vinyals 2017, arXiv:1611.03530; "
    "separable data: Nacson, Srebro, Soudry 2019, arXiv:1806.01796",
    selects={"classification": "l2", "regression": "l2"},
    condition="regression: from zero, rows <= features, learning_rate < 2 / max ||x_i||^2 "
    "(batch 1); separable data: constant, small enough learning_rate",
    homogeneous=True,
    default=False,
    convention="rows are drawn with replacement, as in theorems; torch's DataLoader(shuffle=True) "
    "goes through a new permutation each epoch",
)
def stochastic_gradient_descent(
    theta,
    sample_grad,
    learning_rate=Hyper(tune="log", low=0.0, degree=-1),
    batch=Hyper(1, low=1, integer=True),
):
    for i in range(theta.size):
        theta[i] -= learning_rate * sample_grad[i]
