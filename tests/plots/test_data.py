"""The numbers behind figures, computed anew from the rows of the tables with pandas."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pandas as pd
import pytest

import optbench
from optbench.plots import draw, find
from tests.plots.conftest import CLASSIFICATION, REGRESSION

TARGETS = ["1e-1", "1e-2", "1e-4", "1e-6", "1e-8"]


def of(comparison, kind):
    return find(kind).data(comparison)


@pytest.fixture(scope="module")
def costs(compared):
    """One row for each optimizer, instance and target: steps, evaluations and seconds, or inf."""
    parts = []
    for target in TARGETS:
        part = compared.convergence[["instance_id", "optimizer"]].copy()
        for unit in ("steps", "evaluations", "seconds"):
            part[unit] = compared.convergence[f"{unit}_to_{target}"].astype(float).fillna(math.inf)
        parts.append(part.assign(target=target))
    return pd.concat(parts)


def test_records_of_the_loss_agree_with_the_steps_to_targets(compared):
    """A seed keeps a target from a step after its last record above it on.

    Of gradient descent, whose gap only falls, at the latest from the next record on.
    """
    data = of(compared, "loss")
    checked = 0
    for row in compared.convergence_rows:
        own = data[(data["instance_id"] == row.instance_id) & (data["optimizer"] == row.optimizer)]
        for target, seed in itertools.product(TARGETS, range(row.seeds)):
            kept = row.steps_by_seed[target][seed]
            run = own[own["seed"] == seed]
            above = run[run["log10_left"] > math.log10(float(target)) + 1e-12]["steps"].max()
            if math.isfinite(kept):
                after = run[run["steps"] > above]["steps"].min()
                assert above < kept
                assert kept <= after or row.optimizer != "gradient_descent"
                checked += row.optimizer == "gradient_descent"
    assert checked > 10


def test_the_last_gap_is_that_of_the_table(compared):
    data = of(compared, "loss")
    ends = data.groupby(["instance_id", "optimizer", "seed"])["log10_gap"].last()
    medians = ends.groupby(["instance_id", "optimizer"]).median()
    for row in compared.convergence_rows:
        found = medians[row.instance_id, row.optimizer]
        assert found == pytest.approx(row.log10_final_suboptimality, rel=1e-12)
    paces = data["seconds"] / data["steps"].where(data["steps"] > 0)
    for row in compared.convergence_rows:
        own = (data["instance_id"] == row.instance_id) & (data["optimizer"] == row.optimizer)
        assert np.allclose(paces[own].dropna(), row.ns_per_step * 1e-9)


def test_every_learning_rate_has_its_outcome(compared):
    key = ["instance_id", "optimizer", "learning_rate"]
    target = compared.convergence[["instance_id", "optimizer", "success_target", "horizon"]]
    rates = compared.learning_rates.merge(target, on=["instance_id", "optimizer"])
    found = of(compared, "status_map").merge(rates, on=key, validate="one_to_one")
    assert len(found) == len(rates) > 40
    kept = found.apply(lambda row: row[f"steps_to_{row['success_target']}"], axis=1).astype(float)
    diverged = found["status"] == "diverged"
    assert ((found["outcome"] == "diverged") == diverged).all() and diverged.any()
    assert ((found["outcome"] == "converged") == kept.notna() & ~diverged).all()
    assert np.array_equal(found["at"][kept.notna()], kept[kept.notna()])
    assert (found["at"][diverged] <= found["steps"][diverged]).all()
    assert (found["steps"][found["outcome"] == "left behind"] < 3_000).all()
    assert (found["steps"][found["outcome"] == "slow"] == 3_000).all()
    reached = found[[f"reached_{name}" for name in TARGETS]].astype(float).to_numpy()
    held = found[[f"steps_to_{name}" for name in TARGETS]].astype(float).to_numpy()
    lost = (~np.isnan(reached) & np.isnan(held)).any(axis=1)
    assert lost[found["outcome"] == "oscillating"].all()
    assert not lost[found["outcome"] == "slow"].any()


def test_heavy_ball_diverges_where_theory_says(swept, compared):
    """On a quadratic v <- m v + g, w <- w - r v is stable if and only if r L < 2 (1 + m)."""
    data = of(swept, "phase_diagram")
    assert (data["x_name"] == "learning_rate").all() and (data["y_name"] == "momentum").all()
    assert len(data) == data["x"].nunique() * data["y"].nunique() == 44
    (of_descent,) = (
        row.theory_learning_rate
        for row in compared.convergence_rows
        if row.optimizer == "gradient_descent" and row.instance_id == data["instance_id"].iloc[0]
    )
    border = (1.0 + data["y"]) * of_descent
    assert ((data["outcome"] == "diverged") == (data["x"] > border)).all()


def test_the_map_of_two_fixed_hyperparameters_needs_no_learning_rate():
    from optbench import compare

    settings = [
        f"heavy_ball[momentum={m},learning_rate={r}]" for m in (0.0, 0.5) for r in (0.01, 9.0)
    ]
    instance = "linear_regression:data=gaussian,n=5,d=12,seed=3"
    data = of(compare(instance, settings, horizon=300, threads=1), "phase_diagram")
    assert set(zip(data["x"], data["y"], strict=True)) == {
        (0.01, 0.0), (0.01, 0.5), (9.0, 0.0), (9.0, 0.5),
    }  # fmt: skip
    assert ((data["outcome"] == "diverged") == (data["x"] == 9.0)).all()


@pytest.mark.parametrize("unit", ["steps", "evaluations", "seconds"])
def test_the_distribution_counts_pairs(compared, costs, unit):
    data = of(compared, "ecdf")
    data = data[data["against"] == unit]
    pairs = len(costs[["instance_id", "target"]].drop_duplicates())
    assert (data["pairs"] == pairs).all()
    for row in data.itertuples():
        own = costs[costs["optimizer"] == row.optimizer][unit]
        assert row.fraction == (own <= row.x).sum() / pairs
    for name, own in costs[np.isfinite(costs[unit])].groupby("optimizer"):
        assert set(own[unit]) <= set(data[data["optimizer"] == name]["x"])


def test_performance_profiles_count_ratios(compared, costs):
    data = of(compared, "performance_profile")
    data = data[data["against"] == "steps"]
    best = costs.groupby(["instance_id", "target"])["steps"].transform("min")
    ratios = costs.assign(ratio=np.where(np.isfinite(best), costs["steps"] / best, math.inf))
    for row in data.itertuples():
        own = ratios[ratios["optimizer"] == row.optimizer]["ratio"]
        assert row.fraction == pytest.approx((own <= row.x * (1 + 1e-14)).mean(), abs=1e-15)


def test_data_profiles_count_in_groups_of_evaluations(compared, costs):
    data = of(compared, "data_profile")
    sizes = {facts.instance_id: facts.d for facts in compared.instances}
    units = costs["evaluations"] / (costs["instance_id"].map(sizes) + 1)
    assert set(data["target"]) == set(TARGETS)
    for row in data.itertuples():
        own = units[(costs["optimizer"] == row.optimizer) & (costs["target"] == row.target)]
        assert row.fraction == (own <= row.x).sum() / len(compared.instances)


@pytest.fixture(scope="module")
def run_on():
    """Two instances on which winners go on beyond the horizon until their verdict."""
    return optbench.compare(
        [REGRESSION, CLASSIFICATION], ["gradient_descent", "heavy_ball"],
        horizon=100, until_verdict=True, threads=1,
    )  # fmt: skip


@pytest.mark.parametrize("found", ["compared", "run_on"])
def test_quality_profiles_count_what_is_good_enough(found, request):
    """By the definition, from what the table of learning rates says of the rates that won."""
    compared = request.getfixturevalue(found)
    if found == "run_on":
        assert any(trace.steps[-1] > 100 for trace in compared.traces)
    won = compared.convergence[["instance_id", "optimizer", "best_learning_rate"]]
    ends = compared.learning_rates.merge(won, on=["instance_id", "optimizer"])
    ends = ends[ends["learning_rate"] == ends["best_learning_rate"]]
    left = 10.0 ** ends["log10_left"].astype(float)
    data = of(compared, "quality_profile")
    for row in data.itertuples():
        good = left[ends["optimizer"] == row.optimizer] <= row.x * (1 + 1e-9)
        assert row.fraction == good.sum() / len(compared.instances)
    assert data["x"].between(1e-16, 1.0).all()


def test_the_frontier_is_of_what_no_other_optimizer_beats(compared):
    data = of(compared, "pareto")
    for row in data.itertuples():
        bias = next(
            bias
            for bias in compared.bias_rows
            if (bias.instance_id, bias.optimizer) == (row.instance_id, row.optimizer)
        )
        assert row.missing == bias.missing[row.reference]
    for _, own in data.groupby(["instance_id", "reference"]):
        points = own[["steps", "missing"]].fillna(math.inf).to_numpy()
        beaten = [
            any((other <= point).all() and (other < point).any() for other in points)
            for point in points
        ]
        assert (own["frontier"] == (~np.array(beaten) & np.isfinite(points[:, 0]))).all()
        assert own["frontier"].any()


def test_only_what_was_asked_for_is_shown(compared):
    first = compared.instances[0]
    for name in (first.problem, first.instance, first.instance_id):
        shown = draw(compared, "loss", instances=[name]).data
        assert set(shown["instance_id"]) == {first.instance_id}
    shown = draw(compared, "loss", optimizers=["heavy_ball"]).data
    assert set(shown["optimizer"]) == {"heavy_ball"}
