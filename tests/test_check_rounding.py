"""The contract tests bear rules that amplify rounding errors, and runs that end early."""

from __future__ import annotations

import numpy as np
import pytest

from optbench import Hyper, optimizer
from optbench.check.optimizers import STEPS, TWIN, descends, steady, symmetry, twin
from optbench.check.outcome import Failed
from optbench.registry import load_registry

OPTIMIZERS = load_registry().optimizers


@optimizer(reference="a test")
def unequal(theta, grad, loss, optimal_loss, uneven=Hyper(1e-3)):
    """Polyak's step, whose path on a quadratic is chaotic, with coordinates that are not alike."""
    square = 0.0
    for i in range(theta.size):
        square += grad[i] * grad[i]
    for i in range(theta.size):
        theta[i] -= (1.0 + uneven * i) * max(loss - optimal_loss, 0.0) / square * grad[i]


@pytest.mark.parametrize("name", ["polyak_step", "barzilai_borwein"])
def test_a_chaotic_path_is_compared_while_rounding_errors_are_small(name: str) -> None:
    chaotic = OPTIMIZERS[name]
    assert 4 < steady(chaotic, TWIN) < STEPS
    twin(chaotic)
    symmetry(chaotic, "permutation")
    assert steady(OPTIMIZERS["gradient_descent"], TWIN) == STEPS


def test_a_wrong_promise_of_a_chaotic_rule_is_found() -> None:
    with pytest.raises(Failed, match="it takes another path"):
        symmetry(unequal, "permutation")


@optimizer(reference="a test")
def newton(theta, natural_grad):
    """Newton's method is at rest after a few steps."""
    for i in range(theta.size):
        theta[i] -= natural_grad[i]


def test_a_run_that_is_at_rest_early_descends() -> None:
    with np.errstate(all="ignore"):
        assert descends(newton).startswith("from loss 2.53 to ")
