"""Nonnegative least squares: minimise 1/2 ||A x - b||^2 over x >= 0.

Gradient descent on x = u^L (the nonnegative parametrization) from a small constant, exponentiated
gradient on x, or projected gradient descent (``ista``, ``fista``), whose prox is the projection.
With at least as many rows as columns the solution is unique (Lawson and Hanson); with fewer, and
b = A x0 with x0 >= 0, many x fit, and the smaller the start the nearer the limit of the former two
is to the one of least L1 norm.
"""

import numpy as np

from optbench import Instance, UserError, problem
from optbench.losses import squared_error
from optbench.projections import onto_orthant


@problem(
    reference="Chou, Maly, Verdun 2022, arXiv:2207.08437",
    references=("minimizer", "l1"),
    metrics=("distance_minimizer", "norm_excess_l1", "distance_l1", "residual"),
    default=(),  # linear programs stand for the positive orthant
    examples=({"m": 5},),
)
def nonnegative_least_squares(m=30, n=10, start=1e-6, seed=0):
    """Build Gaussian A and b (or b = A |x0|); x starts at the constant ``start``."""
    if m < 1 or n < 1:
        raise UserError(f"nonnegative_least_squares: m={m} and n={n} must be at least 1")
    if not start > 0.0:
        raise UserError(f"nonnegative_least_squares: start={start:g} must be positive")
    generator = np.random.Generator(np.random.PCG64(seed))
    matrix = generator.standard_normal((m, n))
    b = generator.standard_normal(m if m >= n else n)
    if m < n:
        b = matrix @ np.abs(b)
    references, optimal_value = solutions(matrix, b)
    return Instance(
        problem="nonnegative_least_squares",
        features=matrix,
        targets=b,
        kind="regression",
        row=squared_error,
        prox=onto_orthant,
        references=references,
        optimal_value=optimal_value,
        smoothness=lambda: np.linalg.norm(matrix, 2) ** 2,
        start=np.full(n, start),
        positive=True,
        parametrization="nonnegative",
        seeded=True,
        facts={"n": m, "d": n, "source": f"Gaussian, seed {seed}", "start": start},
    )


def solutions(matrix, b):
    """References by name, and the optimal value."""
    from dataclasses import replace

    from optbench import references
    from optbench.references.nonnegative_least_squares import nonnegative_least_squares

    rows, columns = matrix.shape
    if rows < columns:
        ones = np.ones(columns)
        least = {"l1": lambda: replace(references.solve_linear_program(matrix, b, ones), name="l1")}
        return least, float

    def minimizer():
        return replace(nonnegative_least_squares(matrix, b), name="minimizer")

    return {"minimizer": minimizer}, lambda: minimizer().value
