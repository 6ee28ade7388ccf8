"""The stream of noisy linear samples."""

from __future__ import annotations

import numpy as np
import pytest

from optbench.claims.simulation import start
from optbench.errors import UserError
from optbench.registry import load_registry

BUILD = load_registry().problem("regression_stream").build


def test_one_pass_of_recursive_least_squares_is_least_squares() -> None:
    """Ridge with weight 1e-4 in place of none: relative difference about 1e-4 / (samples 0.09)."""
    stream = BUILD(samples=400, d=5)
    chunk = start(stream, "linear", "online_natural_gradient")
    chunk.advance(400)
    least = np.linalg.lstsq(stream.features, stream.targets, rcond=None)[0]
    np.testing.assert_allclose(chunk.runs.w[0], least, rtol=0, atol=1e-5)


def test_optimum_curvature_and_fisher_against_numpy() -> None:
    stream = BUILD(samples=50, d=4, noise=2.0, seed=3)
    least, square = np.linalg.lstsq(stream.features, stream.targets, rcond=None)[:2]
    assert stream.optimum == pytest.approx(float(square[0]) / 100.0, rel=1e-12)
    covariance = stream.features.T @ stream.features / 50.0
    assert stream.curvature == pytest.approx(np.linalg.norm(covariance, 2), rel=1e-12)
    np.testing.assert_allclose(stream.inverse_fisher() @ covariance, np.eye(4), atol=1e-12)
    np.testing.assert_allclose(stream.references["minimizer"]().solution, least, rtol=1e-10)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"samples": 3, "d": 5}, "samples=3 must be at least d=5"),
        ({"d": 0}, "must be at least d=0, which >= 1"),
        ({"noise": -1.0}, "noise=-1 must not be negative"),
    ],
)
def test_wrong_options_are_one_line(options: dict[str, float], words: str) -> None:
    with pytest.raises(UserError, match=words):
        BUILD(**options)
