"""The recurrent learner of S3-03: its gradient through time against central differences."""

from __future__ import annotations

import numpy as np
import pytest

from optbench.claims.simulation.black_boxes import branin, networks, processes
from optbench.claims.simulation.recurrent import Path, regret, search, through_time, untrained

RUNS, SHIFT = 5, 1e-6


@pytest.mark.parametrize("family", [processes, networks])
def test_gradient_through_time(family) -> None:
    generator = np.random.Generator(np.random.PCG64(3))
    learner, function = untrained(generator, 2), family(generator, RUNS)
    path = search(learner, function, RUNS)
    factors = generator.standard_normal(path.values.shape)
    gradient = through_time(learner, path, factors)
    for weights, slopes in zip(learner, gradient, strict=True):
        direction = generator.standard_normal(weights.shape)
        sums = []
        for move in (SHIFT, -2.0 * SHIFT):
            weights += move * direction
            sums.append(np.sum(factors * search(learner, function, RUNS).values))
        weights += SHIFT * direction
        # differences err by SHIFT^2 times third derivatives and by rounding / SHIFT
        difference = (sums[0] - sums[1]) / (2.0 * SHIFT)
        assert np.sum(slopes * direction) == pytest.approx(difference, rel=1e-5, abs=1e-7)


def test_regret_is_the_mean_of_running_minima() -> None:
    values = np.array([[1.0, 2.0], [3.0, -1.0], [0.5, 0.0]])
    path = Path(*(np.zeros(0),) * 3, values, np.zeros(0))
    mean, slopes = regret(path)
    assert mean == pytest.approx((1.0 + 1.0 + 0.5 + 2.0 - 1.0 - 1.0) / 6.0)
    assert slopes == pytest.approx(np.array([[2.0, 1.0], [0.0, 2.0], [1.0, 0.0]]) / 6.0)


def test_branin_has_its_published_minimum() -> None:
    generator = np.random.Generator(np.random.PCG64(0))
    function = branin(generator, 4)
    # 0.397887 at (pi, 2.275) of [-5, 10] x [0, 15], whichever way it is reflected
    place = (np.array([np.pi, 2.275]) - [2.5, 7.5]) / 7.5
    signs = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]])
    at = np.array([function(np.tile(place * sign, (4, 1)))[0] for sign in signs]).min(axis=0)
    anywhere = generator.uniform(-1.0, 1.0, (500, 4, 2))
    assert at == pytest.approx(np.full(4, at[0]), abs=1e-9)
    assert min(function(x)[0].min() for x in anywhere) >= at[0] - 1e-6
