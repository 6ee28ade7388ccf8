"""``optbench check`` finds the degrees with which a rule is homogeneous."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Mapping

import numpy as np
import pytest

from optbench import Hyper, Slot, optimizer
from optbench.check.degrees import Degrees, find_degrees
from optbench.check.optimizers import homogeneous
from optbench.check.outcome import Failed, NotApplicable
from optbench.contract import Optimizer
from optbench.registry import load_registry

OPTIMIZERS = load_registry().optimizers


def with_degrees(rule: Optimizer, declared: bool, degrees: Mapping[str, int]) -> Optimizer:
    """Return the rule with these degrees, and 0 for what is not named."""
    hypers = {k: dataclasses.replace(v, degree=degrees.get(k, 0)) for k, v in rule.hypers.items()}
    slots = {k: dataclasses.replace(v, degree=degrees.get(k, 0)) for k, v in rule.slots.items()}
    return dataclasses.replace(rule, homogeneous=declared, hypers=hypers, slots=slots)


def degrees_of(rule: Optimizer) -> dict[str, int]:
    return {name: each.degree for name, each in {**rule.hypers, **rule.slots}.items()}


# sophia's maximum and its clipping hide eps and gamma where the trials run
@pytest.mark.parametrize("name", [name for name in OPTIMIZERS if name != "sophia"])
def test_the_degrees_of_every_built_in_are_found_again(name: str) -> None:
    """That the declared ones hold, bit for bit, is tested beside the optimizers."""
    rule = OPTIMIZERS[name]
    began = time.perf_counter()
    with np.errstate(all="ignore"):
        found = find_degrees(with_degrees(rule, False, {}))
    assert time.perf_counter() - began < 2.0
    if not rule.homogeneous:
        assert found is None
        return
    assert found is not None
    assert {**found.hypers, **found.slots} == degrees_of(rule)


@optimizer(reference="a test")
def clipped(theta, grad, rate=Hyper(tune="log"), largest=Hyper(1.0)):
    """The clipping threshold is a gradient."""
    square = 0.0
    for i in range(theta.size):
        square += grad[i] * grad[i]
    for i in range(theta.size):
        theta[i] -= rate * grad[i] * min(1.0, largest / square**0.5)


@optimizer(reference="a test")
def clipped_at_one(theta, grad, rate=Hyper(tune="log")):
    """A threshold that nobody can change has no degree."""
    square = 0.0
    for i in range(theta.size):
        square += grad[i] * grad[i]
    for i in range(theta.size):
        theta[i] -= rate * grad[i] * min(1.0, 1e-3 / square**0.5)


@optimizer(reference="a test")
def from_one(theta, grad, sums=Slot(initial=1.0), rate=Hyper(tune="log")):
    """A sum of squares that starts at 1 starts at a unit squared."""
    for i in range(theta.size):
        sums[i] += grad[i] * grad[i]
        theta[i] -= rate * grad[i] / sums[i] ** 0.5


@optimizer(reference="a test")
def cubes(theta, grad, cube=Slot(), rate=Hyper(tune="log")):
    """The degree of a slot is read off: it may be any."""
    for i in range(theta.size):
        cube[i] += abs(grad[i]) ** 3
        theta[i] -= rate * grad[i] / cube[i] ** (1.0 / 3.0) if cube[i] > 0.0 else 0.0


@optimizer(reference="a test")
def two_rates(theta, grad, factor=Hyper(2.0), rate=Hyper(tune="log")):
    """Of two factors either could have the degree: the one that is tuned has it."""
    for i in range(theta.size):
        theta[i] -= rate * factor * grad[i]


@optimizer(reference="a test")
def counts(theta, grad, steps=Slot(shape=1), rate=Hyper(tune="log"), delay=Hyper(3.0)):
    """What does not depend on the gradient has degree 0."""
    steps[0] += 1.0
    for i in range(theta.size):
        theta[i] -= rate / (delay + steps[0]) * grad[i]


@optimizer(reference="a test")
def many(
    theta,
    grad,
    rate=Hyper(tune="log"),
    unit=Hyper(1.0),
    a=Hyper(0.9),
    b=Hyper(0.8),
    c=Hyper(0.7),
    d=Hyper(0.6),
    e=Hyper(0.5),
    f=Hyper(0.4),
    g=Hyper(0.3),
):
    """Nine hyperparameters: numbers without a unit beside the unit of a gradient."""
    for i in range(theta.size):
        x = grad[i] / unit
        factor = a + b / (1.0 + abs(x)) ** c + d * math.exp(-e * x * x) + f * math.cos(g * x)
        theta[i] -= rate * factor * x


@optimizer(reference="a test")
def fixed_length(theta, grad):
    """Without a hyperparameter there is nothing to search."""
    for i in range(theta.size):
        theta[i] -= 1e-3 * grad[i] / abs(grad[i]) if grad[i] != 0.0 else 0.0


@optimizer(reference="a test")
def fixed_rate(theta, grad):
    """Without a hyperparameter nothing can balance the gradient."""
    for i in range(theta.size):
        theta[i] -= 1e-3 * grad[i]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (clipped, {"rate": -1, "largest": 1}),
        (clipped_at_one, None),
        (from_one, {"sums": 2}),
        (cubes, {"cube": 3}),
        (two_rates, {"rate": -1}),
        (counts, {"rate": -1}),
        (many, {"unit": 1}),
        (fixed_length, {}),
        (fixed_rate, None),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_degrees_are_those_of_dimensional_analysis(rule: Optimizer, expected) -> None:
    found = find_degrees(rule)
    if expected is None:
        assert found is None
        return
    assert found is not None
    told = {name: degree for name, degree in {**found.hypers, **found.slots}.items() if degree}
    assert told == expected


def test_what_is_not_declared_but_holds_is_said_in_one_line() -> None:
    for name, words in {
        "heavy_ball": "holds with velocity of degree 1 and learning_rate of degree -1: declare",
        "sign_descent": "holds with all degrees 0: declare homogeneous=True",
        "automatic_gradient_descent": "no degrees were found",
    }.items():
        with pytest.raises(NotApplicable, match=r"^not declared, ") as told:
            homogeneous(with_degrees(OPTIMIZERS[name], False, {}))
        assert words in str(told.value) and "\n" not in str(told.value)


def test_a_wrong_degree_is_corrected() -> None:
    """Adam's eps without its degree moves the path by eps alone, 1e-8."""
    adam = OPTIMIZERS["adam"]
    wrong = with_degrees(adam, True, {**degrees_of(adam), "eps": 0})
    with pytest.raises(
        Failed, match=r"times 2\^-400 .*second_moment of degree 2 and eps of degree 1"
    ):
        homogeneous(wrong)
    with pytest.raises(Failed, match="no degrees were found"):
        homogeneous(with_degrees(clipped_at_one, True, {"rate": -1}))


def test_degrees_are_told_in_words() -> None:
    assert str(Degrees({"eps": 1, "beta": 0}, {"m": 1, "v": 2})) == (
        "m of degree 1, v of degree 2 and eps of degree 1"
    )
    assert str(Degrees({"beta": 0}, {"m": 1})) == "m of degree 1"
    assert str(Degrees({"beta": 0}, {})) == "all degrees 0"
