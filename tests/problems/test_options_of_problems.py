"""An option of a problem changes the instance, or is refused: none is ignored silently."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from optbench import Instance, UserError, compare
from optbench.identity import identity
from optbench.options import option_text, parse_options, parse_specification
from optbench.registry import load_registry
from optbench.study import build_instances

CONTEXTS = [
    "linear_regression:data=diabetes",
    "linear_regression:data=gaussian",
    "linear_regression:data=gaussian,sparsity=3",
    "logistic_regression:data=iris_0v1",
    "logistic_regression:data=gaussian",
    "logistic_regression:data=partly_separable,loss=logistic",
    "softmax_regression:data=wine",
    "softmax_regression:data=gaussian",
    "constrained_least_squares:over=box",
    "constrained_least_squares:over=simplex",
    "lasso:data=diabetes",
    "lasso:data=gaussian",
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

TOLD_ELSEWHERE = ("options", "name", "made_by")  # what was typed, and by what it was built
OF_FILES = {"header": "true", "kind": "csv"}


def build(text: str) -> Instance:
    ((instance,),) = build_instances(load_registry(), text, 1)
    return instance


def content(instance: Instance) -> str:
    """What results depend on, but for the option values themselves."""
    told = [field.name for field in fields(instance) if field.name not in TOLD_ELSEWHERE]
    return identity(*(getattr(instance, name) for name in told))


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
    usual = content(build(context))
    for key, option in options.items():
        if key in given:
            continue
        joined = f"{context}{',' if given else ':'}{key}="
        if all(option.suits(other, value) for other, value in values.items()):
            if key in OF_FILES:
                with pytest.raises(UserError, match=f"option {key} is for files only"):
                    build(f"{joined}{OF_FILES[key]}")
            elif changed(option) is not None:
                assert content(build(f"{joined}{option_text(changed(option))}")) != usual, key
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
    assert content(build(f"{text},{same}")) == content(build(text))
