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


def behind(A: np.ndarray, b: np.ndarray, c: np.ndarray, x: np.ndarray, y: np.ndarray) -> bool:
    """Whether x is a hundred times less feasible than y, each relative to its own data."""
    primal = np.linalg.norm(b - A @ x) / np.linalg.norm(b)
    dual = np.linalg.norm(np.minimum(c - A.T @ y, 0.0)) / np.linalg.norm(c)
    return bool(primal > 100.0 * dual)


def pseudo_code(
    A: np.ndarray, b: np.ndarray, c: np.ndarray, x: np.ndarray
) -> Iterator[tuple[np.ndarray, bool]]:
    """Rescale rows and columns by the roots of their sums, then take steps of size 1.

    Restarted Halpern PDHG with reflection (Lu, Yang 2024, arXiv:2407.16144, algorithm 3), its
    error the fixed-point residual; restarts and the weight's rule as in PDLP (arXiv:2106.04447).
    """
    scaled, rows, columns = A.copy(), np.ones(b.size), np.ones(c.size)
    for _ in range(6):
        by_row, by_column = np.abs(scaled).sum(axis=1) ** 0.5, np.abs(scaled).sum(axis=0) ** 0.5
        rows, columns = rows / by_row, columns / by_column
        scaled = A * rows[:, None] * columns
    A, b, c, x = scaled, b * rows, c * columns, x / columns
    w = np.linalg.norm(c) / np.linalg.norm(b)
    z = anchor = (x, np.zeros(b.size))
    length, t, first, before = 0, 0, np.inf, np.inf
    while True:
        t, length = t + 1, length + 1
        ahead = np.maximum(z[0] - (c - A.T @ z[1]) / w, 0.0)
        image = ahead, z[1] + w * (b - A @ (2 * ahead - z[0]))
        restarts = False
        if length == 1 or length % 20 == 0:
            dx, dy = image[0] - z[0], image[1] - z[1]
            error = np.sqrt(w * dx @ dx + dy @ dy / w - 2.0 * dy @ (A @ dx))
            if length == 1:
                first = error
            else:
                restarts = (
                    error <= 0.2 * first
                    or (error <= 0.8 * first and error > before)
                    or length >= 0.36 * t
                )
            before = error
        if restarts:
            moved = [np.linalg.norm(new - old) for new, old in zip(image, anchor, strict=True)]
            other = np.exp(0.5 * np.log(moved[1] / moved[0]) + 0.5 * np.log(w))
            if other >= w or not behind(A, b, c, *image):
                w = other
            z = anchor = image
            length = 0
        else:
            share = length / (length + 1)
            z = tuple(
                share * (2 * new - old) + (1 - share) * far
                for new, old, far in zip(image, z, anchor, strict=True)
            )
        yield image[0] * columns, restarts


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


# about twice the steps that each took when the sweeps were written down
STEPS_ENOUGH = {
    "afiro": 1000,
    "sc50a": 2000,
    "sc50b": 3000,
    "recipe": 3000,
    "blend": 8000,
    "adlittle": 20_000,
    "kb2": 50_000,
    "share2b": 200_000,
}


@pytest.mark.parametrize(("name", "steps"), STEPS_ENOUGH.items())
def test_netlib_programs_are_solved(name: str, steps: int) -> None:
    """Objective and feasibility to 1e-8 of HiGHS's, whose optima are certified."""
    instance = program(data=name)
    x = solved(instance, steps)
    found = LINEAR_PROGRAM.measure(instance, {"vertex": instance.references["vertex"]()}, x)
    assert found["objective_gap"] <= 1e-8
    assert found["infeasibility"] <= 1e-8
    assert np.all(x >= 0.0)


def test_all_bundled_programs_are_tried() -> None:
    assert set(STEPS_ENOUGH) == set(bundled_program_names())


def test_elsewhere_it_is_skipped_with_the_reason() -> None:
    from optbench.engine.oracles.catalogue import missing_oracle

    ((regression,),) = build_instances(REGISTRY, "linear_regression", 1)
    linear = parametrization("linear", regression.dimension)
    assert "cost" in (missing_oracle(regression, linear, SOLVER) or "")
    instance = program(data="transport")
    mapped = parametrization("nonnegative", instance.dimension)
    assert "nonnegative" in (missing_oracle(instance, mapped, SOLVER) or "")
