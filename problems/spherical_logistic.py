"""Population logistic loss of Gaussian inputs x and labels sign(v . x): no margin, no minimiser.

loss(w) = E log(1 + exp(-sign(v . x) w . x)).  It depends on w through its part along v and the
length of the rest, so that two dimensions are enough: v = (0, 1).  With x = rho (sin phi, cos phi)
the expectation is an integral over rho, of density rho exp(-rho^2 / 2), and over phi, uniform on
(-pi/2, pi/2) (x and -x have the same loss).  It becomes a weighted sum over the nodes of
Gauss-Legendre rules, those in phi crowded towards both ends, where the margin of v vanishes.

With ``samples`` the loss is the mean over that many fresh inputs in ``d`` dimensions at each
evaluation instead; v is the last axis.

The infimum 0 is at infinity along v: gradient flow turns w towards v at the rate
||w||^(1 - 2/N) / sqrt(2 pi) for the balanced deep linear network of depth N.
"""

import math

import numpy as np

from optbench import Instance, Option, UserError, problem
from optbench.elementwise import exp, log1p, sigmoid
from optbench.random import normal

FARTHEST = 8.0  # inputs of norm above it have probability exp(-32) = 1e-14
CROWDING = 3.0  # nodes lie at a distance u^3 from the ends of the interval, u those of Gauss


def weighted_logistic_loss(prediction, weight):
    """Softplus of the negative prediction times the node's weight, and its derivative."""
    loss = log1p(exp(-abs(prediction))) + max(-prediction, 0.0)
    return weight * loss, -weight * sigmoid(-prediction)


def sampled_loss(samples):
    """Return the mean loss over fresh inputs x.

    Only the coordinates of x along v, the last axis, and along u, the direction of the rest of w,
    decide the slopes c_i, so that only they are drawn one by one.  Across both, given them, the sum
    of c_i x_i is Gaussian with variance sum c_i^2, and is drawn at once.
    """

    def loss_and_grad(w, data, grad, rng):
        last = w.size - 1
        square = 0.0
        for k in range(last):
            square += w[k] * w[k]
        rest = max(math.sqrt(square), 1e-300)
        loss, along_v, along_u, squares = 0.0, 0.0, 0.0, 0.0
        for _ in range(samples):
            x_v, x_u = normal(rng), normal(rng)
            label = 1.0 if x_v > 0.0 else -1.0
            margin = label * (w[last] * x_v + rest * x_u)
            slope = -label * sigmoid(-margin) / samples
            loss += (log1p(exp(-abs(margin))) + max(-margin, 0.0)) / samples
            along_v += slope * x_v
            along_u += slope * x_u
            squares += slope * slope
        for k in range(last):
            grad[k] = math.sqrt(squares) * normal(rng)
            along_u -= grad[k] * w[k] / rest
        for k in range(last):
            grad[k] += along_u * w[k] / rest
        grad[last] = along_v
        return loss

    return loss_and_grad


@problem(
    reference="Lin, Sun, Zhang 2021, NeurIPS 34; Lin and Zhang 2021, arXiv:2105.03879",
    references=("minimizer",),
    metrics=("angle_minimizer",),
    default=(),
    examples=({"samples": 20, "d": 5},),
)
def spherical_logistic(
    angle=1.2,
    norm=0.5,
    angles=Option(400, needs={"samples": (0,)}),
    radii=Option(120, needs={"samples": (0,)}),
    samples=0,
    d=Option(2, unless={"samples": (0,)}),
):
    """Build the quadrature, or a sampled loss; w starts at an angle to v (radians) with a norm."""
    if not (0.0 <= angle <= math.pi and norm > 0.0):
        raise UserError(
            f"spherical_logistic: angle={angle:g} must be in [0, pi] and norm={norm:g} positive"
        )
    if angles < 2 or angles % 2 or radii < 1:
        raise UserError(
            f"spherical_logistic: angles={angles} must be even and radii={radii} positive"
        )
    if samples < 0 or d < 2:
        raise UserError(
            f"spherical_logistic: samples={samples} must not be negative and d={d} at least 2"
        )
    first, v = np.eye(d)[0], np.eye(d)[-1]
    if samples:
        source = f"{samples} fresh samples a step"
        objective = {"loss_and_grad": sampled_loss(samples)}
        nodes, weights = v[None], np.ones(1)  # the loss draws its own data
    else:
        source = f"quadrature {angles} x {radii}"
        objective = {"row": weighted_logistic_loss, "steepness": 1.0}
        nodes, weights = quadrature(angles, radii)
    return Instance(
        problem="spherical_logistic",
        features=nodes,
        targets=weights,
        kind="classification",
        references={"minimizer": lambda: direction(v)},
        optimal_value=float,
        # the Hessian at 0, where sigmoid' is 1/4 everywhere, is E x x^T / 4
        smoothness=lambda: 0.25,
        start=norm * (math.sin(angle) * first + math.cos(angle) * v),
        facts={"n": len(weights), "d": d, "source": source},
        **objective,
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


def direction(v):
    """v: along it alone the loss falls to its infimum, since only v labels every input right."""
    from optbench.references import Reference

    return Reference(
        name="minimizer",
        kind="minimizer",
        norm=None,
        solution=v,
        value=0.0,
        bound=0.0,
        gap=0.0,
        dual=np.zeros(0),
        unique=True,
    )
