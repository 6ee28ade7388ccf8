"""S1-00: gradient descent on a diagonal linear network solves entropic linear programs."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from itertools import pairwise

import numpy as np

from optbench.claims.framework import Check, Curve, claim
from optbench.claims.simulation import decay_rate, regression, start

STRENGTHS = (1.0, 0.5, 0.2, 0.1, 0.05)
GAPS = (1e-4, 1e-6, 1e-8)  # exp(-least reduced cost / strength) of the small strengths


@claim(
    id="S1-00",
    title="Linear programming using diagonal linear networks",
    citation="Wang, Ghosal, Mazumder 2023",
    arxiv="2310.02535",
    background="A linear program asks for a vertex of a polytope. Gradient descent on a "
    "squared residual with x = u * u does not know the costs; they enter through "
    "the start alone, u = exp(-c / 2 lambda), and the limit is the solution of the "
    "entropically regularised program. So an initialization solves a linear "
    "program, transport problems included.",
    statement="Gradient descent on 1/4 ||A(u*u) - b||^2 from u = exp(-c / (2 strength)) converges "
    "linearly to the linear program with an entropy of that strength; its bias is proportional to "
    "the step size, exponentiated gradient has none; as the strength falls the solution tends to "
    "that of the linear program. Optimal transport is a special case.",
    formula="x -> argmin c.x + strength sum x (log x - 1), A x = b; "
    "log ||A x_t - b|| ~ -2 eta lambda_min(A diag(x) A^T) t (our derivation)",
    cost="normal",
    tags=("linear_program", "diagonal", "rate"),
    seeds=10,
    perturbation={"start_factor": 2.0},
    then_fails="strength 0.2: error of exponentiated gradient",
    remarks="The rate is predicted from dual Newton's solution. How small a strength must be for "
    "the leading order depends on the least reduced cost: the program of the small strengths is "
    "built with known ones, and strengths are chosen by them. They are those of exponentiated "
    "gradient, whose gap has no bias of the step size. The plan moves uniform mass between 6 "
    "uniform points of the unit square and 6 others: cost squared distance, strength 0.1.",
)
def linear_programs_by_diagonal_networks(
    start_factor: float = 1.0, seed: int = 0
) -> Iterator[Check | Curve]:
    """Measure 6 equations for 15 nonnegative unknowns, and a plan between 6 and 6 points."""
    from optbench.references import solve_linear_program

    generator = np.random.Generator(np.random.PCG64(seed))
    matrix = generator.standard_normal((6, 15))
    b = matrix @ np.abs(generator.standard_normal(15))
    c = generator.uniform(0.2, 1.2, 15)
    costs = []
    for strength in STRENGTHS:
        cost = yield from rate_and_bias(matrix, b, c, strength, start_factor)
        costs.append(cost)
    name = "gradient_descent: largest ratio of two gaps as the strength falls"
    gaps = np.array(costs) - solve_linear_program(matrix, b, c).value
    yield Check.below(name, (gaps[1:] / gaps[:-1]).max(), 1.0)
    yield from limit_of_small_strength(generator, start_factor)
    yield from transport(start_factor, seed)


def solve(
    matrix: np.ndarray,
    b: np.ndarray,
    start_at: np.ndarray,
    etas: list[float],
    horizon: int,
    optimizer: str = "gradient_descent",
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return final predictors (K, d), recorded steps (R,) and log residual norms (R, K)."""
    instance = regression(matrix, b, start=start_at)
    mirror = optimizer == "exponentiated_gradient"
    # u <- u - eta u (A^T r) is half the gradient of 1/2 ||A(u*u) - b||^2, dx = -2 eta x (A^T r)
    rates = [{"learning_rate": 2.0 * eta if mirror else eta / 2.0} for eta in etas]
    chunk = start(instance, "linear" if mirror else "nonnegative", optimizer, rates)
    chunk.advance(horizon, steps=np.linspace(0, horizon, 301).astype(int))
    return chunk.runs.w, chunk.records.steps, chunk.records.log_loss / 2.0


def step_size(matrix: np.ndarray, solution: np.ndarray, start_at: np.ndarray) -> float:
    """0.1 / (||A||_2^2 max(largest x at the solution and at the start, 1))."""
    largest = max(solution.max(), start_at.max(), 1.0)
    return float(0.1 / (np.linalg.norm(matrix, 2) ** 2 * largest))


