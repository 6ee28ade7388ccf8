"""Problems that are compared only where they are named: contract, references, wrong options."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import pytest
from scipy.optimize import linprog, nnls
from small_instances import one_chunk

from optbench import compare
from optbench.check.problems import check_problem
from optbench.columns import BiasRow
from optbench.errors import UserError
from optbench.instance import Instance
from optbench.registry import load_registry
from optbench.solutions import solved, unsolved
from optbench.study import build_instances

SMALL = {"rows": 6, "columns": 5, "rank": 1}
INSTANCES = {
    "quadratic": [{}, {"spectrum": "geomspace", "rotated": True, "d": 7}],
    "scalar_chain": [{}, {"depth": 1, "target": -2.0}],
    "matrix_factorization": [{}, {"singular_values": "2", "rows": 2, "columns": 1}],
    "matrix_regression": [{}, {"n": 4, "loss": "mean"}],
    "matrix_completion": [SMALL, {**SMALL, "measurements": "gaussian"}],
    "inverse_problem": [{}],
    "nonnegative_least_squares": [{}, {"m": 6, "n": 15}],
    "linear_program": [{"data": "basis_pursuit"}],
    "logistic_regression": [{"data": "partly_separable", "seed": 37}],
}
ACTIVATIONS = ("relu", "leaky", "tanh", "erf")


def build(text: str) -> Instance:
    ((instance,),) = build_instances(load_registry(), text, 1)
    return instance


def rows(text: str, *optimizers: str, **options) -> Sequence[BiasRow]:
    return compare([text], optimizers, threads=1, rerun=True, **options).bias_rows


@pytest.mark.parametrize("name", INSTANCES)
def test_keeps_the_contract(name):
    problem = load_registry().problem(name)
    problem = dataclasses.replace(problem, examples=(*problem.examples, *INSTANCES[name]))
    results = check_problem(problem)
    unproven = [result.name for result in results if not result.passed]
    # few rows have one to prove
    unknown = ("steepness", "curvature", "mean of rows")
    assert all(name.endswith(unknown) for name in unproven), unproven
    assert not any(result.passed is False for result in results)
    instances = len(problem.default or ({},)) + len(problem.examples)
    assert len(results) == 10 * instances + 2


@pytest.mark.parametrize("name", INSTANCES)
def test_references_are_certified(name):
    for options in INSTANCES[name]:
        given = ",".join(f"{key}={value}" for key, value in options.items())
        instance = build(f"{name}:{given}" if given else name)
        assert solved(instance) and not unsolved(instance)
        assert all(reference.certified for reference in solved(instance).values())


def test_quadratic_has_the_spectrum_and_the_rates_that_it_says():
    instance = build("quadratic:kappa=16,d=9,rotated=true,spectrum=geomspace")
    hessian = instance.features.T @ instance.features
    np.testing.assert_allclose(np.linalg.eigvalsh(hessian), np.geomspace(1, 16, 9), rtol=1e-12)
    np.testing.assert_allclose(instance.inverse_fisher(), np.linalg.inv(hessian), atol=1e-13)
    chunk = one_chunk(instance, "gradient_descent", [2.0 / 17.0])
    chunk.advance(20)
    early = np.linalg.norm(chunk.runs.w[0] - solved(instance)["minimizer"].solution)
    chunk.advance(60)
    late = np.linalg.norm(chunk.runs.w[0] - solved(instance)["minimizer"].solution)
    # the two extreme modes shrink by 15/17 a step; the others are gone after 20 steps
    assert (late / early) ** (1 / 40) == pytest.approx(15 / 17, rel=2e-3)


def test_scalar_chain_from_equal_layers_follows_its_equation():
    """The half-time from x = 0.1^3 by SciPy's integral."""
    from scipy.integrate import quad

    instance = build("scalar_chain:depth=3")
    rate = 1e-3
    chunk = one_chunk(
        instance, "gradient_descent", [rate], parameters="nonnegative:depth=3,scale=0.1"
    )
    # w = u^3 with one number u: u' = 3 u^2 (1 - w), so that x' = 9 x^(4/3) (1 - x)
    half = quad(lambda x: 1.0 / (9.0 * x ** (4.0 / 3.0) * (1.0 - x)), 1e-3, 0.5)[0]
    chunk.advance(round(half / rate))
    assert chunk.runs.w[0, 0] == pytest.approx(0.5, abs=0.01)


