"""Which interpolant each optimizer selects, against pinv and the optimality conditions."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from small_instances import one_chunk

from optbench import compare
from optbench.errors import UserError
from optbench.instance import Instance
from optbench.registry import load_registry
from optbench.solutions import family_member, solved
from optbench.study import build_instances

UNDERDETERMINED = "linear_regression:data=gaussian,n=5,d=12,seed=3"
SELECT_L2 = ("gradient_descent", "heavy_ball", "nesterov", "natural_gradient")


def build(text: str = UNDERDETERMINED) -> Instance:
    ((instance,),) = build_instances(load_registry(), text, 1)
    return instance


def last_predictor(instance, name, rate=None, horizon=20_000, **options) -> np.ndarray:
    """Run at 1/L (a tenth of it with momentum 0.9, whose steps add up tenfold) or at ``rate``."""
    natural = 1.0 / instance.curvature
    rates = {"heavy_ball": 0.1 * natural, "nesterov": 0.1 * natural, "natural_gradient": 0.5}
    chunk = one_chunk(instance, name, [rate or rates.get(name, natural)], **options)
    chunk.advance(horizon)
    return chunk.runs.w[0]


def outside_row_space(features: np.ndarray, dual: np.ndarray) -> float:
    """Relative size of the part of a vector that is orthogonal to the rows of the features.

    An interpolant w minimises a convex potential iff its gradient at w lies in the row space.
    """
    inside = np.linalg.pinv(features) @ features @ dual
    return float(np.linalg.norm(dual - inside) / np.linalg.norm(dual))


@pytest.mark.parametrize("name", SELECT_L2)
def test_from_zero_the_limit_is_pinv_times_y(name):
    instance = build()
    expected = np.linalg.pinv(instance.features) @ instance.targets
    w = last_predictor(instance, name)
    assert np.linalg.norm(w - expected) <= 1e-8 * np.linalg.norm(expected)


def test_from_elsewhere_gradient_descent_keeps_the_part_outside_the_row_space():
    """S1-08: the limit is pinv(X) y + (I - pinv(X) X) w0."""
    instance = build()
    chunk = one_chunk(instance, "gradient_descent", [1.0 / instance.curvature], seeds=[4],
                      perturbation=1.0)  # fmt: skip
    start = chunk.runs.w[0].copy()
    assert np.linalg.norm(start) > 1.0
    chunk.advance(20_000)
    X = instance.features
    expected = np.linalg.pinv(X) @ (instance.targets - X @ start) + start
    np.testing.assert_allclose(chunk.runs.w[0], expected, rtol=0, atol=1e-8)


@pytest.mark.parametrize(("p", "name"), [(1.0, "l1"), (2.0, "l2"), (np.inf, "linf")])
def test_a_norm_with_a_name_of_its_own_is_solved_once(p, name):
    instance = build()
    assert family_member(instance, "lp", p) is solved(instance)[name]


@pytest.mark.parametrize("p", [1.5, 3.0])
def test_p_norm_mirror_descent_finds_its_least_lp_interpolant(p):
    instance = build()
    w = last_predictor(instance, "p_norm_mirror_descent", 0.05, 100_000, p=p)
    np.testing.assert_allclose(instance.features @ w, instance.targets, atol=1e-10)
    assert outside_row_space(instance.features, np.sign(w) * np.abs(w) ** (p - 1.0)) <= 1e-8
    reference = family_member(instance, "lp", p)
    assert np.linalg.norm(w - reference.solution) <= 1e-7 * np.linalg.norm(w)


@pytest.mark.parametrize("scale", [1.0, 0.01])
def test_hypentropy_finds_its_own_minimiser(scale):
    """The gradient of the hypentropy potential is arcsinh(w / (2 scale))."""
    instance = build()
    w = last_predictor(instance, "hypentropy", 0.05, 100_000, scale=scale)
    np.testing.assert_allclose(instance.features @ w, instance.targets, atol=1e-10)
    assert outside_row_space(instance.features, np.arcsinh(w / (2.0 * scale))) <= 1e-8
    reference = family_member(instance, "hypentropy", scale)
    assert np.linalg.norm(w - reference.solution) <= 1e-7 * np.linalg.norm(w)


@pytest.mark.parametrize("scale", [0.01, 0.3])
def test_the_diagonal_network_follows_hypentropy_of_its_scale_squared(scale):
    """u v = scale^2 along the flow; discrete steps change it by O(learning rate), halved here."""
    instance = build()
    errors = []
    for rate in (2e-3, 1e-3):
        parameters = f"diagonal:scale={scale}"
        w = last_predictor(instance, "gradient_descent", rate, 100_000, parameters=parameters)
        reference = family_member(instance, "hypentropy", scale**2).solution
        errors.append(np.linalg.norm(w - reference) / np.linalg.norm(reference))
    assert errors[1] <= 2e-3
    assert 1.8 <= errors[0] / errors[1] <= 2.2


def test_a_smaller_scale_is_closer_to_the_least_l1_norm():
    """Trap 2: the norm tends to the least one; the vector does so arbitrarily slowly."""
    instance = build()
    excess = []
    for scale in (1.0, 0.1, 1e-4):
        w = last_predictor(
            instance, "gradient_descent", 2e-3, 100_000, parameters=f"diagonal:scale={scale:g}"
        )
        excess.append(np.abs(w).sum() / solved(instance)["l1"].value - 1.0)
    assert excess[0] > excess[1] > excess[2] >= 0
    assert excess[2] <= 0.02  # it falls like 1 / log(1 / scale)


def test_the_table_names_what_was_selected_and_the_effective_p():
    chosen = [
        *SELECT_L2,
        "p_norm_mirror_descent[p=1.5]",
        "p_norm_mirror_descent[p=3]",
        "hypentropy",
    ]
    result = compare([UNDERDETERMINED], chosen, horizon=10_000, rerun=True)
    selected = [row.selected for row in result.bias_rows]
    assert selected == ["l2"] * 4 + ["l1.5", "l3", "hypentropy"]
    assert selected == [row.theory for row in result.bias_rows]
    exponents = [row.effective_p for row in result.bias_rows]
    assert exponents[:6] == [2.0] * 4 + [1.5, 3.0]
    assert 1.0 < exponents[6] < 2.0  # hypentropy lies between L1 and L2
    for row in result.bias_rows[:4]:
        assert row.measures["distance_l2"] <= 1e-8


@pytest.mark.parametrize("text", [UNDERDETERMINED, "linear_regression:data=digits,rows=30"])
def test_the_critical_learning_rate_of_gradient_descent_is_2_over_l(text):
    """Brackets end 3% apart, and just above 2/L a run needs more than 200 steps to blow up."""
    result = compare([text], ["gradient_descent"], horizon=1_000, rerun=True)
    (row,) = result.convergence_rows
    features = build(text).features
    theory = 2.0 / np.linalg.eigvalsh(features @ features.T / len(features))[-1]
    assert row.theory_learning_rate == pytest.approx(theory, rel=1e-9)
    assert row.critical_learning_rate == pytest.approx(theory, rel=0.04)


def test_more_rows_than_features_select_the_minimiser():
    text = "linear_regression:data=gaussian,n=60,d=4"
    instance = build(text)
    fitted = LinearRegression(fit_intercept=False).fit(instance.features, instance.targets)
    assert list(instance.references) == ["minimizer"]
    np.testing.assert_allclose(solved(instance)["minimizer"].solution, fitted.coef_, rtol=1e-10)
    residual = instance.features @ fitted.coef_ - instance.targets
    assert instance.optimum == pytest.approx(residual @ residual / 120, rel=1e-12)
    np.testing.assert_allclose(
        last_predictor(instance, "gradient_descent"), fitted.coef_, rtol=1e-8
    )
    row, first = (
        compare([text], ["gradient_descent"], horizon=1_000, rerun=True).bias_rows[0],
        "minimizer",
    )
    assert (row.selected, row.runner_up, row.effective_p) == (first, None, None)
    assert row.measures["distance_minimizer"] <= 1e-8


def test_the_default_is_real_and_underdetermined():
    default = load_registry().problem("linear_regression").default
    assert default == ({"data": "digits", "rows": 30},)
    instance = build("linear_regression:data=digits,rows=30")
    assert instance.features.shape[0] < instance.features.shape[1]
    assert not instance.seeded
    np.testing.assert_allclose(instance.features.mean(axis=0), 0.0, atol=1e-12)
    np.testing.assert_allclose(instance.features.std(axis=0), 1.0, rtol=1e-12)
    assert instance.optimum == pytest.approx(0.0, abs=1e-20)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("data=digit", "did you mean 'digits'"),
        ("data=digits,n=3", "option n is for data=gaussian, not data=digits"),
        ("data=digits,rows=-1", "rows=-1"),
        ("data=digits,rows=99999", "rows=99999 of 1797"),
        ("data=gaussian,n=0", "n=0 and d=50 must be at least 1"),
        ("data=gaussian,d=0", "d=0 must be at least 1"),
        ("data=gaussian,sparsity=99", "sparsity=99 must be between 0 and d=50"),
        ("data=gaussian,noise=x", "noise=x: must be a number"),
        ("standardize=maybe", "standardize=maybe: must be true or false"),
        ("dta=gaussian", "did you mean 'data'"),
        ("data", "'data' is not of the form key=value"),
    ],
)
def test_wrong_options(options, words):
    with pytest.raises(UserError, match=words) as error:
        build(f"linear_regression:{options}")
    assert "\n" not in str(error.value)


BAD_FILES = {
    "": "empty",
    "a,b,target\n": "row",
    "a,b,target\n1,2,3\n4,x,6\n": "x",
    "a,b,target\n1,2,3\n4,nan,6\n": "(?i)nan",
    "a,b,target\n1,2,3\n4,inf,6\n": "(?i)inf",
    "a,b,target\n1,2\n": "line 2 has 2 cells, not 3",
    "target\n1\n2\n": "feature",
    "a,target\n1,2\n1,3\n": "constant",
}


@pytest.mark.parametrize("text", BAD_FILES, ids=range(len(BAD_FILES)))
def test_wrong_files_are_named_in_one_line(text, tmp_path):
    file = tmp_path / "mine.csv"
    file.write_text(text)
    with pytest.raises(UserError, match=BAD_FILES[text]) as error:
        build(f"linear_regression:data={file},target=target")
    assert "mine" in str(error.value) and "\n" not in str(error.value)


def test_a_missing_file():
    with pytest.raises(UserError, match=r"no_such\.csv"):
        build("linear_regression:data=/tmp/no_such.csv")