def rate_and_bias(
    matrix: np.ndarray, b: np.ndarray, c: np.ndarray, strength: float, start_factor: float
) -> Generator[Check, None, float]:
    """Compare the rate with the spectrum at the limit, and two step sizes with dual Newton.

    The cost c.x of gradient descent is returned.
    """
    from optbench.references import entropic_program

    target = entropic_program(matrix, b, c, strength).solution
    start_at = start_factor * np.exp(-c / strength)
    eta = step_size(matrix, target, start_at)
    curvature = np.linalg.eigvalsh((matrix * target) @ matrix.T)[0]
    horizon = int(60.0 / (2.0 * eta * curvature))
    found, steps, residual = solve(matrix, b, start_at, [eta, eta / 2.0], 2 * horizon)
    tail = (residual[:, 0] < residual[0, 0] - 14.0) & (residual[:, 0] > residual[0, 0] - 25.0)
    rate = decay_rate(steps[tail], residual[tail, 0])
    yield Check.between(
        f"strength {strength:g}: rate / predicted", rate / (2.0 * eta * curvature), 0.97, 1.03
    )
    errors = np.linalg.norm(found - target, axis=1)
    yield Check.between(
        f"strength {strength:g}: bias at eta over bias at eta/2",
        errors[0] / errors[1],
        1.9,
        2.1,
        predicted=2.0,
    )
    mirror, _, _ = solve(matrix, b, start_at, [eta], 2 * horizon, "exponentiated_gradient")
    error = np.linalg.norm(mirror[0] - target) / np.linalg.norm(target)
    yield Check.at_most(f"strength {strength:g}: error of exponentiated gradient", error, 1e-8)
    return float(c @ found[0])


def limit_of_small_strength(
    generator: np.random.Generator, start_factor: float
) -> Iterator[Check | Curve]:
    """The objective gap decreases with the strength, in the end as its leading order says.

    The program is built around its solution: six unknowns without cost are positive, the others
    have reduced costs of 0.2 to 1.2.  log x = (A^T nu - c) / strength on all coordinates: on those
    of the vertex x is known, which gives nu, and then the others.  The gap is the sum of the others
    times their reduced costs.
    """
    matrix = generator.standard_normal((6, 15))
    vertex = np.r_[generator.uniform(0.5, 1.5, 6), np.zeros(9)]
    b, c = matrix @ vertex, np.r_[np.zeros(6), generator.uniform(0.2, 1.2, 9)]
    shift = np.linalg.solve(matrix[:, :6].T, np.log(vertex[:6])) @ matrix[:, 6:]
    strengths = [float(c[6:].min() / np.log(1.0 / gap)) for gap in GAPS]
    gaps, leading = [], []
    for strength in strengths:
        start_at = start_factor * np.exp(-c / strength)
        eta = step_size(matrix, vertex, start_at)
        found, _, _ = solve(matrix, b, start_at, [eta], 300_000, "exponentiated_gradient")
        gaps.append(float(c @ found[0]))
        leading.append(float(c[6:] @ np.exp(shift - c[6:] / strength)))
    name = "exponentiated_gradient: largest ratio of two gaps as the strength falls"
    yield Check.below(name, max(after / before for before, after in pairwise(gaps)), 1.0)
    ratios = np.array(gaps) / np.array(leading)
    # corrections are of the size of the coordinates that vanish, which columns of the vertex that
    # are nearly dependent magnify
    name = f"gap over its leading order, least cost / strength = {np.log(1.0 / GAPS[-1]):.1f}"
    yield Check.between(name, ratios[-1], 0.95, 1.05, share=0.8)
    name = "error of the leading order, at the least strength over the largest of three"
    yield Check.below(name, abs(ratios[-1] - 1.0) / abs(ratios[0] - 1.0), 1.0, share=0.8)
    yield Curve(
        "The weaker the entropy, the nearer to the program's optimum",
        "1 / strength of the entropy",
        "objective gap",
        [1.0 / strength for strength in strengths],
        {"exponentiated gradient": gaps},
        {"leading order": leading},
        log="y",
    )


def transport(start_factor: float, seed: int) -> Iterator[Check]:
    """The plan of the network against Sinkhorn's, 6 x 6 points, squared distances."""
    from optbench.references.transport import entropic_transport

    generator = np.random.Generator(np.random.PCG64(seed))
    sources, sinks = generator.random((6, 2)), generator.random((6, 2))
    cost = ((sources[:, None] - sinks[None]) ** 2).sum(axis=2)
    strength, mass = 0.1, np.full(6, 1.0 / 6.0)
    plan = entropic_transport(cost, mass, mass, strength).solution
    matrix = np.vstack([np.kron(np.eye(6), np.ones(6)), np.kron(np.ones(6), np.eye(6))])
    start_at = start_factor * np.exp(-cost.ravel() / strength)
    eta = step_size(matrix, plan, start_at)
    found, _, _ = solve(matrix, np.tile(mass, 2), start_at, [eta], 200_000)
    error = np.linalg.norm(found[0] - plan) / np.linalg.norm(plan)
    yield Check.at_most("transport 6 x 6: error of the plan against Sinkhorn", error, 1e-3)