def test_matrix_factorization_has_its_singular_values():
    instance = build("matrix_factorization:singular_values=3x0.5,rows=4,columns=5")
    values = np.linalg.svd(instance.targets, compute_uv=False)
    np.testing.assert_allclose(values, [3.0, 0.5, 0.0, 0.0], atol=1e-14)
    assert list(instance.references) == ["minimizer", "rank1"]
    assert solved(instance)["rank1"].value == pytest.approx(0.125)
    (row,) = rows("matrix_factorization:seed=0", "gradient_descent", horizon=200)
    assert row.selected == "minimizer"
    modes = np.array([4, 2, 1, 0.5])
    assert row.measures["stable_rank"] == pytest.approx((modes**2).sum() / 16.0)
    shares = modes / modes.sum()
    entropy = -(shares * np.log(shares)).sum()
    assert row.measures["effective_rank"] == pytest.approx(np.exp(entropy))


def test_matrix_regression_predicts_as_x_w_transposed():
    instance = build("matrix_regression:n=9,d=3,outputs=2,rank=1,loss=mean")
    generator = np.random.Generator(np.random.PCG64(0))
    inputs = generator.standard_normal((9, 3))
    targets = instance.targets
    W = np.arange(6.0).reshape(2, 3)
    np.testing.assert_allclose(instance.predictions(W.ravel()), inputs @ W.T, atol=1e-13)
    least = np.linalg.lstsq(inputs, targets, rcond=None)
    assert instance.optimum == pytest.approx(0.5 * least[1].sum() / 18.0)
    np.testing.assert_allclose(
        solved(instance)["minimizer"].solution, least[0].T.ravel(), atol=1e-12
    )


def test_completion_gradient_descent_selects_the_l2_norm_and_not_the_hidden_matrix():
    text = "matrix_completion:rows=8,columns=8,rank=1,observed=0.5"
    instance = build(text)
    known = solved(instance)
    zero_filled = instance.features.T @ instance.targets
    np.testing.assert_allclose(known["l2"].solution, zero_filled, atol=1e-12)
    (row,) = rows(text, "gradient_descent", horizon=500)
    assert row.selected == row.theory == "l2"
    assert row.measures["norm_excess_nuclear"] > 0.05
    hidden = known["hidden"].solution
    assert np.linalg.matrix_rank(hidden.reshape(8, 8)) == 1
    assert np.abs(instance.features @ hidden - instance.targets).max() <= 1e-13
    assert known["nuclear"].value <= np.linalg.norm(hidden) * (1 + 1e-9)  # rank one: its norm


def test_inverse_problem_reference_vanishes_off_the_plane():
    instance = build("inverse_problem:seed=1")
    W = solved(instance)["l2"].solution.reshape(10, 6)
    measured, signals = instance.features.T, instance.targets.T
    np.testing.assert_allclose(W, signals @ np.linalg.pinv(measured), atol=1e-10)
    assert np.linalg.matrix_rank(W, tol=1e-9) == 2


def test_nonnegative_least_squares_against_scipy():
    over = build("nonnegative_least_squares:m=30,n=10")
    solution, residual = nnls(over.features, over.targets)
    assert over.optimum == pytest.approx(0.5 * residual**2)
    for row in rows(
        "nonnegative_least_squares:m=30,n=10",
        "gradient_descent",
        "exponentiated_gradient",
        horizon=5_000,
    ):
        assert row.selected == "minimizer"
        assert row.measures["distance_minimizer"] <= 1e-8
    under = build("nonnegative_least_squares:m=6,n=15")
    least = linprog(np.ones(15), A_eq=under.features, b_eq=under.targets).fun
    assert solved(under)["l1"].value == pytest.approx(least)
    assert (solution >= 0).all()


def test_basis_pursuit_is_the_least_l1_norm():
    from optbench.references import least_norm

    instance = build("linear_program:data=basis_pursuit,m=5,n=12,seed=3")
    features = instance.features[:, :12]
    np.testing.assert_array_equal(instance.features[:, 12:], -features)
    least = least_norm(features, instance.targets, 1.0)
    assert solved(instance)["vertex"].value == pytest.approx(least.value, rel=1e-9)


