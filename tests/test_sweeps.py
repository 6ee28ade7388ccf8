"""Sweeps: several values of an option stand for every combination of them, written out."""

from __future__ import annotations

import contextlib
import itertools
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import optbench
from optbench import UserError
from optbench.choices import choose_all, choose_one
from optbench.executors.cells import InstanceSearches
from optbench.parametrizations import written_out
from optbench.registry import load_registry
from optbench.report.sweep import EVEN, MOST, brief
from optbench.report.table import Column, Table, cells
from optbench.study import build_instances, make_cells
from optbench.sweeps import Grid, combinations
from optbench.tuning.search import Tuner

REGISTRY = load_registry()
DEFAULTS = {"whole": 1, "number": 0.5, "flag": False, "widths": (16,), "word": "a", "text": ""}
WORDS = {"word": ("a", "b", "c")}
VALUES = st.fixed_dictionaries(
    {},
    optional={
        "whole": st.lists(st.integers(-99, 99).map(str), min_size=1, max_size=3, unique=True),
        "number": st.lists(st.floats(-9, 9).map(repr), min_size=1, max_size=3, unique=True),
        "flag": st.just(["true", "false"]),
        "widths": st.just(["16x16", "4"]),
        "word": st.just(["a", "c"]),
        "text": st.just(["a, b.csv"]),
    },
)


@given(VALUES)
def test_all_combinations_are_written_out_in_the_order_of_nested_loops(values) -> None:
    found = combinations("here", {k: ",".join(v) for k, v in values.items()}, DEFAULTS, WORDS)
    assert found == [dict(zip(values, each, strict=True)) for each in
                     itertools.product(*values.values())]  # fmt: skip


