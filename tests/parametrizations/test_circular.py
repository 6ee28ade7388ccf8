"""Circular convolutions against NumPy's FFT, pull-backs against differences."""

from __future__ import annotations

import numpy as np
import pytest

from optbench import UserError
from optbench.engine.bind import bind_parametrization
from optbench.parametrizations import parametrization

RUNS, SIZE = 3, 5


def by_fourier(theta: np.ndarray, depth: int) -> np.ndarray:
    """Return w; linear in each layer, so that real and imaginary parts are transformed apart."""
    spectrum = np.fft.fft(theta.reshape(depth, SIZE), axis=1).prod(axis=0)
    return np.fft.ifft(spectrum)


@pytest.mark.parametrize("depth", [2, 3, 4])
def test_forward_and_pull_back(depth: int) -> None:
    built = parametrization(f"circular:depth={depth}", SIZE)
    forward, pull_back = bind_parametrization(built)
    rng = np.random.default_rng(0)
    theta, g = rng.standard_normal((RUNS, built.parameters)), rng.standard_normal((RUNS, SIZE))
    w, gradient = np.full((RUNS, SIZE), np.nan), np.full(theta.shape, np.nan)
    # What scratch holds from earlier steps must not matter.
    scratch = np.full((RUNS, built.scratch), 7.0)
    forward(theta, built.layers, scratch, w)
    pull_back(theta, built.layers, scratch, g, gradient)
    for run in range(RUNS):
        np.testing.assert_allclose(w[run], by_fourier(theta[run], depth).real, rtol=1e-13)
        # w is linear in each single parameter, so that a difference of any size is exact
        for k in range(built.parameters):
            moved = theta[run].copy()
            moved[k] += 1.0
            change = (by_fourier(moved, depth) - by_fourier(theta[run], depth)).real
            assert gradient[run, k] == pytest.approx(change @ g[run], rel=1e-11, abs=1e-12)


def test_start_and_wrong_options() -> None:
    built = parametrization("circular:depth=3,scale=0.5", 400)
    theta = built.initial(None, np.random.default_rng(0)).reshape(3, 400)
    # lengths of Gaussian vectors of 400 numbers deviate by 3.5 %
    np.testing.assert_allclose(np.linalg.norm(theta, axis=1), 0.5, rtol=0.2)
    for text, words in (("circular:depth=1", "at least 2"), ("circular:scale=0", "positive")):
        with pytest.raises(UserError, match=words):
            parametrization(text, SIZE)
    with pytest.raises(UserError, match="no start at a given predictor"):
        built.initial(np.ones(400), np.random.default_rng(0))
