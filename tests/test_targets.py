"""Passages read off records against traces of every step, and their promises for any trace."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optbench.errors import UserError
from optbench.status import Status
from optbench.targets import Passages, interpolated


def log_spaced(last: float) -> np.ndarray:
    """0 and 10 steps per decade, as the engine records them."""
    count = round(10 * math.log10(last))
    return np.unique(np.append(np.round(10 ** (np.arange(count + 1) / 10)), 0.0))


def passed(steps, values, target: float) -> tuple[float, float]:
    """First step at a target, and that from which on it is kept, of values and not their logs."""
    with np.errstate(divide="ignore"):
        logs = np.log(np.asarray(values, float))
    found = interpolated(steps, logs, [target], log_initial=0.0)
    return float(found.reached[0, 0]), float(found.kept[0, 0])


LAWS = {
    "power": lambda t: 1.0 / (1.0 + t) ** 1.5,
    "linear": lambda t: 0.997**t,
    "stretched": lambda t: np.exp(-0.3 * np.sqrt(t)),
}


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("target", [3e-1, 1e-1, 1e-2, 1e-4, 1e-6])
def test_close_to_the_answer_of_a_full_trace(law: str, target: float) -> None:
    every = np.arange(20_001.0)
    truth = float(np.argmax(LAWS[law](every) <= target))
    steps = log_spaced(20_000)
    reached, kept = passed(steps, LAWS[law](steps), target)
    # (log 1.26)^2 / 8 = 0.7% from interpolating; at few steps the records' rounding to integers
    # stretches a gap to 8/6, 1%, and ceil can move the answer by 1.
    assert abs(reached - truth) <= 0.01 * truth + 1
    assert kept == reached


def test_power_law_is_exact() -> None:
    steps = log_spaced(1e6)[1:]
    for truth in (7, 90, 1234, 567_890):
        assert passed(steps, 1.0 / steps, 1.0 / truth) == (truth, truth)


def test_record_on_the_target_is_the_answer() -> None:
    assert passed([0, 1, 2, 4, 8], [5.0, 4.0, 3.0, 2.0, 1.0], 2.0) == (4.0, 4.0)


def test_every_step_recorded_is_never_interpolated() -> None:
    values = [8.0, 4.0, 2.0, 1.0]
    assert [passed(range(4), values, g)[0] for g in (9.0, 7.9, 2.1, 1.5)] == [0, 1, 2, 3]


def test_never_reached_and_not_finite() -> None:
    never = (math.inf, math.inf)
    assert passed([0, 1, 2], [3.0, 2.0, 1.5], 1.0) == never
    assert passed([0, 1, 2], [math.nan] * 3, 1.0) == never
    # nan before the crossing leaves nothing to interpolate from: the record is the answer.
    assert passed([1, 10, 100], [3.0, math.nan, 0.5], 1.0)[0] == 100
    assert passed([1, 10, 100], [3.0, math.inf, 0.5], 1.0)[0] == 100
    assert passed([1, 10, 100], [3.0, 2.0, 0.0], 1e-300)[0] == 100


def test_huge_steps_stay_inside_their_bracket() -> None:
    # Rounding to whole steps works to 1e-9 relative, which is 1000 steps here.
    assert passed([10**12, 2 * 10**12], [1.0 + 1e-12, 0.5], 1.0)[0] > 10**12


def test_a_target_that_is_left_again_is_kept_from_its_last_crossing_on() -> None:
    assert passed([0, 1, 2, 3], [4.0, 0.5, 3.0, 0.1], 1.0) == (1, 3)
    assert passed([0, 1, 2, 3], [4.0, 0.5, 0.2, 1.5], 1.0) == (1, math.inf)
    # from 10 to 100 a power law of exponent 2 through 100 and 1: it is at 25 at step 20
    assert passed([0, 1, 10, 100], [200.0, 20.0, 100.0, 1.0], 25.0) == (1, 20)


def test_left_is_the_last_step_above_after_the_first_at_it() -> None:
    found = Passages(
        reached=np.array([[3.0, 3.0, 3.0, math.inf]]),
        kept=np.array([[3.0, 9.0, math.inf, math.inf]]),
        last=np.array([50.0]),
        exact=np.ones(1, bool),
    )
    assert np.array_equal(found.left, [[math.nan, 8.0, 50.0, math.nan]], equal_nan=True)


def test_a_target_that_was_left_counts_once_it_is_kept_for_a_tenth_of_the_steps() -> None:
    """At its end a run that bursts may be below a target by chance; one at rest stays there."""
    kept = np.array([[90.0, 91.0, 99.0, 99.0, math.inf]])
    found = Passages(
        reached=np.array([[3.0, 3.0, 3.0, 99.0, 3.0]]),  # the fourth was never left
        kept=kept,
        last=np.array([100.0]),  # 1.1 x 90 is at most that, 1.1 x 91 is not
        exact=np.ones(1, bool),
    )
    counted = [[90.0, math.inf, math.inf, 99.0, math.inf]]
    assert np.array_equal(found.counted([Status.HORIZON]), counted)
    for at_rest in (Status.CONVERGED, Status.STALLED):
        assert np.array_equal(found.counted([at_rest]), kept)


positive = st.floats(1e-12, 1e12)
values = st.one_of(positive, st.sampled_from([math.nan, math.inf, 0.0]))


@given(
    gaps=st.lists(st.integers(1, 10_000), min_size=2, max_size=15),
    data=st.data(),
    first=positive,
    second=positive,
)
def test_bracketed_and_monotone_for_any_trace(gaps, data, first, second) -> None:
    steps = np.cumsum(gaps) - gaps[0]
    trace = np.array(data.draw(st.lists(values, min_size=len(gaps), max_size=len(gaps))))
    easy, hard = max(first, second), min(first, second)
    answer, kept = passed(steps, trace, hard)
    easy_answer, easy_kept = passed(steps, trace, easy)
    assert easy_answer <= answer <= kept
    assert easy_kept <= kept
    # np.log rounds: a record within a rounding of the target may be on either side of it
    with np.errstate(divide="ignore"):
        reached = np.flatnonzero(np.log(trace) <= np.log(hard))
    if reached.size == 0:
        assert answer == math.inf
        return
    assert answer <= steps[reached[0]]
    assert answer == math.floor(answer)
    if reached[0] > 0:
        assert answer > steps[reached[0] - 1]
    else:
        assert answer == steps[0]
    ends_there = reached[-1] == steps.size - 1
    assert math.isfinite(kept) == ends_there
    if ends_there:
        last_above = np.setdiff1d(np.arange(steps.size), reached).max(initial=-1)
        assert (steps[last_above] if last_above >= 0 else -1) < kept <= steps[last_above + 1]


@given(
    logs=st.lists(st.floats(-25.0, 25.0), min_size=2, max_size=20),
    scale=st.floats(-2000.0, 2000.0),
)
def test_relative_targets_do_not_depend_on_scale(logs: list[float], scale: float) -> None:
    steps = np.arange(len(logs)) * 7 + 1
    # Multiples of 1/16 keep log_gap - log_initial exact, so the scale cannot round.
    exact = np.round(np.array(logs) * 16) / 16
    shift = round(scale * 16) / 16
    for name in ("reached", "kept"):
        (plain,), (moved,) = (
            getattr(interpolated(steps, own), name) for own in (exact, exact + shift)
        )
        # ceil of an interpolated number can move by 1 where it was whole up to rounding.
        assert np.array_equal(np.isfinite(plain), np.isfinite(moved))
        met = np.isfinite(plain)
        assert (np.abs(plain[met] - moved[met]) <= 1).all()
        assert (np.diff(plain[np.isfinite(plain)]) >= 0).all()


def test_log_domain_reaches_far_below_the_smallest_float() -> None:
    steps = log_spaced(1e6)[1:]
    # log gap = -t: the gap is 1e-4000 of its first value at t = 4000 log 10 + 1 = 9211.3.
    far = interpolated(steps, -steps, log_initial=-1.0, targets=[1e-300])
    assert far.reached[0, 0] == pytest.approx(300 * math.log(10) + 1, rel=0.008)


def test_start_at_the_optimum_or_nowhere() -> None:
    assert interpolated([0, 1], [-math.inf, -math.inf]).kept.tolist() == [[0.0] * 5]
    assert interpolated([0, 1], [math.nan, 0.0]).reached.tolist() == [[math.inf] * 5]


@pytest.mark.parametrize(
    ("steps", "trace", "words"),
    [
        ([0, 1], [1.0], "one value per recorded step"),
        ([], [], "one value per recorded step"),
        ([0, 2, 1], [3.0, 2.0, 1.0], "increasing"),
        ([0, 0.5], [3.0, 2.0], "whole"),
    ],
)
def test_wrong_input_is_one_clear_line(steps, trace, words) -> None:
    with pytest.raises(UserError, match=words) as caught:
        interpolated(steps, trace)
    assert "\n" not in str(caught.value)


def test_relative_targets_must_be_positive() -> None:
    with pytest.raises(UserError, match="positive"):
        interpolated([0, 1], [0.0, -1.0], targets=[0.1, 0.0])
