"""Measures against numbers by hand and against the definitions in NumPy and SciPy."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import linprog
from sklearn.metrics import f1_score

from optbench.analysis.kinds import kind_of, measure_named
from optbench.analysis.kinds.distances import angle, excess, relative_distances
from optbench.data import read_linear_program, to_standard_form
from optbench.instance import Instance
from optbench.losses import squared_error
from optbench.references import Reference
from optbench.registry import load_registry
from optbench.solutions import family_member, solved
from optbench.study import build_instances

GENERATOR = np.random.default_rng(0)


def build(text):
    ((instance,),) = build_instances(load_registry(), text, 1)
    return instance


def measure(instance, references, w):
    return kind_of(instance).measure(instance, references, w)


def test_angles_by_hand():
    assert angle(np.array([1.0, 0.0]), np.array([0.0, 3.0])) == pytest.approx(90.0)
    assert angle(np.array([1.0, 1.0]), np.array([-2.0, -2.0])) == pytest.approx(180.0)
    assert angle(np.array([1.0, 0.0]), np.array([7.0, 7.0])) == pytest.approx(45.0)


@pytest.mark.parametrize("degrees", [1e-7, 1e-5, 1e-3])
def test_small_angles_keep_their_digits(degrees):
    """arccos of the dot product is lost below 1e-6 degrees; rounding leaves 1e-14 here."""
    tilt = math.radians(degrees)
    w = np.array([math.cos(tilt), math.sin(tilt), 0.0])
    assert angle(w, np.array([1.0, 0.0, 0.0])) == pytest.approx(degrees, rel=1e-6, abs=1e-13)


def relative_distance(a, b):
    return relative_distances(a[None], b)[0]


def test_relative_distance_by_hand():
    assert relative_distance(np.array([3.0, 4.0]), np.array([0.0, 4.0])) == pytest.approx(0.75)


def test_margins_are_normalised():
    instance = build("logistic_regression:data=gaussian,n=6,d=12,seed=11")
    w = GENERATOR.standard_normal(12)
    for p in (1.0, 1.5, 2.0, 3.0, np.inf):
        smallest = min(
            y * (x @ w) for x, y in zip(instance.features, instance.targets, strict=True)
        )
        reference = family_member(instance, "lp", p)
        expected = smallest / np.linalg.norm(w, p) / reference.value
        for size in (1.0, 1e5):
            found = kind_of(instance).quality(instance, size * w, reference)
            assert found == pytest.approx(expected, rel=1e-12)


def test_classification_of_each_reference_itself():
    """Ratio 1 and angle 0 in its own norm; at most 1 in the others, whatever the predictor."""
    instance = build("logistic_regression:data=gaussian,n=6,d=12,seed=11")
    for name, reference in solved(instance).items():
        found = measure(instance, solved(instance), 17.0 * reference.solution)
        assert found[f"margin_ratio_{name}"] == pytest.approx(1.0, abs=1e-8)
        assert found[f"angle_{name}"] == pytest.approx(0.0, abs=1e-6)
        assert all(found[f"margin_ratio_{other}"] <= 1 + 1e-8 for other in solved(instance))
    worse = measure(instance, solved(instance), -solved(instance)["l2"].solution)
    assert worse["margin_ratio_l2"] < -1.0 and worse["angle_l2"] == pytest.approx(180.0)


def test_regression_of_the_minimum_norm_interpolant():
    """Norm excess of pinv(X) y: 0 in L2, and against a linear program's norm in L1."""
    instance = build("linear_regression:data=gaussian,n=5,d=12,seed=3")
    X, y = instance.features, instance.targets
    w = np.linalg.pinv(X) @ y
    found = measure(instance, solved(instance), w)
    assert found["norm_excess_l2"] == pytest.approx(0.0, abs=1e-10)
    assert found["distance_l2"] == pytest.approx(0.0, abs=1e-8)
    assert found["residual"] <= 1e-12
    least = linprog(np.ones(24), A_eq=np.hstack([X, -X]), b_eq=y).fun
    assert found["norm_excess_l1"] == pytest.approx(np.abs(w).sum() / least - 1.0, rel=1e-6)
    assert measure(instance, solved(instance), 0.0 * w)["residual"] == pytest.approx(1.0)


def test_linear_program_against_the_definitions():
    instance = build("linear_program:data=random")
    cost, A, b = instance.cost, instance.features, instance.targets
    best = linprog(cost, A_eq=A, b_eq=b)
    w = np.abs(GENERATOR.standard_normal(15))
    found = measure(instance, solved(instance), w)
    assert found["objective_gap"] == pytest.approx(abs(cost @ w / best.fun - 1.0), rel=1e-8)
    expected = np.linalg.norm(A @ w - b) / (1.0 + np.linalg.norm(b))
    assert found["infeasibility"] == pytest.approx(expected, rel=1e-12)
    f1 = f1_score(best.x > 1e-6, np.ones(15, dtype=bool))
    assert found["support_f1"] == pytest.approx(f1, rel=1e-12)
    assert found["distance_vertex"] == pytest.approx(relative_distance(w, best.x), rel=1e-6)
    at_vertex = measure(instance, solved(instance), best.x)
    assert at_vertex["objective_gap"] <= 1e-8 and at_vertex["support_f1"] == 1.0
    assert at_vertex["infeasibility"] <= 1e-8


