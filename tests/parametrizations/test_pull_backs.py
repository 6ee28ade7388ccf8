"""Forward maps against their formula, pull-backs against complex steps, starts at a predictor."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from optbench import UserError
from optbench.engine.bind import bind_parametrization
from optbench.parametrizations import parametrization

RUNS, SIZE = 3, 5


def by_layers(widths):
    """w = (W_L ... W_1)^T from the flat theta."""
    sizes = (SIZE, *widths, 1)

    def formula(theta):
        product, offset = np.eye(SIZE, dtype=theta.dtype), 0
        for columns, rows in itertools.pairwise(sizes):
            product = theta[offset : offset + rows * columns].reshape(rows, columns) @ product
            offset += rows * columns
        return product[0]

    return formula


def by_groups(groups):
    """w = sum of a_S v_S over the groups; theta is all a, then the v_S."""

    def formula(theta):
        w, place = np.zeros(SIZE, theta.dtype), len(groups)
        for number, group in enumerate(groups):
            w[list(group)] += theta[number] * theta[place : place + len(group)]
            place += len(group)
        return w

    return formula


def by_factors(theta):
    return theta.reshape(-1, SIZE).prod(axis=0)


def normalized(theta):
    return theta[0] * theta[1:] / np.sqrt((theta[1:] ** 2).sum())


def by_skip_connection(theta):
    return (np.eye(SIZE) + theta[:-SIZE].reshape(SIZE, SIZE)).T @ theta[-SIZE:]


FORMULAS = {
    "diagonal:depth=2": lambda theta: theta[:SIZE] ** 2 - theta[SIZE:] ** 2,
    "diagonal:depth=3": lambda theta: theta[:SIZE] ** 3 - theta[SIZE:] ** 3,
    "diagonal:depth=4": lambda theta: theta[:SIZE] ** 4 - theta[SIZE:] ** 4,
    "nonnegative:depth=2": lambda theta: theta**2,
    "nonnegative:depth=3": lambda theta: theta**3,
    "hadamard:depth=2": by_factors,
    "hadamard:depth=3": by_factors,
    "hadamard:depth=4": by_factors,
    "group:sizes=1": by_groups([[0], [1], [2], [3], [4]]),
    "group:sizes=2x3": by_groups([[0, 1], [2, 3, 4]]),
    "group:sizes=5": by_groups([range(SIZE)]),
    "k_support:k=1": by_groups([[0], [1], [2], [3], [4]]),
    "k_support:k=3": by_groups(list(itertools.combinations(range(SIZE), 3))),
    "weight_normalized:power=1": normalized,
    "weight_normalized:power=2,ratio=0.1": lambda theta: normalized(theta) ** 2,
    "residual:scale=0.3": by_skip_connection,
    "residual:diagonal=true,scale=0.3": lambda theta: (1.0 + theta[:SIZE]) * theta[SIZE:],
    "deep_linear:widths=4": by_layers((4,)),
    "deep_linear:widths=5x3": by_layers((5, 3)),
    "deep_linear:widths=3x1x4": by_layers((3, 1, 4)),
}


def both(specification: str, theta: np.ndarray, gradient_w: np.ndarray):
    """Return w and dL/dtheta of the compiled kernels."""
    built = parametrization(specification, SIZE)
    forward, pull_back = bind_parametrization(built)
    w, gradient = np.full((len(theta), SIZE), np.nan), np.full(theta.shape, np.nan)
    # What scratch holds from earlier steps must not matter.
    scratch = np.full((len(theta), built.scratch), 7.0)
    forward(theta, built.layers, scratch, w)
    pull_back(theta, built.layers, scratch, gradient_w, gradient)
    return w, gradient


@pytest.mark.parametrize("specification", FORMULAS)
def test_forward_and_pull_back(specification: str) -> None:
    rng = np.random.default_rng(1)
    count = parametrization(specification, SIZE).parameters
    theta, g = rng.standard_normal((RUNS, count)), rng.standard_normal((RUNS, SIZE))
    w, gradient = both(specification, theta, g)
    formula = FORMULAS[specification]
    for run in range(RUNS):
        np.testing.assert_allclose(w[run], formula(theta[run]), rtol=1e-14, atol=1e-15)
        # complex step: no difference is taken, so that the derivative is exact to rounding
        for k in range(count):
            moved = theta[run].astype(complex)
            moved[k] += 1e-30j
            expected = formula(moved).imag @ g[run] / 1e-30
            assert gradient[run, k] == pytest.approx(expected, rel=1e-13, abs=1e-14)


@pytest.mark.parametrize("specification", FORMULAS)
def test_bits_do_not_depend_on_the_batch(specification: str) -> None:
    rng = np.random.default_rng(2)
    count = parametrization(specification, SIZE).parameters
    theta, g = rng.standard_normal((RUNS, count)), rng.standard_normal((RUNS, SIZE))
    w, gradient = both(specification, theta, g)
    for run in range(RUNS):
        alone = both(specification, theta[run : run + 1], g[run : run + 1])
        assert alone[0].tobytes() == w[run : run + 1].tobytes()
        assert alone[1].tobytes() == gradient[run : run + 1].tobytes()


@pytest.mark.parametrize("specification", [name for name in FORMULAS if "deep" not in name])
def test_starts_at_a_given_predictor(specification: str) -> None:
    w = np.array([0.0, 1.5, 2.0, 1e-6, 30.0])
    if "diagonal" in specification:
        w = w * np.array([1, -1, 1, -1, 1])
    built = parametrization(specification, SIZE)
    theta = built.initial(w, np.random.default_rng(0))
    assert theta.shape == (built.parameters,)
    # u^D - v^D cancels to the base 0.1^D
    np.testing.assert_allclose(FORMULAS[specification](theta), w, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("specification", [name for name in FORMULAS if "deep" not in name])
def test_name_says_all_options(specification: str) -> None:
    built = parametrization(specification, SIZE)
    again = parametrization(built.name, SIZE)
    assert again.name == built.name
    rng = np.random.default_rng
    assert np.array_equal(again.initial(None, rng(1)), built.initial(None, rng(1)))


def test_own_starts() -> None:
    rng = np.random.default_rng(0)
    u = parametrization("diagonal:depth=3,scale=0.2", SIZE).initial(None, rng)
    assert np.array_equal(u, np.full(10, 0.2))
    assert np.array_equal(parametrization("linear", SIZE).initial(None, rng), np.zeros(SIZE))
    assert np.array_equal(parametrization("nonnegative:scale=0.3", 2).initial(None, rng), [0.3] * 2)


def test_deep_linear_starts_at_scaled_semi_orthogonal_matrices() -> None:
    built = parametrization("deep_linear:widths=7x3,scale=0.5", SIZE)
    theta = built.initial(None, np.random.default_rng(3))
    for offset, rows, columns in built.layers:
        matrix = theta[offset : offset + rows * columns].reshape(rows, columns)
        singular = np.linalg.svd(matrix, compute_uv=False)
        np.testing.assert_allclose(singular, 0.5 * np.sqrt(rows / columns), rtol=1e-13)
    assert theta.size == built.parameters == 5 * 7 + 7 * 3 + 3
    again = built.initial(None, np.random.default_rng(3))
    assert np.array_equal(theta, again)


@pytest.mark.parametrize(
    ("specification", "message"),
    [
        ("diagnal", "unknown parametrization 'diagnal' (did you mean 'diagonal'?)"),
        ("diagonal:depth=1", "depth=1 must be at least 2"),
        ("diagonal:depth=two", "must be an integer"),
        ("diagonal:scale=0", "scale=0 must be positive"),
        ("diagonal:scale=nan", "scale=nan must be positive"),
        ("diagonal:dept=3", "unknown option 'dept' (did you mean 'depth'?)"),
        ("nonnegative:depth=1", "depth=1 must be at least 2"),
        ("nonnegative:scale=-1", "scale=-1 must be positive"),
        ("deep_linear:widths=0", "must be positive integers"),
        ("deep_linear:widths=4y4", "must be integers joined by x"),
        ("deep_linear:scale=-1", "scale=-1 must be positive"),
        ("deep_linear:outputs=2", "outputs=2 must divide the 5 coordinates"),
        ("deep_linear:init=orthgonal", "unknown init=orthgonal (did you mean 'orthogonal'?)"),
        ("hadamard:depth=1", "depth=1 must be at least 2"),
        ("hadamard:scale=inf", "scale=inf must be positive and finite"),
        ("group:sizes=2", "sizes=2 must divide the 5 coordinates"),
        ("group:sizes=2x2", "sizes=2x2 must add up to the 5 coordinates"),
        ("group:sizes=0", "sizes=0 must be positive integers"),
        ("k_support:k=6", "k=6 must be between 1 and 5"),
        ("weight_normalized:power=3", "power=3 must be 1 or 2"),
        ("weight_normalized:ratio=0", "ratio=0 must be positive"),
        ("residual:scale=-1", "scale=-1 must be at least 0"),
        ("residual:diagonal=maybe", "must be true or false"),
        ("linear:depth=2", "unknown option 'depth'"),
    ],
)
def test_wrong_specifications_are_one_line(specification: str, message: str) -> None:
    with pytest.raises(UserError) as error:
        parametrization(specification, SIZE)
    assert message in str(error.value) and "\n" not in str(error.value)


def test_a_start_at_a_predictor_that_there_is_not() -> None:
    built = parametrization("weight_normalized", SIZE)
    with pytest.raises(UserError, match="w = u\\^2 must be at least 0"):
        built.initial(-np.ones(SIZE), np.random.default_rng(0))
    with pytest.raises(UserError, match="makes 155117520 sets; at most 100000"):
        parametrization("k_support:k=15", 30)


def test_deep_linear_has_no_start_at_a_predictor() -> None:
    built = parametrization("deep_linear", SIZE)
    with pytest.raises(UserError, match="no start at a given predictor"):
        built.initial(np.ones(SIZE), np.random.default_rng(0))
    assert built.initial(np.zeros(SIZE), np.random.default_rng(0)).shape == (built.parameters,)
