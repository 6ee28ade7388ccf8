"""A game of two: min over x, max over y of (a / 2) x^2 + x y - (a / 2) y^2, a = monotonicity.

Its field F(x, y) = (a x + y, a y - x) takes the place of the gradient: gradient_descent is then
simultaneous gradient descent-ascent.  The recorded loss is ||F||^2 / 2, whose gradient F is not.
The only solution, the zero of F, is at distance sqrt 2 in a random direction; runs start at 0.

a = 0 is the bilinear game x y: monotone, and descent-ascent spirals outwards at every learning
rate.  With a < 0 the game is not monotone, but cohypomonotone:
<F(z) - F(z'), z - z'> = rho ||F(z) - F(z')||^2 with rho = a / (1 + a^2).
"""

import numpy as np

from optbench import Instance, UserError, problem


def field(w, data, grad, targets):
    """Write F = A (w - solution), A the data and solution the targets; return ||F||^2 / 2."""
    total = 0.0
    for i in range(w.size):
        grad[i] = 0.0
        for j in range(w.size):
            grad[i] += data[i, j] * (w[j] - targets[j])
        total += grad[i] * grad[i]
    return 0.5 * total


@problem(
    reference="Pethick, Xie, Cevher 2023, arXiv:2310.13459",
    references=("solution",),
    metrics=("distance_solution",),
    default=(),
)
def quadratic_game(monotonicity=0.0, seed=0):
    """Build the game with coefficient a = ``monotonicity``; ``seed`` draws its solution."""
    if not abs(monotonicity) <= 1.0:
        raise UserError(f"quadratic_game: monotonicity={monotonicity:g} must be in [-1, 1]")
    matrix = np.array([[monotonicity, 1.0], [-1.0, monotonicity]])
    zero = np.random.Generator(np.random.PCG64(seed)).standard_normal(2)
    zero *= np.sqrt(2.0) / np.linalg.norm(zero)
    return Instance(
        problem="quadratic_game",
        features=matrix,
        targets=zero,
        kind="game",
        loss_and_grad=field,
        references={"solution": lambda: solution(zero)},
        optimal_value=float,
        seeded=True,
        facts={"n": 2, "d": 2, "source": "min over x, max over y", "monotonicity": monotonicity},
    )


def solution(zero):
    """The only zero of F: the determinant of its matrix is a^2 + 1."""
    from optbench.references import Reference

    return Reference(
        name="solution",
        kind="minimizer",
        norm=None,
        solution=zero,
        value=0.0,
        bound=0.0,
        gap=0.0,
        dual=np.zeros(2),
        unique=True,
    )