@given(st.text("heavy_ball[]:=,.0123456789e- ", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(UserError):
        assert choose_all(REGISTRY, [f"heavy_ball[{text}]"])


@given(st.floats(1e-6, 1e6), st.floats(1e-6, 1e6), st.integers(2, 50))
def test_a_grid_between_positive_ends_is_even_in_the_logarithm(low, high, count) -> None:
    found = Grid(low, high, count).values()
    np.testing.assert_allclose(found, np.geomspace(low, high, count), rtol=1e-11)  # twelve digits


@given(st.floats(-1e3, 0.0), st.floats(-1e3, 1e3), st.integers(2, 50))
def test_a_grid_with_an_end_that_is_not_positive_is_linear(low, high, count) -> None:
    found = Grid(low, high, count).values()
    size = max(abs(low), abs(high))  # numbers between ends that cancel are rounded as they are
    np.testing.assert_allclose(found, np.linspace(low, high, count), rtol=1e-11, atol=1e-14 * size)


def test_grids_of_whole_numbers_are_rounded_and_run_once() -> None:
    assert combinations("here", {"whole": "1:4:7"}, DEFAULTS, WORDS) == [
        {"whole": text} for text in ("1", "2", "3", "4")
    ]


def test_labels_are_those_of_what_is_written_out() -> None:
    labels = [each.label for each in choose_all(REGISTRY, ["heavy_ball[momentum=0,0.5:0.9:2]"])]
    assert labels == [f"heavy_ball[momentum={value}]" for value in ("0", "0.5", "0.9")]
    two = [c.label for c in choose_all(REGISTRY, ["adam[schedule=cosine,constant,clip=1,2]"])]
    assert two == ["adam[schedule=cosine,clip=1]", "adam[schedule=cosine,clip=2]",
                   "adam[clip=1]", "adam[clip=2]"]  # fmt: skip
    assert written_out("linear") == ["linear"]
    assert written_out("diagonal:scale=1e-4:1:3,depth=2,3") == [
        f"diagonal:scale={scale},depth={depth}"
        for scale in ("0.0001", "0.01", "1")
        for depth in (2, 3)
    ]  # fmt: skip
    built = build_instances(REGISTRY, "linear_regression:data=gaussian,n=3,5,d=8", 1)
    assert [group[0].features.shape for group in built] == [(3, 8), (5, 8)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("heavy_ball[momentum=0:1]", "momentum=0:1: must be LOW:HIGH:COUNT, such as 0.1:10:5"),
        ("heavy_ball[momentum=0:1:1]", "momentum=0:1:1: must be LOW:HIGH:COUNT"),
        ("heavy_ball[momentum=0:nan:3]", "momentum=0:nan:3: must be LOW:HIGH:COUNT"),
        ("heavy_ball[momentum=0,x]", "momentum=x: must be a number"),
        ("heavy_ball[momentum=0.5,2]", "momentum=2 must be"),
        ("heavy_ball[momentum=0,learning_rate]", "learning_rate is an option; say learning_rate="),
        ("heavy_ball[0.5,momentum=1]", "'0.5' is not of the form key=value"),
        ("adam[schedule=cosine,cosin]", "schedule=cosin: unknown (did you mean 'cosine'?)"),
        (
            "heavy_ball[momentum=0:0.9:101,learning_rate=1e-3:1:100]",
            "101 of momentum x 100 of learning_rate: 10,100 combinations in all; at most 10,000",
        ),
        ("heavy_ball[momentum=0:0.9:99999999999]", "99,999,999,999 combinations in all"),
    ],
)
def test_wrong_sweeps_are_one_line_with_the_place(text: str, message: str) -> None:
    with pytest.raises(UserError, match=re.escape(message)) as caught:
        choose_all(REGISTRY, [text])
    assert "\n" not in str(caught.value)


def test_as_many_combinations_as_may_run_are_read() -> None:
    given = {"number": "0:1:100", "whole": "1:100:100"}
    assert len(combinations("here", given, {**DEFAULTS, "whole": 0.5}, WORDS)) == 10_000


def test_rows_over_all_are_counted_before_any_runs() -> None:
    with pytest.raises(UserError, match=r"2 instances x 1 parametrizations x 9,999 optimizers"):
        optbench.compare("quadratic:d=2,3", "heavy_ball[momentum=0:0.9:9999]")


def test_one_run_is_of_one_combination() -> None:
    with pytest.raises(UserError, match="stands for 2; one is to run"):
        choose_one(REGISTRY, "heavy_ball[momentum=0,0.5]")


def test_the_commas_of_a_path_belong_to_it(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    rows = np.random.default_rng(0).normal(size=(6, 3))
    lines = ["a,b,c", *(",".join(map(str, row)) for row in rows)]
    (tmp_path / "one, two.csv").write_text("\n".join(lines))
    text = "linear_regression:data=one, two.csv,target=a,intercept=false,true"
    built = build_instances(REGISTRY, text, 1)
    assert [group[0].options["intercept"] for group in built] == [False, True]
    assert {group[0].options["data"] for group in built} == {"one, two.csv"}


SWEPT = "heavy_ball[momentum=0,0.5,0.9]"
WRITTEN = [f"heavy_ball[momentum={value}]" for value in ("0", "0.5", "0.9")]
SHARED = {"horizon": 200, "threads": 1, "rerun": True}


@pytest.fixture(name="swept", scope="module")
def swept_fixture():
    return optbench.compare("quadratic:d=4,6", SWEPT, learning_rates=[0.01, 0.02], **SHARED)


def test_a_sweep_has_the_bits_of_what_is_written_out(swept) -> None:
    problems = ["quadratic:d=4", "quadratic:d=6"]
    written = optbench.compare(problems, WRITTEN, learning_rates=[0.01, 0.02], **SHARED)
    one, other = (each.to_dataframe() for each in (swept, written))
    assert len(one) > 0
    assert one.equals(other)
    assert swept.bias_rows == written.bias_rows


def test_a_sweep_of_two_hyperparameters_is_a_phase_diagram(swept) -> None:
    from optbench.plots.phase_diagram import data

    brackets = "heavy_ball[learning_rate=0.01,0.02,momentum=0,0.5,0.9]"
    both = [data(optbench.compare("quadratic:d=4,6", brackets, **SHARED)), data(swept)]
    columns = ["instance", "x_name", "x", "y_name", "y", "outcome", "at"]
    one, other = (
        each[columns].sort_values(["instance", "x", "y"]).reset_index(drop=True) for each in both
    )
    assert len(one) == 2 * 2 * 3
    assert one.equals(other)


def test_a_sweep_advances_in_as_few_batches_as_learning_rates() -> None:
    def batches(text: str, rates: list[float] | None) -> list[int]:
        (built,) = build_instances(REGISTRY, "quadratic:d=5", 1)
        cells = make_cells(built, choose_all(REGISTRY, [text]), ())
        tuners = [Tuner(cell, 1, 300, rates, 0.0) for cell in cells]
        return [len(batch.places) for batch in InstanceSearches(tuners).ask(1)]

    rates = [0.001 * 1.1**k for k in range(20)]
    many = batches("heavy_ball[learning_rate=1e-3,momentum=0:0.95:20]", None)
    assert len(many) == len(batches("heavy_ball[momentum=0.5]", rates)) == 1


def test_of_a_long_sweep_a_terminal_shows_some_rows_with_both_ends() -> None:
    def table(rows: int) -> Table:
        names = [*(f"heavy_ball[momentum={k}]" for k in range(rows)), "adam"]
        return Table("A", (Column("optimizer", names=True),), tuple(map(cells, names)),
                     notes=("short", "x" * 300))  # fmt: skip

    assert brief(table(MOST)) == table(MOST)
    short = brief(table(MOST + 1), "; more")
    names = [row[0].text for row in short.rows]
    assert (names[0], names[-2:]) == (
        "heavy_ball[momentum=0]",
        [f"heavy_ball[momentum={MOST}]", "adam"],
    )
    assert len(names) == EVEN + 1
    told = f"{EVEN + 1} of {MOST + 2} rows are shown, evenly spaced (1 note left out); more"
    assert short.notes == (told, "short")
