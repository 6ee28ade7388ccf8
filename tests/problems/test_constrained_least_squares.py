"""Sets to which w is restricted: references, projections and the methods that stay in them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import lsq_linear, nnls

import optbench
from optbench import UserError
from optbench.projections import onto_simplex
from optbench.references.constrained_least_squares import (
    box_least_squares,
    simplex_least_squares,
)
from optbench.registry import load_registry

BOX, SIMPLEX = (f"constrained_least_squares:over={over},n=25,d=12" for over in ("box", "simplex"))
RADIUS = 0.5


def built(text: str):
    name, _, options = text.partition(":")
    given = dict(pair.split("=") for pair in options.split(","))
    typed = {k: v if k == "over" else int(v) for k, v in given.items()}
    return load_registry().problem(name).build(**typed)


def sorted_projection(v: np.ndarray, total: float) -> np.ndarray:
    """Held, Wolfe, Crowder 1974: the threshold by sorting, the largest number first."""
    down = np.sort(v)[::-1]
    thresholds = (np.cumsum(down) - total) / np.arange(1, v.size + 1)
    return np.maximum(v - thresholds[np.flatnonzero(down > thresholds)[-1]], 0.0)


def project(text: str, v: np.ndarray) -> np.ndarray:
    return np.clip(v, -RADIUS, RADIUS) if text is BOX else sorted_projection(v, RADIUS)


def vertex(text: str, slopes: np.ndarray) -> np.ndarray:
    if text is BOX:
        return -RADIUS * np.sign(slopes)
    return RADIUS * np.eye(slopes.size)[np.argmin(slopes)]


@pytest.mark.parametrize("size", [1e-3, 1.0, 1e6])
def test_the_projection_onto_a_simplex_is_that_of_sorting(size: float) -> None:
    generator = np.random.default_rng(0)
    for _ in range(50):
        v = size * generator.standard_normal(generator.integers(1, 30))
        found = v.copy()
        onto_simplex(0.7)(found, 1.0)
        # numbers of a size have roundings of 1e-16 of it
        np.testing.assert_allclose(
            found, sorted_projection(v, 0.7), rtol=0, atol=1e-15 * (1 + size)
        )
        assert found.sum() == pytest.approx(0.7, rel=1e-12) and found.min() >= 0.0


def test_a_point_far_away_is_projected_to_a_vertex() -> None:
    v = np.array([-3.0, 2.0, -1.0]) * 1e20
    onto_simplex(2.0)(v, 1.0)
    assert v.tolist() == [0.0, 2.0, 0.0]


@pytest.mark.parametrize(("rows", "columns"), [(30, 8), (10, 15), (25, 40)])
def test_references_against_active_sets(rows: int, columns: int) -> None:
    """SciPy's for the box; of the simplex its NNLS, with the sum as a row of weight 1e5."""
    generator = np.random.default_rng(rows)
    X, y = generator.standard_normal((rows, columns)), 2.0 * generator.standard_normal(rows)
    box, simplex = box_least_squares(X, y, -0.3, 0.4), simplex_least_squares(X, y, 1.5)
    expected = lsq_linear(X, y, (-0.3, 0.4), method="bvls", tol=1e-15)
    fits = expected.cost < 1e-20  # then many points do
    assert box.certified and bool(box.unique) is not fits
    assert box.value == pytest.approx(expected.cost, rel=1e-10, abs=1e-12)
    assert fits or np.allclose(box.solution, expected.x, rtol=0, atol=1e-8)
    penalized, _ = nnls(np.vstack([X, np.full(columns, 1e5)]), np.append(y, 1.5e5))
    assert simplex.certified and simplex.unique and simplex.solution.min() >= 0.0
    assert simplex.solution.sum() == pytest.approx(1.5, rel=1e-14)
    # the penalty lets the sum be off by its multiplier (of order 100) / 1e10
    np.testing.assert_allclose(simplex.solution, penalized, atol=1e-6)


