"""Heavy ball (Polyak 1964).

v <- momentum v + g;  theta <- theta - learning_rate v.

On a quadratic with curvatures in [mu, L] the fastest choice is
learning_rate = 4 / (sqrt L + sqrt mu)^2, momentum = ((sqrt L - sqrt mu) / (sqrt L + sqrt mu))^2.
"""

from optbench import Hyper, Slot, optimizer


def selected(kind, momentum):
    """From zero steps stay in the span of the data; on separable data the max margin in L2."""
    if kind == "partly_separable":  # a theorem for gradient descent, which it is without momentum
        return "direction" if momentum == 0.0 else None
    known = kind in ("classification", "nonseparable", "regression")
    return "l2" if known and momentum < 1.0 else None


@optimizer(
    reference="Polyak 1964, doi:10.1016/0041-5553(64)90137-5; "
    "bias: Wang, Meng, Zhang, Sun, Chen, Ma, Liu 2022, arXiv:2110.03891",
    selects=selected,
    follows_flow=True,
    condition="momentum < 1, learning_rate < 2 (1 + momentum) / L on a quadratic, constant",
    homogeneous=True,
    convention="torch and optax: the rate multiplies the whole velocity; Polyak's momentum (theta "
    "- last theta) is the same path at a constant rate; torch's dampening is 0",
)
def heavy_ball(
    theta,
    grad,
    velocity=Slot(degree=1),
    learning_rate=Hyper(tune="log", low=0.0, degree=-1),
    momentum=Hyper(0.9, low=0.0, high=1.0),
):
    for i in range(theta.size):
        velocity[i] = momentum * velocity[i] + grad[i]
        theta[i] -= learning_rate * velocity[i]
