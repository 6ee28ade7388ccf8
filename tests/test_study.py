"""What users type becomes cells: names, hyperparameters, instances, and reasons to skip."""

from __future__ import annotations

import numpy as np
import pytest

from optbench.choices import choose_all, choose_one
from optbench.errors import UserError
from optbench.parametrizations import parametrization
from optbench.registry import load_registry
from optbench.study import build_instances, make_cells, reason_to_skip

GAUSSIAN = "linear_regression:data=gaussian,n=3,d=5"
SEPARABLE = "logistic_regression:data=gaussian"


@pytest.fixture(name="registry", scope="module")
def registry_fixture():
    return load_registry()


def test_hyperparameters_stand_in_the_order_of_the_signature(registry):
    choice = choose_one(registry, "adam[eps=0,beta2=0.99]")
    assert choice.label == "adam[eps=0,beta2=0.99]"
    assert choice.tuned == "learning_rate"
    by_name = dict(zip(choice.optimizer.hypers, choice.hypers(0.5), strict=True))
    assert by_name == {"learning_rate": 0.5, "beta1": 0.9, "beta2": 0.99, "eps": 0.0, "decay": 0.0,
                       "bias_correction": 1.0}  # fmt: skip


def test_a_fixed_learning_rate_is_not_tuned(registry):
    choice = choose_one(registry, "gradient_descent[learning_rate=0.25]")
    assert choice.tuned is None
    np.testing.assert_array_equal(choice.hypers(), [0.25])
    assert choose_one(registry, " gradient_descent ").label == "gradient_descent"
    assert choose_one(registry, "automatic_gradient_descent").tuned is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("adm", "unknown optimizer 'adm' .did you mean 'adam'"),
        ("xyzzy", r"unknown optimizer 'xyzzy'; the nearest of \d+ names: \w+, \w+, \w+"),
        ("adam[beta3=1]", "unknown option 'beta3' .did you mean 'beta"),
        ("adam[beta1=2]", "beta1=2 must be at most 0.999999"),
        ("adam[beta1=nan]", "beta1=nan must be a finite number"),
        ("adam[eps=-1]", "eps=-1 must be at least 0"),
        ("adam[eps=inf]", "eps=inf must be a finite number"),
        ("adam[eps=small]", "eps=small: must be a number"),
        ("adam[eps]", "'eps' is not of the form key=value"),
        ("adam[eps=1,eps=2]", "'eps' is given twice"),
        ("[eps=1]", "has no name"),
        ("", "has no name"),
    ],
)
def test_wrong_optimizers_are_one_line(registry, text, words):
    with pytest.raises(UserError, match=words) as error:
        choose_one(registry, text)
    assert "\n" not in str(error.value)


def test_default_instances_and_seeds(registry):
    for name, problem in registry.problems.items():
        built = build_instances(registry, name, 1)
        assert len(built) == len(problem.default or ({},))
        assert all(len(group) == 1 for group in built)
    ((first, second, third),) = build_instances(registry, f"{GAUSSIAN},seed=7", 3)
    generator = np.random.Generator(np.random.PCG64(8))
    np.testing.assert_array_equal(second.features, generator.standard_normal((3, 5)))
    assert [i.name[-6:] for i in (first, second, third)] == ["seed=7", "seed=8", "seed=9"]
    ((real,),) = build_instances(registry, "linear_regression:data=digits,rows=5", 3)
    assert not real.seeded


def test_wrong_problems_are_one_line(registry):
    with pytest.raises(UserError, match=r"unknown problem 'linear_progam' .did you mean"):
        build_instances(registry, "linear_progam", 1)
    with pytest.raises(UserError, match=r"unknown option 'sede' .did you mean 'seed'"):
        build_instances(registry, "linear_program:sede=1", 1)