def test_a_wrong_solution_has_no_certificate(monkeypatch: pytest.MonkeyPatch) -> None:
    from optbench.references import constrained_least_squares as solver

    generator = np.random.default_rng(4)
    X, y = generator.standard_normal((20, 6)), generator.standard_normal(20)
    monkeypatch.setattr(solver, "_solved", lambda X, *rest: np.full(X.shape[1], 0.05))
    assert not box_least_squares(X, y, -0.1, 0.1).certified
    monkeypatch.setattr(solver, "_solved", lambda X, *rest: np.eye(X.shape[1])[0])
    assert not simplex_least_squares(X, y, 1.0).certified


def test_a_box_that_holds_nothing_free() -> None:
    reference = box_least_squares(np.eye(3), [5.0, -5.0, 5.0], -1.0, 1.0)
    assert reference.certified and reference.unique
    assert reference.solution.tolist() == [1.0, -1.0, 1.0]


@pytest.mark.parametrize("text", [BOX, SIMPLEX])
def test_ista_is_projected_gradient_descent(text: str) -> None:
    made = built(text)
    rate, w = 1.0 / made.curvature, made.start.copy()
    run = optbench.run(text, "ista", horizon=200, learning_rate=rate)
    for _ in range(200):
        slopes = made.features.T @ (made.features @ w - made.targets) / 25
        w = project(text, w - rate * slopes)
    np.testing.assert_allclose(run.w, w, rtol=0, atol=1e-12)
    for name in ("ista", "fista"):
        # strongly convex, condition number below 100: 1e-16 after 2,000 steps
        best = made.references["minimizer"]().solution
        run = optbench.run(text, name, horizon=2000, learning_rate=rate)
        np.testing.assert_allclose(run.w, best, atol=1e-8)


@pytest.mark.parametrize("text", [BOX, SIMPLEX])
def test_conditional_gradient_follows_jaggi_and_his_bound(text: str) -> None:
    """Algorithm 1 of PMLR 28:427, and theorem 1: a gap of at most 2 L diameter^2 / (t + 2)."""
    made = built(text)
    run = optbench.run(text, "conditional_gradient", horizon=300)
    w = made.start.copy()
    for step in range(1, 301):
        slopes = made.features.T @ (made.features @ w - made.targets) / 25
        w = w + 2.0 / (step + 1.0) * (vertex(text, slopes) - w)
    np.testing.assert_allclose(run.w, w, rtol=0, atol=1e-11)
    gap = 0.5 * np.mean((made.features @ w - made.targets) ** 2) - made.optimum
    diameter = 12.0 if text is BOX else 2.0 * RADIUS**2  # squared
    assert -1e-15 <= gap <= 2.0 * made.curvature * diameter / 302.0


def test_what_would_leave_the_set_is_skipped() -> None:
    result = optbench.compare(
        BOX, optimizers=["gradient_descent", "adam", "ista"], horizon=20, seeds=1
    )
    reasons = {row.optimizer: (row.status, row.reason) for row in result.convergence_rows}
    for name in ("gradient_descent", "adam"):
        assert reasons[name][0] == "skipped" and "would leave the set" in reasons[name][1]
    assert reasons["ista"][0] != "skipped"


def test_the_orthant_has_a_projection_and_no_bound() -> None:
    text = "nonnegative_least_squares:m=30,n=10"
    ((made,),) = [(load_registry().problem("nonnegative_least_squares").build(m=30, n=10),)]
    best, _ = nnls(made.features, made.targets)
    for name in ("ista", "fista"):
        run = optbench.run(text, name, horizon=3000, learning_rate=1.0 / made.curvature)
        np.testing.assert_allclose(run.w, best, atol=1e-8)
    with pytest.raises(UserError, match="needs a bounded set; that of nonnegative_least_squares"):
        optbench.run(text, "conditional_gradient", horizon=3)
    with pytest.raises(UserError, match="needs a set to which w is restricted; lasso has none"):
        optbench.run("lasso:n=20,d=5", "conditional_gradient", horizon=3)
