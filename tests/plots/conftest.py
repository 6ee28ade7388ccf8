"""Comparisons that the tests of figures share."""

from __future__ import annotations

import pytest

from optbench import compare

REGRESSION = "linear_regression:data=gaussian,n=5,d=12,seed=3"
CLASSIFICATION = "logistic_regression:data=gaussian,n=10,d=20,seed=1"
OPTIMIZERS = ["gradient_descent", "sign_descent", "heavy_ball"]


@pytest.fixture(scope="session")
def compared():
    """Two instances, three optimizers, three seeds, searched rates."""
    return compare([REGRESSION, CLASSIFICATION], OPTIMIZERS, horizon=3_000, seeds=3, threads=1)


@pytest.fixture(scope="session")
def swept():
    """One optimizer at several values of two hyperparameters."""
    momenta = [f"heavy_ball[momentum={value:g}]" for value in (0.0, 0.5, 0.9, 0.99)]
    rates = [10.0 ** (k / 2) for k in range(-8, 3)]
    return compare(REGRESSION, momenta, horizon=1_000, learning_rates=rates, threads=1)


@pytest.fixture(scope="session")
def digits():
    """Features that are pixels of an image."""
    return compare(
        "linear_regression:data=digits,rows=8", ["gradient_descent", "sign_descent"],
        horizon=100, learning_rates=[1e-3], threads=1,
    )  # fmt: skip
