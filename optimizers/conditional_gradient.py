"""Conditional gradient over the set of the problem (Frank, Wolfe 1956; Levitin, Polyak 1966).

v = the point of the set with the least g.v;  theta <- theta + 2 / (t + 1) (v - theta).

v is the projection of a point far away along -g.  ``frank_wolfe`` is the same method on a ball of
its own, for objectives without a set.
"""

from optbench import Slot, optimizer
from optbench.proximal import apply_prox

FAR = 1e20  # of it numbers of order 1 are less than a rounding


@optimizer(
    reference="Frank, Wolfe 1956, doi:10.1002/nav.3800030109; Jaggi 2013, PMLR 28:427",
    condition="minimizes convex objectives over bounded sets; the paper names no solution",
    homogeneous=True,
    default=False,
    convention="Jaggi's algorithm 1, whose rate 2 / (k + 2) counts from 0; the original has a line "
    "search; of a face whose points are all least, the middle of its ends",
)
def conditional_gradient(theta, grad, step, bounded_set, point=Slot()):
    largest = 0.0
    for i in range(theta.size):
        largest = max(largest, abs(grad[i]))
    if largest > 0.0:
        for i in range(theta.size):
            point[i] = -FAR * (grad[i] / largest)
        apply_prox(bounded_set, point, 1.0)
        rate = 2.0 / (step + 1.0)
        for i in range(theta.size):
            theta[i] += rate * (point[i] - theta[i])
