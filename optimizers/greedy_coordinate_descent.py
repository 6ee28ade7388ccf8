"""Greedy coordinate descent (Gauss-Southwell): steepest descent in the L1 norm.

k = argmax_i |g_i|;  theta_k <- theta_k - learning_rate g_k.

Of several largest entries the first one moves.  ``coordinate_descent`` is its boosting form, whose
step length is prescribed.
"""

from optbench import Hyper, optimizer


@optimizer(
    reference="Gunasekar, Lee, Soudry, Srebro 2018, arXiv:1802.08246; "
    "rate: Nutini, Schmidt, Laradji, Friedlander, Koepke 2015, arXiv:1506.00552",
    selects={"classification": "l1"},
    condition="separable data, constant, small enough learning_rate",
    homogeneous=True,
    symmetries=("sign",),  # a tie between coordinates is broken by their order
    default=False,
)
def greedy_coordinate_descent(theta, grad, learning_rate=Hyper(tune="log", low=0.0, degree=-1)):
    largest = 0
    for i in range(theta.size):
        if abs(grad[i]) > abs(grad[largest]):
            largest = i
    theta[largest] -= learning_rate * grad[largest]