def test_a_norm_of_zero_is_no_error():
    """Targets of 0: the least norm is 0, and whatever is not 0 is infinitely larger."""
    instance = build("linear_regression:data=gaussian,n=5,d=12,seed=3")
    zero = replace(solved(instance)["l2"], solution=np.zeros(12), value=0.0)
    still = replace(instance, targets=np.zeros(5))
    found = measure(still, {"l2": zero}, np.ones(12))
    assert found["norm_excess_l2"] == found["distance_l2"] == np.inf
    terms = np.linalg.norm(np.abs(instance.features) @ np.ones(12))
    expected = np.linalg.norm(instance.features @ np.ones(12)) / terms
    assert found["residual"] == pytest.approx(expected, rel=1e-12)
    assert excess(0.0, 0.0) == relative_distance(np.zeros(2), np.zeros(2)) == 0.0


def test_an_optimum_of_zero_is_measured_in_the_size_of_its_terms():
    """min x - y with x + y = 2, x >= y by a slack: c.x = 0 at (1, 1), whose terms add up to 2."""
    instance = build("linear_program:data=random")
    A = np.array([[1.0, 1.0, 0.0], [1.0, -1.0, -1.0]])
    x = np.array([1.0, 1.0, 0.0])
    vertex = replace(solved(instance)["vertex"], solution=x, value=1e-17)
    program = replace(instance, features=A, targets=A @ x, cost=np.array([1.0, -1.0, 0.0]))
    found = measure(program, {"vertex": vertex}, np.array([1.1, 0.9, 0.2]))
    assert found["objective_gap"] == pytest.approx(0.2 / 2.0, rel=1e-12)


def test_every_reference_has_a_distance_or_an_angle():
    """Also those that theory adds; their columns are made from their names."""
    separable = build("logistic_regression:data=gaussian,n=6,d=12,seed=11")
    l3 = family_member(separable, "lp", 3.0)
    found = measure(separable, solved(separable) | {"l3": l3}, 2.0 * l3.solution)
    assert found["angle_l3"] == pytest.approx(0.0, abs=1e-6)
    shown = measure_named("angle_l3")
    assert (shown.header, shown.unit, shown.against) == ("angle\nl3", "deg", "l3")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("linear_regression:data=gaussian,n=5,d=12", "regression"),
        ("matrix_completion", "matrix"),
        ("logistic_regression:data=gaussian", "classification"),
        ("logistic_regression:data=partly_separable", "partly_separable"),
        ("linear_program:data=random", "linear_program"),
        ("quadratic", "other"),
        ("quadratic_game", "other"),
    ],
)
def test_every_instance_has_one_kind_which_declares_what_it_measures(text, name):
    instance = build(text)
    kind = kind_of(instance)
    assert kind.name == name
    w = GENERATOR.standard_normal(instance.dimension)
    found = kind.measure(instance, solved(instance), np.abs(w) if instance.positive else w)
    assert set(found) <= {each.name for each in kind.measures} | {
        f"{what}_{name}" for what in ("distance", "angle") for name in solved(instance)
    }


def test_measures_of_a_matrix_against_numpy():
    instance = build("matrix_completion:rows=6,columns=5,observed=0.5,rank=1")
    w = GENERATOR.standard_normal(30)
    found = measure(instance, solved(instance), w)
    values = np.linalg.svd(w.reshape(6, 5))[1]
    shares = values / values.sum()
    assert found["effective_rank"] == pytest.approx(np.exp(-(shares @ np.log(shares))), rel=1e-12)
    assert found["stable_rank"] == pytest.approx((w @ w) / values[0] ** 2, rel=1e-12)
    least = solved(instance)["nuclear"].value
    assert found["norm_excess_nuclear"] == pytest.approx(values.sum() / least - 1.0, rel=1e-12)


def test_the_objective_gap_of_a_file_is_in_its_own_units():
    """A maximization with a constant: the gap is of the objective as the file says it."""
    file = Path(__file__).parents[1] / "data" / "cases" / "03d-inlineMAXIMIZE.mps"
    instance = build(f"linear_program:data={file}")
    form = to_standard_form(read_linear_program(file), np.array([0.0, 10.0]))
    w = np.abs(GENERATOR.standard_normal(instance.dimension))
    x, y = form.recover(w)
    found = measure(instance, solved(instance), w)
    assert found["objective_gap"] == pytest.approx(abs(2.0 * x + 3.0 * y - 30.0) / 30.0, rel=1e-12)


def test_an_optimum_of_zero_is_no_division_by_zero():
    """min x - y, x = y = 1: relative to the terms, of which there are two of 1."""
    vertex = Reference(
        "vertex", "linear_program", None, np.ones(2), 0.0, 0.0, 0.0, np.zeros(2), True
    )
    instance = Instance(
        problem="p",
        features=np.eye(2),
        targets=np.ones(2),
        kind="linear_program",
        row=squared_error,
        cost=np.array([1.0, -1.0]),
    )
    found = measure(instance, {"vertex": vertex}, np.array([1.0 + 1e-9, 1.0]))
    assert found["objective_gap"] == pytest.approx(1e-9 / 2.0, rel=1e-6)
