"""Which steps are recorded, and what is kept when records grow, thin out or are joined."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optbench.engine import records
from optbench.engine.records import Records, record_steps


def filled(steps, runs: int, dimension: int, seed: int = 0) -> Records:
    made = Records.blank(np.asarray(steps, np.int64), runs, dimension)
    rng = np.random.default_rng(seed)
    for name in ("log_loss", "log_gradient_norm", "lowest", "norms", "snapshots"):
        getattr(made, name)[...] = rng.standard_normal(getattr(made, name).shape)
    return made


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10**9))
def test_steps_are_log_spaced_from_zero_to_the_horizon(horizon: int) -> None:
    steps = record_steps(horizon)
    assert steps.dtype == np.int64
    assert steps[0] == 0 and steps[-1] == horizon
    assert np.all(np.diff(steps) > 0)
    inner = steps[(steps >= 10)][:-1]
    # ten a decade: neighbours differ by a factor of 10^(1/10), up to rounding to integers
    ratios = inner[1:] / inner[:-1]
    assert np.all(np.abs(ratios - 10**0.1) <= 1.5 / inner[:-1])


def test_known_steps() -> None:
    assert record_steps(10).tolist() == [0, 1, 2, 3, 4, 5, 6, 8, 10]
    assert record_steps(0).tolist() == [0]
    assert record_steps(100, per_decade=1).tolist() == [0, 1, 10, 100]
    assert set(record_steps(1000)) <= set(record_steps(10_000))


def test_blank_is_nan_and_keeps_every_snapshot_when_there_is_room() -> None:
    made = Records.blank(record_steps(100), 3, 4)
    assert np.array_equal(made.place, np.arange(made.steps.size))
    assert made.snapshots.shape == (made.steps.size, 3, 4)
    assert all(np.all(np.isnan(a)) for a in (made.log_loss, made.norms, made.snapshots))


def test_snapshots_are_thinned_when_they_are_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "SNAPSHOT_NUMBERS", 60)
    made = Records.blank(record_steps(1000), 3, 4)
    kept = np.flatnonzero(made.place >= 0)
    assert made.snapshots.shape == (5, 3, 4)
    assert kept[0] == 0 and kept[-1] == made.steps.size - 1
    assert np.array_equal(made.place[kept], np.arange(5))
    # evenly among the records: neighbours differ by at most one
    assert np.ptp(np.diff(kept)) <= 1


def test_two_snapshots_are_always_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "SNAPSHOT_NUMBERS", 1)
    made = Records.blank(record_steps(1000), 10, 10)
    assert np.flatnonzero(made.place >= 0).tolist() == [0, made.steps.size - 1]


def test_extended_keeps_what_there_is() -> None:
    old = filled(record_steps(100), 2, 3)
    steps = np.union1d(old.steps, record_steps(1000))
    new = old.extended(steps)
    here = np.isin(steps, old.steps)
    for name in ("log_loss", "log_gradient_norm", "lowest", "norms"):
        assert np.array_equal(getattr(new, name)[here], getattr(old, name))
        assert np.all(np.isnan(getattr(new, name)[~here]))
    assert np.array_equal(new.snapshots[new.place[here]], old.snapshots)


def test_extended_with_thinned_snapshots_moves_those_that_stay(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    old = filled(record_steps(30), 1, 2)
    monkeypatch.setattr(records, "SNAPSHOT_NUMBERS", 12)
    steps = np.union1d(old.steps, record_steps(1000))
    new = old.extended(steps)
    kept = np.flatnonzero(new.place >= 0)
    assert kept.size == 6
    stayed = 0
    for place in kept:
        snapshot = new.snapshots[new.place[place]]
        if steps[place] in old.steps:
            source = np.flatnonzero(old.steps == steps[place])[0]
            assert np.array_equal(snapshot, old.snapshots[old.place[source]])
            stayed += 1
        else:
            assert np.all(np.isnan(snapshot))
    assert stayed >= 2


def test_side_by_side_joins_runs() -> None:
    parts = [filled(record_steps(50), runs, 3, seed=runs) for runs in (4, 1, 2)]
    joined = Records.side_by_side(parts)
    for name in ("log_loss", "log_gradient_norm", "lowest", "norms", "snapshots"):
        assert np.array_equal(getattr(joined, name)[:, :4], getattr(parts[0], name))
        assert np.array_equal(getattr(joined, name)[:, 4:5], getattr(parts[1], name))
        assert np.array_equal(getattr(joined, name)[:, 5:], getattr(parts[2], name))
    assert Records.side_by_side(parts[:1]) is parts[0]


def test_side_by_side_keeps_the_snapshots_that_all_parts_have(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = filled(record_steps(50), 1, 3)
    monkeypatch.setattr(records, "SNAPSHOT_NUMBERS", 12)
    thin = filled(record_steps(50), 1, 3, seed=1)
    joined = Records.side_by_side([whole, thin])
    kept = np.flatnonzero(thin.place >= 0)
    assert np.array_equal(np.flatnonzero(joined.place >= 0), kept)
    assert np.array_equal(joined.snapshots[:, 0], whole.snapshots[whole.place[kept], 0])
    assert np.array_equal(joined.snapshots[:, 1], thin.snapshots[:, 0])


def test_of_runs_picks_runs() -> None:
    made = filled(record_steps(20), 4, 2)
    part = made.of_runs(np.array([3, 1]))
    assert np.array_equal(part.norms, made.norms[:, [3, 1]])
    assert np.array_equal(part.snapshots, made.snapshots[:, [3, 1]])
    assert np.array_equal(part.steps, made.steps)


def test_without_snapshots_nothing_of_the_size_of_w_is_kept() -> None:
    made = Records.blank(record_steps(10), 3, 4, asked="none").extended(record_steps(1000))
    assert made.snapshots.shape == (0, 3, 4)
    assert (made.place == -1).all() and made.norms.shape == (made.steps.size, 3, 3)


def test_the_last_decades_are_kept_and_stay_when_a_run_goes_on() -> None:
    """At the horizon, a tenth and a hundredth of it, and halfway, whatever the stages before."""
    made = Records.blank(record_steps(2000), 3, 4, 10_000)
    kept = np.flatnonzero(made.place >= 0)
    assert made.steps[kept].tolist() == [10, 32, 100, 316, 1000]
    assert made.snapshots.shape == (5, 3, 4)
    made.snapshots[:] = made.steps[kept][:, None, None]
    longer = made.extended(record_steps(10_000))
    kept = np.flatnonzero(longer.place >= 0)
    assert longer.steps[kept].tolist() == [100, 316, 1000, 3162, 10_000]
    told = longer.snapshots[longer.place[kept], 0, 0]
    np.testing.assert_array_equal(told[:3], [100, 316, 1000])
    assert np.isnan(told[3:]).all()
    beyond = longer.extended(record_steps(31_623))
    assert beyond.steps[beyond.place >= 0].tolist() == [316, 1000, 3162, 10_000, 31_623]


def test_of_large_predictors_a_tenth_and_the_end_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("optbench.engine.records.SNAPSHOT_NUMBERS", 30)
    made = Records.blank(record_steps(1000), 3, 4, 1000)
    assert made.steps[made.place >= 0].tolist() == [100, 1000]
