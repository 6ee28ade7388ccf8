"""Least squares over a set: minimise 1/(2n) ||X w - y||^2 over a box or a simplex.

box: -radius <= w_i <= radius;  simplex: w >= 0, sum w = radius.  The true coefficients lie outside,
so that the set decides the minimum.  Runs start in the middle of the set.  Only methods that ask
for its projection stay in it: ``ista`` is then projected gradient descent, ``fista`` its
accelerated form, and ``conditional_gradient`` needs no step size.
"""

import numpy as np

from optbench import Instance, Option, UserError, problem
from optbench.losses import squared_error
from optbench.projections import onto_box, onto_simplex

SETS = ("box", "simplex")


@problem(
    reference="Levitin, Polyak 1966, doi:10.1016/0041-5553(66)90114-5",
    references=("minimizer",),
    metrics=("distance_minimizer",),
    default=(),  # the others are free, or live in the positive orthant
    examples=({"n": 20, "d": 5}, {"over": "simplex", "n": 15, "d": 30}),
)
def constrained_least_squares(
    over=Option("box", choices=SETS), radius=0.5, n=40, d=20, noise=0.1, seed=0
):
    """Build Gaussian features, and targets from coefficients of which the largest are too large."""
    from dataclasses import replace

    from optbench import references
    from optbench.references import constrained_least_squares as solved

    if n < 1 or d < 2:
        raise UserError(f"constrained_least_squares: n={n} must be at least 1, d={d} at least 2")
    if not radius > 0.0:
        raise UserError(f"constrained_least_squares: radius={radius:g} must be positive")
    generator = np.random.Generator(np.random.PCG64(seed))
    features = generator.standard_normal((n, d))
    truth = 2.0 * radius * generator.uniform(-1.0, 1.0, d)
    if over == "simplex":
        truth = truth / d + 2.0 * radius * (np.arange(d) < 2)
    targets = features @ truth + noise * generator.standard_normal(n)
    simplex = over == "simplex"

    def minimizer():
        if simplex:
            found = solved.simplex_least_squares(features, targets, radius)
        else:
            found = solved.box_least_squares(features, targets, -radius, radius)
        return replace(found, name="minimizer")

    return Instance(
        problem="constrained_least_squares",
        features=features,
        targets=targets,
        kind="constrained",
        row=squared_error,
        scale=1.0 / n,
        prox=onto_simplex(radius) if simplex else onto_box(-radius, radius),
        references={"minimizer": minimizer},
        optimal_value=lambda: minimizer().value / n,
        smoothness=lambda: references.hessian_eigenvalues(features).largest,
        start=np.full(d, radius / d if simplex else 0.0),
        seeded=True,
        facts={"n": n, "d": d, "source": f"Gaussian, seed {seed}", "set": over},
    )
