"""How fast the logarithm of a row's loss changes, as an instance declares it."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from optbench import UserError
from optbench.check.objective import steepness
from optbench.check.outcome import NotApplicable
from optbench.instance import Instance
from optbench.losses import exponential_loss, logistic_loss, squared_error


def instance(row, limit, features=None):
    features = np.eye(3) if features is None else features
    return Instance("test", features, np.array([1.0, -1.0, 1.0]), "other", row=row, steepness=limit)


@pytest.mark.parametrize("row", [logistic_loss, exponential_loss])
def test_margin_losses_change_by_at_most_themselves(row):
    assert steepness(instance(row, 1.0))


@pytest.mark.parametrize(
    ("row", "limit"), [(logistic_loss, 0.9), (exponential_loss, 0.99), (squared_error, 10.0)]
)
def test_a_wrong_declaration_is_found(row, limit):
    with pytest.raises(Exception, match="steepness=") as caught:
        steepness(instance(row, limit))
    assert "\n" not in str(caught.value)


def test_nothing_declared_nothing_to_check():
    with pytest.raises(NotApplicable):
        steepness(instance(squared_error, math.inf))


def test_the_loss_changes_by_no_more_than_the_reach_along_any_line():
    x = np.array([[3.0, 4.0], [-1.0, 0.5], [0.0, 2.0]])
    made = instance(logistic_loss, 1.0, x)
    assert made.reach == 5.0  # the longest row
    generator = np.random.default_rng(0)
    for _ in range(200):
        a, b = generator.standard_normal((2, 2)) * 3.0
        logs = [math.log(sum(logistic_loss(z, y)[0] for z, y in zip(x @ w, made.targets)))  # noqa: B905
                for w in (a, b)]  # fmt: skip
        assert abs(logs[0] - logs[1]) <= made.reach * np.linalg.norm(a - b) * (1 + 1e-12)
    assert dataclasses.replace(made, steepness=math.inf).reach == 0.0


@pytest.mark.parametrize("limit", [0.0, -1.0, math.nan])
def test_it_is_a_positive_number(limit):
    with pytest.raises(UserError, match="steepness"):
        instance(logistic_loss, limit)