def test_cells_are_instances_by_optimizers_by_parametrizations(registry):
    (built,) = build_instances(registry, GAUSSIAN, 1)
    choices = [
        choose_one(registry, name) for name in ("gradient_descent", "online_natural_gradient")
    ]
    cells = make_cells(built, choices, ["linear", "diagonal:depth=3"])
    table = [(cell.choice.label, cell.parametrization.name, cell.skip is None) for cell in cells]
    assert table == [
        ("gradient_descent", "linear", True),
        ("gradient_descent", "diagonal:depth=3,scale=0.1", True),
        ("online_natural_gradient", "linear", True),
        ("online_natural_gradient", "diagonal:depth=3,scale=0.1", False),
    ]


@pytest.mark.parametrize(
    ("problem", "parameters", "given", "expected"),
    [
        (SEPARABLE, (), ["adam"], ["adam", "adam[eps=0,decay=0.5,beta2=0.99] (theorem)"]),
        (SEPARABLE, (), ["adam[eps=0]"], ["adam[eps=0]"]),  # the user's own stay alone
        (SEPARABLE, (), ["gradient_descent"], ["gradient_descent"]),  # nothing else is asked for
        (SEPARABLE, ["diagonal"], ["gradient_descent"], ["gradient_descent"]),
        (GAUSSIAN, (), ["adam"], ["adam"]),  # no theorem
        (
            SEPARABLE,
            (),
            ["coordinate_descent", "coordinate_descent[decay=0.1]"],
            ["coordinate_descent", "coordinate_descent[decay=0.1]"],  # not twice
        ),
        (
            "linear_program:data=random",
            (),
            ["heavy_ball", "normalized_gradient_descent"],  # its steps have a prescribed length
            [
                "heavy_ball",
                "heavy_ball[small rate] (theorem)",
                "normalized_gradient_descent",
            ],
        ),
    ],
)
def test_a_row_as_the_theorem_asks_stands_beside_the_one_as_used(
    registry, problem, parameters, given, expected
):
    (built,) = build_instances(registry, problem, 1)
    cells = make_cells(built, choose_all(registry, given), parameters, as_theorems_ask=True)
    assert [cell.choice.label for cell in cells] == expected
    asked = [cell for cell in cells if cell.choice.as_theorem_asks]
    assert len(asked) == sum("(theorem)" in label for label in expected)
    for cell in cells:
        longer = cell.choice.follows_flow
        assert cell.horizon(1_000) == (5_000 if longer else 1_000)
        assert cell.horizon(500_000) == (1_000_000 if longer else 500_000)
        assert cell.horizon(5_000_000) == 5_000_000
    assert len(make_cells(built, choose_all(registry, given), parameters)) == len(given)


def test_who_named_an_optimizer(registry):
    assert all(choice.named for choice in choose_all(registry, ["adam", "heavy_ball[momentum=0]"]))
    assert not any(
        choice.named for given in ([], ["all"]) for choice in choose_all(registry, given)
    )


@pytest.mark.parametrize(
    ("problem", "parameters", "optimizer", "words"),
    [
        (GAUSSIAN, "diagonal", "automatic_gradient_descent", "needs weight matrices; the diagonal"),
        (GAUSSIAN, "diagonal", "online_natural_gradient", "the diagonal parametrization maps it"),
        (GAUSSIAN, "linear", "exponentiated_gradient", "acts on positive parameters"),
        ("linear_program:data=random", "linear", "natural_gradient", "needs the Fisher matrix"),
        ("linear_program:data=random", "linear", "adam", "would leave the positive orthant"),
        (GAUSSIAN, "linear", "automatic_gradient_descent", None),
        (GAUSSIAN, "deep_linear", "automatic_gradient_descent", None),
    ],
)
def test_reasons_to_skip(registry, problem, parameters, optimizer, words):
    ((instance,),) = build_instances(registry, problem, 1)
    built = parametrization(parameters, instance.dimension)
    reason = reason_to_skip(instance, built, registry.optimizer(optimizer))
    assert reason is None if words is None else words in reason
