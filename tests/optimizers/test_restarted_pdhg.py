"""Restarted PDHG against its pseudo-code in NumPy, and against what HiGHS finds."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from optbench.analysis.kinds.linear_program import LINEAR_PROGRAM
from optbench.data import bundled_program_names
from optbench.instance import Instance
from optbench.parametrizations import parametrization
from optbench.registry import load_registry
from optbench.runs import RunSpec, run_all
from optbench.study import build_instances

REGISTRY = load_registry()
SOLVER = REGISTRY.optimizer("restarted_pdhg")
STEPS = 400


def program(**options: object) -> Instance:
    text = ",".join(f"{name}={value}" for name, value in options.items())
    ((instance,),) = build_instances(REGISTRY, f"linear_program:{text}", 1)
    return instance


def solved(instance: Instance, horizon: int) -> np.ndarray:
    linear = parametrization("linear", instance.dimension)
    (found,) = run_all([RunSpec(instance, linear, SOLVER, (), horizon=horizon)])
    return found.w


def kkt(A: np.ndarray, b: np.ndarray, c: np.ndarray, x: np.ndarray, y: np.ndarray, w: float):
    """The error of PDLP (Applegate et al. 2021, arXiv:2106.04447, section 3.2)."""
    primal, dual = np.linalg.norm(b - A @ x), np.linalg.norm(np.minimum(c - A.T @ y, 0.0))
    return np.sqrt((w * primal) ** 2 + (dual / w) ** 2 + (c @ x - b @ y) ** 2)


def pseudo_code(
    A: np.ndarray, b: np.ndarray, c: np.ndarray, x: np.ndarray
) -> Iterator[tuple[np.ndarray, bool]]:
    """Rescaled to row and column sums of Pock and Chambolle, then with step size 1 everywhere."""
    rows, columns = np.abs(A).sum(axis=1) ** -0.5, np.abs(A).sum(axis=0) ** -0.5
    A, b, c, x = A * rows[:, None] * columns, b * rows, c * columns, x / columns
    y = np.zeros(b.size)
    w = np.linalg.norm(c) / np.linalg.norm(b)
    at_restart, path = kkt(A, b, c, x, y, w), []
    start, before, t = (x, y), np.inf, 0
    while True:
        t += 1
        ahead = np.maximum(x - (c - A.T @ y) / w, 0.0)
        x, y = ahead, y + w * (b - A @ (2 * ahead - x))
        path.append((x, y))
        restarts = False
        if len(path) < 10 or len(path) % 20 == 0:
            mean = tuple(np.mean(part, axis=0) for part in zip(*path, strict=True))
            candidates = [(x, y), mean]
            errors = [kkt(A, b, c, *point, w) for point in candidates]
            best = int(np.argmin(errors))
            error = errors[best]
            restarts = (
                error <= 0.2 * at_restart
                or (error <= 0.8 * at_restart and error > before)
                or len(path) >= 0.36 * t
            )
            before = error
        if restarts:
            x, y = candidates[best]
            moved = [np.linalg.norm(new - old) for new, old in zip((x, y), start, strict=True)]
            w = np.exp(0.5 * np.log(moved[1] / moved[0]) + 0.5 * np.log(w))
            start, path, before = (x, y), [], np.inf
            at_restart = kkt(A, b, c, x, y, w)
        yield x * columns, restarts


@pytest.mark.parametrize("data", ["random", "transport"])
def test_path_is_that_of_the_pseudo_code(data: str) -> None:
    instance = program(data=data)
    A, b, c = instance.features, instance.targets, instance.cost
    path = [x for x, _ in zip(pseudo_code(A, b, c, instance.start), range(STEPS), strict=False)]
    assert sum(restarts for _, restarts in path) >= 5  # the test is of restarts too
    # a step is firmly nonexpansive in a norm of w: rounding adds up over steps, times the
    # factor by which that norm differs from the plain one
    for steps in (1, 7, 60, STEPS):
        found = solved(instance, steps)
        expected = path[steps - 1][0]
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-10 * np.abs(expected).max())


@pytest.mark.parametrize(
    ("name", "steps"),
    [("afiro", 1000), ("recipe", 10_000), ("sc50a", 10_000), ("sc50b", 10_000), ("blend", 50_000)],
)
def test_netlib_programs_are_solved(name: str, steps: int) -> None:
    """Objective and feasibility to 1e-8 of HiGHS's, whose optima are certified."""
    assert name in bundled_program_names()
    instance = program(data=name)
    x = solved(instance, steps)
    found = LINEAR_PROGRAM.measure(instance, {"vertex": instance.references["vertex"]()}, x)
    assert found["objective_gap"] <= 1e-8
    assert found["infeasibility"] <= 1e-8
    assert np.all(x >= 0.0)


def test_elsewhere_it_is_skipped_with_the_reason() -> None:
    from optbench.engine.oracles.catalogue import missing_oracle

    ((regression,),) = build_instances(REGISTRY, "linear_regression", 1)
    linear = parametrization("linear", regression.dimension)
    assert "cost" in (missing_oracle(regression, linear, SOLVER) or "")
    instance = program(data="transport")
    mapped = parametrization("nonnegative", instance.dimension)
    assert "nonnegative" in (missing_oracle(instance, mapped, SOLVER) or "")
