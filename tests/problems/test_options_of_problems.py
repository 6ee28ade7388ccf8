"""An option of a problem changes the instance, or is refused: none is ignored silently."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from optbench import Instance, UserError, compare
from optbench.options import option_text, parse_options, parse_specification
from optbench.registry import load_registry
from optbench.store.references import data_hash
from optbench.study import build_instances

CONTEXTS = [
    "linear_regression:data=diabetes",
    "linear_regression:data=gaussian",
    "linear_regression:data=gaussian,sparsity=3",
    "logistic_regression:data=iris_0v1",
    "logistic_regression:data=gaussian",
    "logistic_regression:data=partly_separable,loss=logistic",
    "linear_program:data=afiro",
    "linear_program:data=random",
    "linear_program:data=transport",
    "linear_program:data=basis_pursuit",
    "quadratic:rotated=false",
    "quadratic:rotated=true",
    "scalar_chain:depth=1",
    "scalar_chain:depth=3",
    "spherical_logistic:samples=0",
    "spherical_logistic:samples=8",
    "inverse_problem",
    "matrix_completion:rows=8,columns=8",
    "matrix_factorization",
    "matrix_regression",
    "nonnegative_least_squares",
    "quadratic_game",
    "regression_stream",
    "small_network",
]


def build(text: str) -> Instance:
    ((instance,),) = build_instances(load_registry(), text, 1)
    return instance


def identity(instance: Instance) -> tuple[str, str]:
    """What results depend on: data, name and start; theta -> w is named beside them."""
    return instance.key, instance.parametrization


def changed(option: Any) -> Any:
    """Another valid value, or None for free text."""
    value = option.default
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 2  # some must be even
    if isinstance(value, float):
        return 1.5 * value or 0.5
    return option.choices[-1] if option.choices else None


def test_every_problem_is_here():
    assert {parse_specification(text)[0] for text in CONTEXTS} == set(load_registry().problems)


@pytest.mark.parametrize("context", CONTEXTS)
def test_no_option_is_ignored(context):
    name, given = parse_specification(context)
    options = load_registry().problem(name).options
    defaults = {key: option.default for key, option in options.items()}
    values = defaults | parse_options(name, given, defaults)
    usual = identity(build(context))
    for key, option in options.items():
        if key in given:
            continue
        joined = f"{context}{',' if given else ':'}{key}="
        if all(option.suits(other, value) for other, value in values.items()):
            if changed(option) is not None:
                assert identity(build(f"{joined}{option_text(changed(option))}")) != usual, key
            continue
        for value in (option.default, changed(option)):
            with pytest.raises(UserError, match=f"option {key} is (not )?for ") as error:
                build(f"{joined}{option_text(value) if value not in (None, '') else 'x'}")
            assert "\n" not in str(error.value)


def test_python_refuses_them_too():
    with pytest.raises(UserError, match="say linear_regression:data=gaussian,n=20,d=50"):
        compare("linear_regression:n=20,d=50", "gradient_descent")
    problem = load_registry().problem("linear_regression")
    with pytest.raises(UserError, match="say linear_regression:data=gaussian,n=20"):
        problem.build(n=20)
    with pytest.raises(UserError, match="did you mean 'data'"):
        problem.build(dat="gaussian")
    assert problem.build(data="gaussian", n=3, d=5).features.shape == (3, 5)


def gaussian_regression(n, d, seed):
    generator = np.random.Generator(np.random.PCG64(seed))
    return generator.standard_normal((n, d)), generator.standard_normal(n)


def gaussian_classes(n, d, seed):
    generator = np.random.Generator(np.random.PCG64(seed))
    return generator.standard_normal((n, d)), np.ones(n)


@pytest.mark.parametrize(
    ("texts", "data", "words"),
    [
        (
            ("data=gaussian", "data=gaussian,n=20,d=50,sparsity=0,seed=0"),
            gaussian_regression(20, 50, 0),
            "'linear_regression'|'gaussian_20x50_seed0'|'regression'|0.05|False"
            "|[('d', 50), ('n', 20), ('source', 'Gaussian, seed 0')]",
        ),
        (
            ("data=gaussian,n=5,d=12,seed=3", "seed=3,d=12,n=5,data=gaussian"),
            gaussian_regression(5, 12, 3),
            "'linear_regression'|'gaussian_5x12_seed3'|'regression'|0.2|False"
            "|[('d', 12), ('n', 5), ('source', 'Gaussian, seed 3')]",
        ),
        (
            ("data=gaussian", "data=gaussian,n=6,d=12,seed=11,loss=logistic"),
            gaussian_classes(6, 12, 11),
            "'logistic_regression'|'gaussian_6x12_seed11'|'classification'|0.16666666666666666"
            "|True|[('d', 12), ('loss', 'logistic'), ('n', 6), ('separable', True), "
            "('source', 'rows y_i x_i Gaussian, seed 11')]",
        ),
    ],
)
def test_stored_results_are_found_again(texts, data, words):
    """The words are those of release 0.1.0: another key would lose what is on disk."""
    name = words.split("'")[1]
    for text in texts:
        instance = build(f"{name}:{text}")
        assert instance.key == f"{words}|{data_hash(*data, np.zeros(0))!r}"


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("linear_regression:data=digits,rows=30", "intercept=false,standardize=true"),
        ("logistic_regression:data=digits_3v8", "positive=1"),
        ("linear_program:data=transport", "m=6,seed=0,strength=0.01"),
        ("linear_program:data=basis_pursuit", "m=6,n=15,seed=0"),
        ("quadratic:rotated=true", "seed=0,d=50"),
        ("spherical_logistic:samples=8", "d=2"),
    ],
)
def test_defaults_that_are_typed_give_the_same_instance(text, same):
    assert identity(build(f"{text},{same}")) == identity(build(text))
