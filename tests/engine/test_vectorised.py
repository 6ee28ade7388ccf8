"""The jitted elementary functions against mpmath, in units in the last place."""

from __future__ import annotations

import math

import numba
import numpy as np
import pytest

from optbench import elementwise
from optbench.engine.compiler import vectorised

mpmath = pytest.importorskip("mpmath")
assert vectorised  # imported for its overloads

SMALLEST = 5e-324
SPECIAL = [0.0, -0.0, SMALLEST, -SMALLEST, 2.3e-308, 1e-300, 1e-17, 1.0, -0.5]


def _spread(low: float, high: float, count: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(low, high, count)


def _compiled(function):
    @numba.njit(error_model="numpy", fastmath={"contract"})
    def many(x, out):
        for i in range(x.size):
            out[i] = function(x[i])

    def evaluate(x):
        out = np.empty_like(x)
        many(x, out)
        return out

    return evaluate


EXP, LOG, LOG1P, SIGMOID, SINH = (
    _compiled(getattr(elementwise, name)) for name in ("exp", "log", "log1p", "sigmoid", "sinh")
)


def ulps(found: np.ndarray, exact: list) -> np.ndarray:
    """Return |found - exact| in units of the spacing of doubles at ``exact``."""
    errors = []
    for value, truth in zip(found, exact, strict=True):
        rounded = float(truth)  # mpf -> double rounds to nearest, inf beyond the largest
        if math.isinf(rounded) or rounded == 0.0:
            errors.append(0.0 if value == rounded else abs(float(value - rounded)) / SMALLEST)
        else:
            spacing = mpmath.mpf(float(np.spacing(abs(rounded))))
            errors.append(float(abs(mpmath.mpf(float(value)) - truth) / spacing))
    return np.array(errors)


def test_exp_is_within_one_ulp_where_the_result_is_a_normal_number() -> None:
    x = np.concatenate([_spread(-708.3, 709.78, 3000, 0), _spread(-1, 1, 2000, 1), SPECIAL])
    with mpmath.workprec(120):
        assert ulps(EXP(x), [mpmath.exp(float(v)) for v in x]).max() < 1.0


def test_exp_rounds_subnormal_results_and_reaches_zero_and_infinity() -> None:
    x = np.concatenate([_spread(-745.2, -708.4, 2000, 2), [-745.13, -745.14, -746.0, -1e4]])
    with mpmath.workprec(120):  # the spacing of subnormals is absolute: 1 ulp = 5e-324
        assert ulps(EXP(x), [mpmath.exp(float(v)) for v in x]).max() < 1.0
    assert EXP(np.array([-np.inf, -1e300, -746.5])).tolist() == [0.0, 0.0, 0.0]
    overflowing = np.array([709.79, 710.5, 1e5, 1e300, np.inf])
    assert np.all(np.isposinf(EXP(overflowing)))
    assert np.isfinite(EXP(np.array([709.78])))


def test_log_is_within_one_ulp_down_to_the_smallest_subnormal() -> None:
    rng = np.random.default_rng(3)
    x = np.concatenate(
        [
            np.exp(rng.uniform(-708, 709, 3000)),
            1.0 + rng.uniform(-0.3, 0.5, 2000),
            1.0 + rng.uniform(-1e-6, 1e-6, 500),
            SMALLEST * rng.integers(1, 2**52, 500).astype(float),
            [SMALLEST, 2.2250738585072014e-308, 1.7976931348623157e308, math.sqrt(0.5), 2.0],
        ]
    )
    with mpmath.workprec(120):
        assert ulps(LOG(x), [mpmath.log(float(v)) for v in x]).max() < 1.0
    assert LOG(np.array([1.0]))[0] == 0.0


def test_sinh_is_within_two_ulp_from_zero_to_overflow() -> None:
    rng = np.random.default_rng(6)
    x = np.concatenate(
        [
            _spread(-709.7, 709.7, 2000, 7),
            _spread(-1.5, 1.5, 3000, 8),
            10.0 ** rng.uniform(-300, 0, 500),
            [1.0, -1.0, np.nextafter(1.0, 0.0), 1e-8, -1e-300, SMALLEST, 0.0],
        ]
    )
    with mpmath.workprec(120):
        assert ulps(SINH(x), [mpmath.sinh(float(v)) for v in x]).max() < 2.0
    assert np.signbit(SINH(np.array([-0.0]))[0])
    for function in (lambda v: SINH(np.array([v]))[0], elementwise.sinh):
        assert function(1e3) == function(np.inf) == np.inf
        assert function(-1e3) == function(-np.inf) == -np.inf
        assert np.isnan(function(np.nan))


def test_log1p_is_within_two_ulp() -> None:
    rng = np.random.default_rng(4)
    x = np.concatenate(
        [
            np.exp(rng.uniform(-700, 700, 2000)),
            -np.exp(rng.uniform(-700, -0.7, 2000)),
            rng.uniform(-0.999999, 2.0, 2000),
            [SMALLEST, -SMALLEST, 2.2e-16, -1.1e-16, 1.0],
        ]
    )
    with mpmath.workprec(120):
        exact = [mpmath.log1p(float(v)) for v in x]
        assert ulps(LOG1P(x), exact).max() < 2.0


def test_sigmoid_is_within_two_and_a_half_ulp_where_the_result_is_a_normal_number() -> None:
    # a - b, a + b, their sum and the quotient are rounded by at most 1/2 ulp of a number at the
    # lower end of a binade, a by 0.35 of that and r and b by 1/8 ulp each: 2.45 ulp together
    x = np.concatenate([_spread(-708.0, 60.0, 20000, 5), _spread(-3, 3, 20000, 6), SPECIAL])
    with mpmath.workprec(120):
        exact = [1 / (1 + mpmath.exp(-float(v))) for v in x]
        assert ulps(SIGMOID(x), exact).max() < 2.5
    assert SIGMOID(np.array([40.0, 1e300, np.inf])).tolist() == [1.0, 1.0, 1.0]
    # beyond, it stays at e^-708: always a normal number
    assert np.all(SIGMOID(np.array([-708.5, -800.0, -np.inf])) == SIGMOID(np.array([-708.0])))


def test_special_values() -> None:
    one = np.array([np.nan])
    assert all(np.isnan(f(one)[0]) for f in (EXP, LOG, LOG1P, SIGMOID))
    assert np.isnan(LOG(np.array([-1.0, -np.inf, -SMALLEST]))).all()
    assert np.array_equal(LOG(np.array([0.0, -0.0, np.inf])), [-np.inf, -np.inf, np.inf])
    assert LOG1P(np.array([np.inf, -1.0, 0.0])).tolist() == [np.inf, -np.inf, 0.0]
    assert np.isnan(LOG1P(np.array([-1.5]))[0])


def test_plain_python_agrees() -> None:
    x = np.concatenate([_spread(-700, 700, 200, 7), [np.nan, np.inf, -np.inf, 0.0]])
    for plain, jitted in ((elementwise.exp, EXP), (elementwise.sigmoid, SIGMOID)):
        np.testing.assert_allclose([plain(float(v)) for v in x], jitted(x), 1e-15, 4e-308)
    x = np.concatenate([np.exp(x[:200]), [np.nan, np.inf, 0.0, -1.0, -2.0]])
    np.testing.assert_allclose([elementwise.log(float(v)) for v in x], LOG(x), rtol=1e-15)
    plain = [elementwise.log1p(float(v)) for v in x]
    np.testing.assert_allclose(plain, LOG1P(x), rtol=1e-15)
