"""Tables belong to instances by identity, never by label; what is not certified is marked."""

from __future__ import annotations

import dataclasses
import json

import pytest
from example_comparison import AFIRO, DIGITS, INSTANCES, NEVER, bias, convergence, reference

from optbench.columns import InstanceFacts
from optbench.report import render, tables
from optbench.report.bias_table import bias_table
from optbench.report.convergence_table import convergence_table
from optbench.report.facts import bias_facts, convergence_facts
from optbench.report.profile_table import profile_shares
from optbench.result import Comparison

TWIN = DIGITS | {"instance_id": "d" * 12}
SPARSE, DENSE = (
    dataclasses.replace(INSTANCES[0], **place, n=n, infimum=infimum)
    for place, n, infimum in ((DIGITS, 357, 0.25), (TWIN, 358, 0.5))
)


@pytest.fixture(name="twins")
def twins_comparison():
    """Two instances of one label; the optimizers do different things on them."""
    steps = {DIGITS["instance_id"]: 100, TWIN["instance_id"]: 7}
    return Comparison(
        [bias(place, "adam", name, "linf", {}) for place, name in ((DIGITS, "l1"), (TWIN, "l2"))],
        [
            convergence(place, optimizer, (steps[place["instance_id"]],) * 5)
            for place in (DIGITS, TWIN)
            for optimizer in ("adam", "gradient_descent")
        ],
        [SPARSE, DENSE],
        [],
        {},
    )


def test_two_instances_of_one_label_have_tables_of_their_own(twins):
    found = tables(twins)
    assert len({table.title for table in found}) == len(found) == 5
    for index, (facts, verdict, steps) in enumerate(((SPARSE, "l1", "100"), (DENSE, "l2", "7"))):
        first, second = found[2 * index : 2 * index + 2]
        for table in (first, second):
            assert facts.instance_id in table.title
            assert table.facts[0].startswith(f"{facts.n} x 57")
        assert [row[1].text for row in first.rows] == [verdict]
        place = [column.title for column in second.columns].index("steps to 1e-8")
        assert [row[place].text for row in second.rows] == [steps, steps]


def test_of_several_outputs_the_size_is_that_of_the_data():
    """178 rows of 13 features in three classes were said to be 178 x 39."""
    wine = dataclasses.replace(INSTANCES[0], n=178, d=39, more={"outputs": 3})
    assert bias_facts(wine)[0].startswith("178 x 13; ") and "outputs 3" in bias_facts(wine)[0]
    assert convergence_facts(wine, [])[0].startswith("178 x 13; ")


def test_the_id_is_in_every_row_of_json_and_csv(twins):
    document = json.loads(render(twins, "json"))
    ids = [DIGITS["instance_id"], TWIN["instance_id"]]
    for table in ("instances", "bias"):
        assert [row["instance_id"] for row in document[table]] == ids
    lines = render(twins, "csv").splitlines()
    place = lines[0].split(",").index("instance_id")
    told = [line for line in lines[1:] if not line.startswith("profile")]
    assert {line.split(",")[place] for line in told} == {*ids}


def test_a_profile_counts_pairs_of_instances_not_of_labels(twins):
    """Ten pairs; within a factor of the other's steps on each."""
    assert tables(twins)[-1].title == "Profile over 2 instances"
    shares = profile_shares(twins.convergence_rows)
    assert shares["adam"]["in_100_steps"] == 1.0
    slower = dict.fromkeys(twins.convergence_rows[0].steps_to, 500.0)
    rows = [
        dataclasses.replace(row, steps_to=slower) if row.instance_id != TWIN["instance_id"] else row
        for row in twins.convergence_rows
    ]
    assert profile_shares(rows)["adam"]["in_100_steps"] == 0.5


def test_one_label_alone_shows_no_id(example):
    assert not any("instance " in table.title for table in tables(example)[:-1])


def test_the_same_row_twice_keeps_both():
    rows = [convergence(DIGITS, "adam", (k,) * 5) for k in (1, 2)]
    table = convergence_table(INSTANCES[0], rows)
    assert [row[0].text for row in table.rows] == ["adam #1", "adam #2"]
    close = [
        convergence(DIGITS, "adam[eps=0.12346]", NEVER, hyperparameters={"eps": eps})
        for eps in (0.123456, 0.123457)
    ]
    names = [row[0].text for row in convergence_table(INSTANCES[0], close).rows]
    assert names == ["adam[eps=0.123456]", "adam[eps=0.123457]"]


DOUBTFUL: InstanceFacts = dataclasses.replace(
    INSTANCES[2],
    references=(
        reference("vertex", -464.753, gap=1e-15),
        reference("entropic", -1.057, gap=7.9e-3, certified=False),
    ),
)


def doubtful(**changes):
    measures = {"distance_entropic": 1e-4, "distance_vertex": 0.3}
    return bias(AFIRO, "exponentiated_gradient", "vertex", "entropic", measures,
                uncertified=("entropic",), **changes)  # fmt: skip


def test_what_is_not_certified_is_marked_wherever_it_stands():
    table = bias_table(DOUBTFUL, [doubtful(), doubtful(parametrization="nonnegative")])
    assert "entropic -1.057 ? (not certified: gap 0.0079)" in table.facts[1]
    assert table.facts[1].endswith("; duality gaps at most 1e-15")
    titles = [column.title for column in table.columns]
    assert "distance entropic ?" in titles and "distance vertex" in titles
    assert [row[titles.index("theory")].text for row in table.rows] == ["entropic ?"] * 2
    assert table.notes[0] == "? not certified, so that no verdict counts it: entropic"
    assert not any("distance entropic" in sentence for sentence in table.reading)


def test_a_verdict_is_neither_for_nor_against_a_theory_that_is_not_certified():
    table = bias_table(DOUBTFUL, [doubtful()])
    assert not any("theory" in sentence for sentence in table.reading)
    certified = bias_table(DOUBTFUL, [dataclasses.replace(doubtful(), uncertified=())])
    assert any("exponentiated_gradient selects vertex" in text for text in certified.reading)


def test_an_optimum_that_is_not_certified_is_marked():
    facts = dataclasses.replace(INSTANCES[1], infimum=0.25, infimum_certified=False)
    table = convergence_table(facts, [convergence(DIGITS, "adam", NEVER)])
    assert "optimum 0.25 ? (not certified)" in table.facts[0]
    sure = dataclasses.replace(facts, infimum_certified=True)
    table = convergence_table(sure, [convergence(DIGITS, "adam", NEVER)])
    assert "not certified" not in table.facts[0]


def test_exponents_that_are_not_certified_are_told():
    facts = dataclasses.replace(INSTANCES[0], missing_p=(1.1, float("inf")))
    row = bias(DIGITS, "adam", "l2", "l2", {})
    assert bias_table(facts, [row]).facts[2] == "effective p without 1.1, inf ? (not certified)"
    document = json.loads(render(Comparison([row], [], [facts], [], {}), "json"))
    assert document["instances"][0]["missing_p"] == [1.1, "inf"]


def test_json_tells_what_is_not_certified():
    comparison = Comparison([doubtful()], [], [DOUBTFUL], [], {})
    document = json.loads(render(comparison, "json"))
    assert document["bias"][0]["uncertified"] == ["entropic"]
    assert [each["certified"] for each in document["instances"][0]["references"]] == [True, False]
