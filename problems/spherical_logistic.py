"""Population logistic loss of Gaussian inputs x and labels sign(v . x): no margin, no minimiser.

loss(w) = E log(1 + exp(-sign(v . x) w . x)).  It depends on w through its part along v and the
length of the rest, so that two dimensions are enough: v = (0, 1).  With x = rho (sin phi, cos phi)
the expectation is an integral over rho, of density rho exp(-rho^2 / 2), and over phi, uniform on
(-pi/2, pi/2) (x and -x have the same loss).  It becomes a weighted sum over the nodes of
Gauss-Legendre rules, those in phi crowded towards both ends, where the margin of v vanishes.

The infimum 0 is at infinity along v: gradient flow turns w towards v at the rate
||w||^(1 - 2/N) / sqrt(2 pi) for the balanced deep linear network of depth N.
"""

import math

import numpy as np

from optbench import Instance, UserError, problem
from optbench.elementwise import exp, log1p, sigmoid

FARTHEST = 8.0  # inputs of norm above it have probability exp(-32) = 1e-14
CROWDING = 3.0  # nodes lie at a distance u^3 from the ends of the interval, u those of Gauss


def weighted_logistic_loss(prediction, weight):
    """Softplus of the negative prediction times the node's weight, and its derivative."""
    loss = log1p(exp(-abs(prediction))) + max(-prediction, 0.0)
    return weight * loss, -weight * sigmoid(-prediction)


@problem(
    reference="Lin, Sun, Zhang 2021, NeurIPS 34; Lin and Zhang 2021, arXiv:2105.03879",
    references=("minimizer",),
    metrics=(),
    default=(),
)
def spherical_logistic(angle=1.2, norm=0.5, angles=400, radii=120):
    """Build the quadrature; w starts at an angle to v (radians) with a norm."""
    if not (0.0 <= angle <= math.pi and norm > 0.0):
        raise UserError(
            f"spherical_logistic: angle={angle:g} must be in [0, pi] and norm={norm:g} positive"
        )
    if angles < 2 or angles % 2 or radii < 1:
        raise UserError(
            f"spherical_logistic: angles={angles} must be even and radii={radii} positive"
        )
    nodes, weights = quadrature(angles, radii)
    return Instance(
        problem="spherical_logistic",
        name=f"gaussian_{angles}x{radii}",
        features=nodes,
        targets=weights,
        kind="classification",
        row=weighted_logistic_loss,
        references={"minimizer": direction},
        optimal_value=float,
        # the Hessian at 0, where sigmoid' is 1/4 everywhere, is E x x^T / 4
        smoothness=lambda: 0.25,
        start=norm * np.array([math.sin(angle), math.cos(angle)]),
        facts={"n": len(weights), "d": 2, "source": f"quadrature {angles} x {radii}"},
    )


def quadrature(angles, radii):
    """Nodes x (angles * radii, 2) in the half plane v . x > 0 and their weights."""
    u, weight = (np.array(part) / 2.0 for part in np.polynomial.legendre.leggauss(angles // 2))
    distance = 0.5 * math.pi * (u + 0.5) ** CROWDING  # from the nearer end of the interval
    phi = np.concatenate([distance - 0.5 * math.pi, (0.5 * math.pi - distance)[::-1]])
    part = 0.5 * CROWDING * weight * (u + 0.5) ** (CROWDING - 1.0)  # of a density of integral 1
    t, step = np.polynomial.legendre.leggauss(radii)
    rho = 0.5 * FARTHEST * (1.0 + t)
    density = 0.5 * FARTHEST * step * rho * np.exp(-0.5 * rho**2)
    nodes = rho[:, None, None] * np.stack([np.sin(phi), np.cos(phi)], axis=1)
    weights = np.outer(density, np.concatenate([part, part[::-1]]))
    return nodes.reshape(-1, 2), weights.ravel()


def direction():
    """v: along it alone the loss falls to its infimum, since only v labels every input right."""
    from optbench.references import Reference

    return Reference(
        name="minimizer",
        kind="minimizer",
        norm=None,
        solution=np.array([0.0, 1.0]),
        value=0.0,
        bound=0.0,
        gap=0.0,
        dual=np.zeros(0),
        unique=True,
    )
