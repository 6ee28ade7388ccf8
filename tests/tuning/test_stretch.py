"""The curvature that a parametrization adds at the start, and small rates that never diverge."""

from __future__ import annotations

import numpy as np
import pytest
from searched_cells import cell

import optbench
from optbench.status import Status
from optbench.tuning.grid import flow_rate, natural_rate
from optbench.tuning.stretch import stretch_at_start

SCALES = (0.01, 0.1, 1.0, 3.0, 10.0)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # dw/du = D u^(D-1) and dw/dv alike: two columns of D scale^(D-1) a coordinate
        ("diagonal:depth=2", lambda a: 8.0 * a**2),
        ("diagonal:depth=3", lambda a: 18.0 * a**4),
        ("diagonal:depth=5", lambda a: 50.0 * a**8),
        ("nonnegative:depth=3", lambda a: 9.0 * a**4),
        # only the last factor, which is zero, has a derivative that is not: scale^(D-1)
        ("hadamard:depth=2", lambda a: a**2),
        ("hadamard:depth=4", lambda a: a**6),
        ("group:sizes=2", lambda a: a**2),
    ],
)
def test_it_is_the_squared_norm_of_the_jacobian(name, expected, scale):
    made = cell(parameters=[f"{name},scale={scale}"])
    # central differences of a polynomial of degree D: a relative error of D^2 1e-8
    assert stretch_at_start(made) == pytest.approx(expected(scale), rel=1e-6)


def test_of_matrices_it_is_the_largest_singular_value():
    made = cell(parameters=["deep_linear:widths=8,scale=2"])
    built = made.parametrization
    theta = built.initial(None, np.random.default_rng(0))
    columns = []
    for place in range(theta.size):
        moved = []
        for step in (1e-5, -1e-5):
            w = np.zeros((1, made.instance.dimension))
            nudged = theta.copy()
            nudged[place] += step
            built.forward(nudged[None, :], built.layers, np.zeros((1, built.scratch)), w)
            moved.append(w[0])
        columns.append((moved[0] - moved[1]) / 2e-5)
    largest = np.linalg.norm(np.array(columns).T, 2) ** 2
    # the power method comes from below, within a part of the gap between singular values
    assert 0.9 * largest < stretch_at_start(made) < largest * (1.0 + 1e-6)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("name", ["diagonal", "hadamard", "diagonal:depth=3", "group", "residual"])
@pytest.mark.parametrize("optimizer", ["gradient_descent", "heavy_ball", "nesterov"])
def test_no_small_rate_diverges(name, optimizer, scale):
    """A fifth of 2 / L is stable whatever L is, if it is that of the way from the start."""
    option = "," if ":" in name else ":"
    parameters = f"{name}{option}scale={scale}"
    made = cell(optimizer=optimizer, parameters=[parameters])
    rate = flow_rate(made)
    assert 0.0 < rate <= 0.2 * natural_rate(made)
    run = optbench.run(
        made.instance, optimizer, parametrization=parameters, horizon=2_000, learning_rate=rate
    )
    assert run.status != Status.DIVERGED
    assert run.loss[-1] < run.loss[0]
