"""Which rates are tried: their centre, their ends, and that none is the exact answer."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from searched_cells import cell

from optbench.choices import choose_all
from optbench.registry import load_registry
from optbench.study import Cell, build_instances, make_cells
from optbench.tuning.grid import (
    COUNT,
    ends_at_natural_rate,
    first,
    further,
    momentum_gain,
    natural_rate,
)
from optbench.tuning.starts import Starts

SEPARABLE = "logistic_regression:data=gaussian,n=6,d=12,seed=11"
# Instances whose runs of all optimizers take seconds, where the default has many parameters.
SMALLER = {"matrix_completion": "matrix_completion:rows=6,columns=5,rank=1"}
# Rules that are exact in one step, with the reason.  Where the Hessian is the identity (on what is
# observed), twice Polyak's step, 2 (f - f*) / ||g||^2, is 1 / L: an exact line search; Newton's
# step is the gradient, and so is that of who measures the curvature in the first step.
IDENTITY = ("matrix_factorization", "matrix_completion")
RULES = ("polyak_step", "newton_cg", "barzilai_borwein", "lbfgs")
EXACT = {(problem, rule) for problem in IDENTITY for rule in RULES}


def test_the_grid_is_centred_at_2_over_l():
    made = cell()
    features = made.instance.features
    largest = np.linalg.eigvalsh(features @ features.T)[-1] / len(features)
    assert natural_rate(made) == pytest.approx(2.0 / largest, rel=1e-9)


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9])
def test_heavy_ball_moves_1_over_1_minus_momentum_farther(momentum):
    """Its velocity under a constant gradient g tends to g / (1 - momentum)."""
    made = cell(optimizer=f"heavy_ball[momentum={momentum}]")
    assert momentum_gain(made) == pytest.approx(1.0 / (1.0 - momentum), rel=1e-9)
    plain = natural_rate(cell())
    assert natural_rate(made) == pytest.approx(plain * (1.0 - momentum), rel=1e-9)


def test_the_step_of_normalised_methods_moves_no_margin_by_more_than_one():
    made = cell(SEPARABLE, "normalized_gradient_descent")
    longest = np.linalg.norm(made.instance.features, axis=1).max()
    assert natural_rate(made) == pytest.approx(1.0 / longest, rel=1e-12)


def test_no_rate_is_a_whole_part_of_the_natural_one_nor_of_its_half():
    """So many equal steps as fit into the size of a solution never end on it; none is 1 / L."""
    made = cell()
    rates = first(1.0, made.instance)
    assert not ends_at_natural_rate(made.instance)
    parts = np.concatenate([1.0 / np.array(rates), np.array(rates), 0.5 / np.array(rates)])
    assert np.abs(parts - np.rint(parts)).min() > 1e-6
    # 10^(k/4) with odd k: the fourth power of a fraction of whole numbers is never 10^k
    np.testing.assert_allclose(4.0 * np.log10(rates) % 2.0, 1.0, atol=1e-9)


def test_on_separable_data_the_grid_ends_at_the_natural_rate():
    made = cell(SEPARABLE)
    assert ends_at_natural_rate(made.instance)
    assert first(2.71, made.instance)[-1] == 2.71


@pytest.mark.parametrize("smaller", [True, False])
def test_a_wider_grid_goes_on_at_the_same_spacing(smaller):
    rates = first(0.3, cell().instance)
    more = further(rates, smaller)
    whole = [*more, *rates] if smaller else [*rates, *more]
    np.testing.assert_allclose(np.diff(np.log10(whole)), 0.5, rtol=1e-9)
    assert len(rates) == COUNT == 13


def first_steps_at_1e8(made: Cell) -> Iterator[float]:
    """Run every rate that a search may try two steps; return when each was at 1e-8."""
    rates: list[float | None] = [None]
    if made.choice.tuned is not None:
        grid = first(natural_rate(made), made.instance)
        larger = [] if ends_at_natural_rate(made.instance) else further(grid, smaller=False)
        rates = [*further(grid, smaller=True), *grid, *larger]
    asking = Starts(made, seeds=1, horizon=2, perturbation=0.0).at(rates, 2)
    for chunk in next(asking)[0]:
        chunk.advance(2)
        yield from chunk.passages(made.instance.optimum).reached[:, -1]


@pytest.mark.slow
@pytest.mark.parametrize("problem", sorted(load_registry().problems))
def test_no_rate_of_a_search_is_the_exact_answer(problem):
    """No run of any optimizer is at 1e-8 in two steps, but for exact rules.

    On the quadratic from 0 to (1, ..., 1) sign descent, Adam and Lion were, at the rate 1.
    """
    registry, found, runs = load_registry(), set(), 0
    for built in build_instances(registry, SMALLER.get(problem, problem), 1):
        for made in make_cells(built, choose_all(registry, ["all"]), ()):
            if made.skip is None:
                reached = list(first_steps_at_1e8(made))
                runs += len(reached)
                if min(reached) <= 2:
                    found.add((problem, made.choice.label))
    assert found <= EXACT
    assert runs > 30  # few optimizers project onto a set
