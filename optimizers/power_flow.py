"""Steepest power flow: powers of each entry of the gradient, between sign and gradient descent.

theta <- theta - learning_rate sign(g) |g / unit|^(q-1).

q = 1 is sign descent, q = 2 gradient descent.  ``unit`` is the size of an entry at which the step
is ``learning_rate`` whatever q.  On a product of parameters the flow conserves
|theta_i|^q - |theta_j|^q, and small q leaves the saddle at zero sooner.
"""

from optbench import Hyper, optimizer
from optbench.elementwise import exp, log


@optimizer(
    reference="Jacobs, Zhou, Burkholz 2026, arXiv:2603.02064",
    condition="a flow: learning_rate -> 0; at a constant one with q < 2 it ends in a cycle of "
    "that size around a minimum",
    homogeneous=True,
    default=False,
)
def power_flow(
    theta,
    grad,
    learning_rate=Hyper(tune="log", low=0.0),
    q=Hyper(1.5, low=1.0),
    unit=Hyper(1.0, low=1e-300, degree=1),
):
    for i in range(theta.size):
        size = learning_rate * exp((q - 1.0) * log(abs(grad[i]) / unit))
        theta[i] -= size if grad[i] > 0.0 else (-size if grad[i] < 0.0 else 0.0)
