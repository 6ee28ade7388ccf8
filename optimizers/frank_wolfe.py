"""Frank and Wolfe's method (1956) on the L_p ball of a given radius, without projections.

v = the point of the ball with the least g.v;  theta <- theta + 2 / (t + 1) (v - theta).

v = -radius sign(g) |g|^(q-1) / ||g||_q^(q-1) with 1/p + 1/q = 1.  Of the L1 ball (inverse_p = 1) it
is a vertex, of the L2 ball (inverse_p = 0.5) -radius g / ||g||, of the Linf ball (inverse_p = 0)
-radius sign(g).  theta is a mixture of such points: after t steps of at most t of them.
"""

from optbench import Hyper, Slot, optimizer
from optbench.elementwise import exp, log


@optimizer(
    reference="Frank, Wolfe 1956, doi:10.1002/nav.3800030109; Jaggi 2013, PMLR 28:427",
    selects="unknown",  # at rest on the ball's surface where a minimum is outside
    condition="minimizes convex objectives over the ball",
    homogeneous=True,
    default=False,
    convention="Jaggi's algorithm 1, whose rate 2 / (k + 2) counts from 0; the original has a line "
    "search; of tied coordinates of the L1 ball the first one moves",
)
def frank_wolfe(
    theta,
    grad,
    step,
    point=Slot(),
    radius=Hyper(1.0, low=0.0),
    inverse_p=Hyper(1.0, low=0.0, high=1.0),
):
    largest = 0.0
    place = 0
    for i in range(theta.size):
        if abs(grad[i]) > largest:
            largest = abs(grad[i])
            place = i
    total = 0.0
    for i in range(theta.size):
        share = abs(grad[i]) / largest if largest > 0.0 else 0.0
        if inverse_p == 1.0:
            size = 1.0 if i == place else 0.0
        elif inverse_p == 0.0:
            size = 1.0 if share > 0.0 else 0.0
        else:
            size = exp(log(share) * inverse_p / (1.0 - inverse_p))  # share^(q - 1)
        point[i] = size if grad[i] < 0.0 else -size
        total += size * share  # (||g||_q / largest)^q
    rate = 2.0 / (step + 1.0)
    if largest > 0.0:
        length = 1.0 if inverse_p in (0.0, 1.0) else exp(log(total) * inverse_p)
        for i in range(theta.size):
            theta[i] += rate * (radius * point[i] / length - theta[i])
