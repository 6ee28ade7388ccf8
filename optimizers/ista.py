"""Proximal gradient descent, ISTA (Combettes, Wajs 2005; Beck, Teboulle 2009).

theta <- prox(theta - learning_rate grad f),  where the objective is f + penalty.

The gradient is that of the smooth part f; the penalty is met by its prox, exactly.
"""

from optbench import Hyper, optimizer
from optbench.proximal import apply_prox


@optimizer(
    reference="Combettes, Wajs 2005, doi:10.1137/050626090; "
    "Beck, Teboulle 2009, doi:10.1137/080716542",
    condition="learning_rate <= 1 / L, L the smoothness of f",
    homogeneous=True,
    default=False,
)
def ista(theta, smooth_grad, prox, learning_rate=Hyper(tune="log", low=0.0, degree=-1)):
    for i in range(theta.size):
        theta[i] -= learning_rate * smooth_grad[i]
    apply_prox(prox, theta, learning_rate)
