"""The table over all instances, against shares counted by hand."""

import dataclasses
import json
from importlib.resources import files

import jsonschema
import pytest
from example_comparison import AFIRO, DIGITS, NEVER, SKIPPED, TARGETS, convergence
from long_table import read_long

from optbench.report import render, tables
from optbench.report.profile_table import costs_by_label, profile_shares, profile_table

# Ten pairs.  Ratios to the fewest steps by hand, digits then afiro:
# a 1 1 2 - - and 1 1 1 1 -;  b 1.5 1 1 1 - and never, since it was skipped.
ROWS = [
    convergence(DIGITS, "a", (20, 300, 8000, None, None)),
    convergence(DIGITS, "b", (30, 300, 4000, 10_000, None)),
    convergence(AFIRO, "a", (1, 2, 100, 101, None), parametrization="nonnegative"),
    convergence(AFIRO, "b", NEVER, **SKIPPED),
]


def test_shares_by_hand():
    """Budgets end below the horizon of 10,000 steps."""
    expected = {"reached", "within_1x", "within_2x", "within_10x", "in_100_steps", "in_1000_steps"}
    shares = profile_shares(ROWS)
    assert set(shares["a"]) == expected
    assert list(shares["a"].values()) == [0.7, 0.6, 0.7, 0.7, 0.4, 0.6]
    assert list(shares["b"].values()) == [0.4, 0.3, 0.4, 0.4, 0.1, 0.2]


def test_who_runs_on_reaches_no_more():
    """A row with five times the steps, as a theorem asks, is judged at the horizon of all."""
    longer = dataclasses.replace(
        convergence(DIGITS, "c", (20, 300, 8000, 20_000, 40_000)), horizon=50_000
    )
    cut = convergence(DIGITS, "c", (20, 300, 8000, None, None))
    assert profile_shares([*ROWS, longer]) == profile_shares([*ROWS, cut])
    assert costs_by_label([*ROWS, longer], "evaluations") == costs_by_label(
        [*ROWS, cut], "evaluations"
    )


def test_the_best_stands_first_and_absence_is_told():
    table = profile_table(list(reversed(ROWS)))
    assert [[cell.text for cell in row[:3]] for row in table.rows] == [
        ["a", "70%", "60%"],
        ["b", "40%", "30%"],
    ]
    assert "10 pairs" in table.facts[0]
    assert table.reading[0].startswith("a solves the most (7 of the 10 (problem, target) pairs)")
    assert table.notes == (
        "b: skipped on 1 of them",
        "which row is faster beyond chance is not tested: 2 rows need 6 instances, here are 2 "
        "instances",
    )


def test_parametrizations_that_are_compared_keep_rows_of_their_own(example):
    """Gradient descent has two on one instance, and a row that ran nowhere reaches nothing."""
    names = [row[0].text for row in tables(example)[-1].rows]
    assert {"gradient_descent (linear)", "gradient_descent (diagonal:depth=2,scale=0.1)"} < {*names}
    assert profile_shares(example.convergence_rows)["my_rule"]["reached"] == 0.0


@pytest.mark.parametrize("kept", [[0, 1], [0, 2], []])
def test_one_instance_or_one_optimizer_has_no_profile(example, kept):
    rows = [ROWS[i] for i in kept]
    alone = dataclasses.replace(example, bias_rows=[], convergence_rows=rows)
    assert not any(table.title.startswith("Profile") for table in tables(alone))
    assert "profile" not in render(alone, "csv")


def test_nothing_reached_is_no_error():
    rows = [convergence(place, name, NEVER) for place in (DIGITS, AFIRO) for name in "ab"]
    assert set(profile_shares(rows)["a"].values()) == {0.0}
    assert f"any of the {2 * len(TARGETS)}" in profile_table(rows).reading[0]


def test_csv_has_the_shares(example):
    compared = dataclasses.replace(example, bias_rows=[], convergence_rows=ROWS)
    long = read_long(render(compared, "csv"))
    own = long[long.table == "profile"].pivot(index="optimizer", columns="quantity", values="value")
    untold = own[["slower_p", "slower_than"]]  # of two instances
    assert untold.isna().all(axis=None)
    own = own.drop(columns=untold.columns)
    assert own.T.to_dict() == profile_shares(ROWS)


def told_in_json(comparison):
    """Return the profile of a document, which is valid, by optimizer."""
    schema = json.loads((files("optbench.report") / "schema.json").read_text())
    document = json.loads(render(comparison, "json"))
    jsonschema.validate(document, schema)
    return {each.pop("optimizer"): each for each in document["profile"]}


def test_json_has_the_shares_and_no_profile_of_one_instance(example):
    compared = dataclasses.replace(example, bias_rows=[], convergence_rows=ROWS)
    told = told_in_json(compared)
    assert {name: each["shares"] for name, each in told.items()} == profile_shares(ROWS)
    assert all(each["slower_p"] is None and each["slower_than"] == [] for each in told.values())
    assert told_in_json(dataclasses.replace(compared, convergence_rows=ROWS[:2])) == {}


def test_what_is_slower_over_instances_is_marked(example):
    """An instance counts once; one on which a row was skipped does not count against it.

    Six wins of six: p = 2 / 2^6, with two rows one pair.  Skipped on one of them: five of five.
    """
    places = [{**DIGITS, "instance_id": f"{k:012d}"} for k in range(6)]
    rows = [
        convergence(place, name, (steps, 10 * steps, None, None, None))
        for place in places
        for name, steps in (("fast", 10), ("slow", 11))
    ]
    table = profile_table(rows)
    assert [row[0].text for row in table.rows] == ["fast", "slow †"]
    assert table.notes[-1].startswith("† significantly slower than another row (sign test over 6")
    compared = dataclasses.replace(example, bias_rows=[], convergence_rows=rows)
    long = read_long(render(compared, "csv"))
    slow = long[(long["table"] == "profile") & (long["optimizer"] == "slow")].set_index("quantity")
    assert slow.loc["slower_than", "text"] == "fast"
    assert slow.loc["slower_p", "value"] == 2.0**-5
    told = told_in_json(compared)
    assert (told["slow"]["slower_than"], told["slow"]["slower_p"]) == (["fast"], 2.0**-5)
    assert told["fast"]["slower_than"] == []
    rows[-1] = convergence(places[-1], "slow", NEVER, **SKIPPED)
    table = profile_table(rows)
    assert not any("†" in row[0].text for row in table.rows)
    assert table.notes[-1].startswith("no row is significantly slower")
