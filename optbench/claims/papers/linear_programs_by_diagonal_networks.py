"""S1-00: gradient descent on a diagonal linear network solves entropic linear programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise

import numpy as np

from optbench.claims.framework import Check, Curve, claim
from optbench.claims.simulation import decay_rate, regression, start

STRENGTHS = (1.0, 0.5, 0.2, 0.1, 0.05)
SMALL_STRENGTHS = (0.02, 0.01, 0.005)
SMALLEST_STRENGTHS = (0.01, 0.005, 0.0025)


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
    "log ||A x_t - b|| ~ -2 eta lambda_min(A diag(x) A^T) t (as derived in the catalogue)",
    cost="normal",
    tags=("linear_program", "diagonal", "rate"),
    perturbation={"start_factor": 2.0},
    then_fails="strength 0.2: error of exponentiated gradient",
    remarks="That the slope of the log gap is within 5 % of the least reduced cost is a "
    "criterion of ours; it is asymptotic, and measured between strengths 0.005 and 0.0025 of "
    "exponentiated gradient, whose gap has no bias of the step size. The rate is predicted from "
    "dual Newton's solution. The plan moves uniform mass between 6 uniform points of the unit "
    "square and 6 others: cost squared distance, strength 0.1.",
)
def linear_programs_by_diagonal_networks(
    start_factor: float = 1.0, seed: int = 0
) -> Iterator[Check | Curve]:
    """Measure the rate, the bias, its limit and a transport plan (seed 0)."""
    generator = np.random.Generator(np.random.PCG64(seed))
    matrix = generator.standard_normal((6, 15))
    b = matrix @ np.abs(generator.standard_normal(15))
    c = generator.uniform(0.2, 1.2, 15)
    for strength in STRENGTHS:
        yield from rate_and_bias(matrix, b, c, strength, start_factor)
    yield from limit_of_small_strength(matrix, b, c, start_factor)
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
) -> Iterator[Check]:
    """Compare the rate with the spectrum at the limit, and two step sizes with dual Newton."""
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


def limit_of_small_strength(
    matrix: np.ndarray, b: np.ndarray, c: np.ndarray, start_factor: float
) -> Iterator[Check | Curve]:
    """The objective gap decreases with the strength, its logarithm like -C/strength.

    Near the vertex x_j ~ exp(-reduced cost_j / strength), so that C is the least reduced cost.
    """
    from optbench.references import solve_linear_program

    program = solve_linear_program(matrix, b, c)
    reduced = c - matrix.T @ program.dual
    slowest = reduced[program.solution < 1e-9].min()
    found_gaps = {}
    for optimizer, strengths in (
        ("gradient_descent", (*STRENGTHS, *SMALL_STRENGTHS)),
        ("exponentiated_gradient", SMALLEST_STRENGTHS),
    ):
        gaps = []
        for strength in strengths:
            start_at = start_factor * np.exp(-c / strength)
            eta = step_size(matrix, program.solution, start_at)
            found, _, _ = solve(matrix, b, start_at, [eta], 1_000_000, optimizer)
            gaps.append(float(c @ found[0] - program.value))
        yield Check.at_most(
            f"{optimizer}: largest ratio of two gaps as the strength falls",
            max(small / large for large, small in pairwise(gaps)),
            1.0,
            predicted=1.0,
        )
        found_gaps[optimizer] = dict(zip(strengths, gaps, strict=True))
    change = np.diff(np.log(gaps))[-1] / np.diff(1.0 / np.array(SMALLEST_STRENGTHS))[-1]
    yield Check.close("slope of log gap in 1/strength: least reduced cost", -change, slowest, 0.05)
    yield picture(found_gaps, matrix, program.solution, reduced)


def picture(
    gaps: Mapping[str, Mapping[float, float]],
    matrix: np.ndarray,
    vertex: np.ndarray,
    reduced: np.ndarray,
) -> Curve:
    """Gaps by strength; predicted is the gap to leading order as the strength falls.

    log x = (A^T nu - c) / strength on all coordinates: on those of the vertex x is known, which
    gives nu, and then the others.  The gap is the sum of the others times their reduced costs.
    """
    basic = vertex > 1e-9
    shift = np.linalg.solve(matrix[:, basic].T, np.log(vertex[basic])) @ matrix[:, ~basic]
    strengths = sorted({strength for line in gaps.values() for strength in line})
    cost = reduced[~basic]
    leading = [float(cost @ np.exp(shift - cost / strength)) for strength in strengths]
    return Curve(
        "The entropy's bias falls exponentially",
        "1 / strength of the entropy",
        "objective gap",
        [1.0 / strength for strength in strengths],
        {name: [line.get(s, np.nan) for s in strengths] for name, line in gaps.items()},
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
