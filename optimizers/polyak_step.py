"""Gradient descent with Polyak's step size (Polyak 1969): the optimal loss, but no learning rate.

theta <- theta - relaxation (loss - optimal_loss) / ||g||^2 g.

relaxation = 1 is Polyak's choice: the step lands where the tangent reaches the optimal loss.  On a
quadratic 2 is the step that ends nearest to the minimizer; below it, and unless the curvatures are
all alike, the path is chaotic: it amplifies rounding errors from step to step, while the loss falls
faster.
"""

from optbench import Hyper, optimizer


@optimizer(
    reference="Polyak 1969, doi:10.1016/0041-5553(69)90061-5; Hazan, Kakade 2019, arXiv:1905.00313",
    selects={"nonseparable": "l2", "regression": "l2"},
    condition="from zero: steps stay in the span of the data",
    homogeneous=True,
    default=False,
    convention="the papers and optax: relaxation = 1; optax.polyak_sgd caps the rate at 1 and "
    "stops at ||g||^2 <= 2.2e-16, this does neither; SPS with c = 1/2 (arXiv:2002.10542) is "
    "relaxation 2",
)
def polyak_step(theta, grad, loss, optimal_loss, relaxation=Hyper(1.0, low=0.0, high=2.0)):
    square = 0.0
    for i in range(theta.size):
        square += grad[i] * grad[i]
    # at the minimum rounding may put the loss below its optimum
    gap = max(loss - optimal_loss, 0.0)
    rate = relaxation * gap / square if square > 0.0 else 0.0
    for i in range(theta.size):
        theta[i] -= rate * grad[i]
