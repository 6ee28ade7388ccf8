"""Exponentiated gradient, unnormalized (Kivinen and Warmuth 1997), on a positive theta.

theta <- theta exp(-learning_rate g).

Mirror descent with the potential sum theta (log theta - 1): log theta - log theta_0 stays in the
span of the data, so that the limit is the feasible point nearest to theta_0 in relative entropy.
"""

from optbench import Hyper, optimizer
from optbench.elementwise import exp


@optimizer(
    reference="Kivinen, Warmuth 1997, doi:10.1006/inco.1996.2612",
    selects={"linear_program": "entropic"},
    condition="A theta = b with a positive solution, learning_rate small enough to converge",
    homogeneous=True,
    symmetries=("permutation",),
    start="positive",
    convention="EGU of the paper; its EG, also called multiplicative weights, divides theta by "
    "its sum after each step",
)
def exponentiated_gradient(theta, grad, learning_rate=Hyper(tune="log", low=0.0, degree=-1)):
    for i in range(theta.size):
        # a factor within e^+-700 is finite, so that a theta that has underflowed stays 0, not nan
        theta[i] *= exp(min(max(-learning_rate * grad[i], -700.0), 700.0))