def test_partly_separable_data_has_an_offset_and_a_direction():
    """S0-13 on its instance: the offset is reached, the direction nears like 1 / log t."""
    text = "logistic_regression:data=partly_separable,seed=37"
    instance = build(text)
    assert instance.kind == "partly_separable" and instance.facts["separable"] is False
    measures = [
        rows(text, "gradient_descent", horizon=horizon, learning_rates=[1.0])[0].measures
        for horizon in (1_000, 30_000)
    ]
    assert measures[1]["distance_offset"] < 0.05 * measures[0]["distance_offset"]
    assert measures[1]["angle_direction"] < measures[0]["angle_direction"] < 5.0
    span = instance.facts["span"]
    np.testing.assert_allclose(span @ span.T, np.diag([1.0, 1.0, 0.0, 0.0]), atol=1e-14)


@pytest.mark.parametrize("loss", ["square", "logistic"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_small_network_against_numpy(activation, loss):
    """The loss by matrices; the gradient by central differences of that."""
    from scipy.special import erf

    instance = build(f"small_network:activation={activation},loss={loss},n=4,d=3,hidden=5")
    inputs, targets = instance.features, instance.targets
    functions = {
        "relu": lambda z: np.maximum(z, 0.0),
        "leaky": lambda z: np.where(z > 0.0, z, 0.1 * z),
        "tanh": np.tanh,
        "erf": erf,
    }

    def mean_loss(theta):
        hidden = functions[activation](inputs @ theta[:15].reshape(5, 3).T)
        outputs = hidden @ theta[15:] / np.sqrt(5.0)
        if loss == "square":
            return 0.5 * np.mean((outputs - targets) ** 2)
        return np.logaddexp(0.0, -targets * outputs).mean()

    chunk = one_chunk(instance, "gradient_descent", [0.1])
    chunk.advance(0)
    assert chunk.runs.loss[0] == pytest.approx(mean_loss(instance.start), rel=1e-12)
    steps = 1e-6 * np.eye(20)
    slopes = [(mean_loss(instance.start + s) - mean_loss(instance.start - s)) / 2e-6 for s in steps]
    np.testing.assert_allclose(chunk.runs.gradient[0], slopes, atol=1e-8)
    if loss == "logistic":
        assert set(targets) <= {-1.0, 1.0}


def test_small_network_says_its_least_kernel_eigenvalue():
    """E [1(w.x > 0) 1(w.x' > 0)] x.x' by a million Gaussian w, to about 1e-3."""
    instance = build("small_network:n=4,d=3")
    inputs = instance.features
    active = inputs @ np.random.default_rng(0).standard_normal((3, 1_000_000)) > 0.0
    kernel = (inputs @ inputs.T) * (active.astype(float) @ active.T.astype(float)) / 1e6
    expected = np.linalg.eigvalsh(kernel)[0]
    assert instance.facts["least_kernel_eigenvalue"] == pytest.approx(expected, abs=3e-3)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("quadratic:kappa=0.5", "kappa=0.5 must be at least 1"),
        ("quadratic:d=1", "d=1 must be at least 2"),
        ("quadratic:spectrum=flat", "spectrum=flat; known: linspace, geomspace"),
        ("scalar_chain:depth=0", "depth=0"),
        ("scalar_chain:target=0", "target=0"),
        ("scalar_chain:scale=-1", "scale=-1"),
        ("matrix_factorization:singular_values=1x2", "decreasing order"),
        ("matrix_factorization:singular_values=ax2", "joined by x, such as 4x2x1x0.5"),
        ("matrix_factorization:rows=3", "4 singular values need at least as many rows"),
        ("matrix_regression:n=0", "n=0"),
        ("matrix_regression:rank=5", "rank=5 must be between 1 and 4"),
        ("matrix_completion:rank=31", "rank=31"),
        ("matrix_completion:observed=1", "some but not all"),
        ("matrix_completion:measurements=rows", "known: entries, gaussian"),
        ("inverse_problem:latent=7", "latent=7"),
        ("nonnegative_least_squares:m=0", "m=0"),
        ("nonnegative_least_squares:start=0", "start=0 must be positive"),
        ("small_network:hidden=2", "hidden=2 at least 3"),
        ("small_network:activation=sine", "known: relu, leaky, tanh, erf"),
        ("logistic_regression:data=partly_separable,n=3", "option n is for data=gaussian"),
        ("linear_program:data=basis_pursuit,n=0", "n=0"),
    ],
)
def test_wrong_options_are_one_line(text, words):
    with pytest.raises(UserError, match=words) as error:
        build(text)
    assert "\n" not in str(error.value)
