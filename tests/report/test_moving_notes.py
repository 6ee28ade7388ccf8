"""Notes on moving rows: one line says what the numbers are, one entry a row has them."""

import dataclasses

import pytest
from example_comparison import AFIRO, DIABETES, DIGITS, INSTANCES, bias, margins

from optbench.report import render
from optbench.report.moving import moving_notes

SEPARABLE, REGRESSION, PROGRAM = INSTANCES


def moving(place, name, towards, missing, trend, **changes):
    """Return a row that moves; what was missing is ``missing / trend``."""
    return bias(place, name, "moving", "unknown", {}, nearest=towards, towards=towards,
                missing=missing, trend=trend, **changes)  # fmt: skip


def test_margins_are_parts_and_angles_are_degrees_and_both_are_said():
    row = moving(DIGITS, "natural_gradient", "fisher", {"l2": 0.25, "fisher": 12.0},
                 {"l2": 0.5, "fisher": 0.8}, by_distance=("fisher",))  # fmt: skip
    explained, entry = moving_notes(SEPARABLE, [row])
    assert explained == (
        "moving: missing to each reference, at a tenth of the steps -> at the end, "
        "in % of the largest margin, to fisher in degrees"
    )
    assert entry == "natural_gradient: towards fisher; l2 50->25%, fisher 15->12°"


def test_norms_and_relative_distances():
    norms = moving(DIABETES, "adam", "l2", {"l1": 1.5, "l2": 0.004}, {"l1": 0.75, "l2": 0.1})
    explained, entry = moving_notes(REGRESSION, [norms])
    assert explained.endswith(" at the end, in % of the least norm")
    assert entry == "adam: towards l2; l1 200->150%, l2 4->0.4%"
    away = moving(AFIRO, "heavy_ball", "vertex", {"vertex": 0.3}, {"vertex": 0.5},
                  by_distance=("vertex",))  # fmt: skip
    explained, entry = moving_notes(PROGRAM, [away])
    assert explained.endswith(" at the end, as relative distance")
    assert entry == "heavy_ball: towards vertex; vertex 0.6->0.3"


def test_where_it_is_now_and_when_it_would_be_close():
    row = moving(DIGITS, "adam", "linf", {"l2": 0.1, "linf": 0.2}, {"l2": 1.25, "linf": 0.4},
                 decided_at=3.2e5)  # fmt: skip
    row = dataclasses.replace(row, nearest="l2")
    explained, entry = moving_notes(SEPARABLE, [row])
    assert explained.endswith("; close at ~step: if the law of the last two decades goes on")
    assert entry == "adam: l2 now, towards linf; l2 8->10%, linf 50->20%, close at ~3e5"


def test_what_was_missing_may_be_unknown():
    row = moving(DIGITS, "adam", "l2", {"l1": None, "l2": 0.0}, {"l1": 1.0, "l2": 0.0})
    assert moving_notes(SEPARABLE, [row])[1] == "adam: towards l2; l1 unknown, l2 0%"


def test_settled_rows_have_no_such_note(example):
    assert not moving_notes(SEPARABLE, example.bias_rows)


@pytest.mark.parametrize("width", [80, 120])
def test_of_many_rows_the_explanation_stands_once_and_each_entry_is_short(example, width):
    shares, trend = {"l1": 0.24, "l2": 0.1, "linf": 0.39}, {"l1": 0.9, "l2": 0.8, "linf": 0.9}
    rows = [
        dataclasses.replace(moving(DIGITS, f"rule_{i}", "l2", shares, trend),
                            measures=margins(0.76, 0.9, 0.61))
        for i in range(10)
    ]  # fmt: skip
    text = render(dataclasses.replace(example, bias_rows=rows), "table", width, details=True)
    assert " ".join(text.split()).count("missing to each reference") == 1
    entries = [line for line in text.splitlines() if line.startswith("- rule_")]
    assert len(entries) == 10 and all(line.endswith("linf 43->39%") for line in entries)


def test_rows_with_a_residual_have_distances_and_say_so():
    fits = moving(DIABETES, "adam", "l2", {"l2": 0.004}, {"l2": 0.1})
    unfit = moving(DIABETES, "nesterov", "l2", {"residual": 0.1, "l2": 0.2},
                   {"residual": 0.25, "l2": 0.5}, by_distance=("l2",))  # fmt: skip
    explained, first, second = moving_notes(REGRESSION, [fits, unfit])
    assert explained.endswith("in % of the least norm, of rows with a residual as relative "
                              "distance")  # fmt: skip
    assert first == "adam: towards l2; l2 4->0.4%"
    assert second == "nesterov: towards l2; residual 0.4->0.1, l2 0.4->0.2"
    assert moving_notes(REGRESSION, [unfit])[0].endswith("at the end, as relative distance")
