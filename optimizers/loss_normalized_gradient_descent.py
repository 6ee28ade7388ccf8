"""Loss-normalized gradient descent (Ji and Telgarsky 2021).

theta <- theta - learning_rate g / loss.

For losses with an exponential tail on separable data, where g / loss tends neither to zero nor to
infinity: it is gradient descent on log loss.
"""

from optbench import Hyper, optimizer


@optimizer(
    reference="Ji, Telgarsky 2021, arXiv:1906.04540",
    selects={"classification": "l2"},
    # where a minimum is reached g / loss grows without bound
    only_for=("classification", "multiclass"),
    follows_flow=True,
    condition="separable data, ||x_i|| <= 1, constant learning_rate <= 1: margin gap O(1/t)",
    homogeneous=True,
    default=False,
)
def loss_normalized_gradient_descent(theta, grad, loss, learning_rate=Hyper(tune="log", low=0.0)):
    rate = learning_rate / loss if loss > 0.0 else 0.0
    for i in range(theta.size):
        theta[i] -= rate * grad[i]
