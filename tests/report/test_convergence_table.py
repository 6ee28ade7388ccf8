"""Marks and costs of the convergence table: what is slower over seeds, and by how much a step."""

import dataclasses
import math

import pytest
from example_comparison import DIGITS, INSTANCES, convergence

from optbench.analysis.significance import with_slower
from optbench.report import render
from optbench.report.convergence_table import convergence_table
from optbench.report.numbers import outward
from optbench.status import Status


def row(name, steps, **changes):
    """Return a row whose seeds reach 1e-1 in so many steps."""
    own = {"steps_by_seed": {"1e-1": tuple(map(float, steps))}, "seeds": len(steps)}
    return convergence(DIGITS, name, (steps[0], None, None, None, None), **(own | changes))


def names_and_notes(rows):
    table = convergence_table(INSTANCES[0], with_slower(rows))
    return [cells[0].text for cells in table.rows], table.notes


def test_slower_rows_are_marked_and_named():
    """Ten wins of ten: p = 2 / 2^10 a pair, three times that for three pairs."""
    rows = [row("slow", [30] * 10), row("fast", [10] * 10), row("alike", [9, 11] * 5)]
    told = with_slower(rows)
    assert [each.slower_than for each in told] == [("fast", "alike"), (), ()]
    assert [each.slower_p for each in told] == [3 * 2.0**-9, 1.0, 1.0]
    names, notes = names_and_notes(rows)
    assert names == ["slow †", "fast", "alike"]
    (note,) = [note for note in notes if "†" in note]
    assert "sign test over 10 seeds" in note and "each of the others may be the fastest" in note


@pytest.mark.parametrize(
    ("seeds", "words"),
    [(1, "2 rows need 6 seeds, here is 1 seed"), (5, "2 rows need 6 seeds, here are 5 seeds")],
)
def test_with_few_seeds_it_says_so_and_marks_nothing(seeds, words):
    rows = [row("slow", [30] * seeds), row("fast", [10] * seeds)]
    names, notes = names_and_notes(rows)
    assert names == ["slow", "fast"] and any(words in note for note in notes)
    assert [each.slower_p for each in with_slower(rows)] == [None, None]


def test_only_rows_with_runs_of_their_own_end_are_compared():
    """An interrupted row has no steps that mean anything, and one alone is compared with nobody."""
    cut = row("cut", [30] * 10, status=Status.TIMEOUT)
    unknown = row("unknown", [30] * 10, success_rate=None)
    alone = [row("fast", [10] * 10), cut, unknown]
    assert with_slower(alone) == alone
    _, notes = names_and_notes(alone)
    assert not any("faster" in note or "slower" in note for note in notes)


def test_a_row_that_may_run_longer_is_not_faster_for_that():
    """What it reaches after the others' horizon counts for nothing."""
    longer = row("longer", [20_000] * 10, horizon=100_000)
    assert [each.slower_p for each in with_slower([longer, row("short", [math.inf] * 10)])] == [
        1,
        1,
    ]
    told = with_slower([longer, row("short", [9_999] * 10)])
    assert told[0].slower_than == ("short",)


def test_rows_of_several_parametrizations_are_named_with_theirs():
    rows = [row("gd", [30] * 10, parametrization="diagonal"), row("gd", [10] * 10)]
    assert with_slower(rows)[0].slower_than == ("gd (linear)",)


def test_marks_survive_80_columns_and_latex(example):
    rows = with_slower([row("a_rather_long_name_of_an_optimizer", [30] * 10), row("b", [9] * 10)])
    shown = dataclasses.replace(example, bias_rows=[], convergence_rows=rows)
    assert "optimizer †" in render(shown, "table", width=80)
    assert "optimizer †" in render(shown, "markdown")
    assert r"optimizer \dag{}" in render(shown, "latex")


@pytest.mark.parametrize(
    ("bounds", "text"),
    [((3.31, 3.62), "[3.3, 3.7]"), ((0.991, 1.012), "[0.99, 1.1]"), ((3.4, 3.4), "[3.4, 3.4]"),
     ((10.1, 34.9), "[10, 35]"), ((1.0, 1.0), "[1, 1]"), (None, "")],
)  # fmt: skip
def test_two_digits_never_narrow_an_interval(bounds, text):
    assert outward(bounds) == text


def test_costs_have_two_digits_an_interval_and_a_date():
    told = row("adam", [10], relative_cost=3.4149, relative_cost_interval=(3.38, 3.46),
               timed_on="2026-01-02T03:04:05+00:00")  # fmt: skip
    table = convergence_table(INSTANCES[0], [told])
    place = [column.title for column in table.columns].index("relative cost")
    cell = table.rows[0][place]
    assert (cell.text, cell.interval) == ("3.4x", "[3.3, 3.5]")
    assert "costs relative to gradient_descent; timed 2026-01-02" in table.facts[0]
