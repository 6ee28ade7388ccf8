"""The table over learning rates, its JSON and its CSV."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from importlib.resources import files
from itertools import pairwise

import jsonschema
import pytest
from example_comparison import DIGITS, INSTANCES, NEVER, SKIPPED, TARGETS, convergence
from long_table import read_long

from optbench.columns import LearningRate
from optbench.records import as_dict, plain
from optbench.report import render, tables
from optbench.report.learning_rate_table import learning_rate_table
from optbench.status import Status


def entry(rate, steps=None, **changes):
    """Return what one rate did: it reached all targets, or a thousandth of the gap is left."""
    told = {
        "learning_rate": rate,
        "hyperparameters": {"learning_rate": rate},
        "steps": 10_000,
        "status": Status.HORIZON,
        "success_rate": 0.0 if steps is None else 1.0,
        "steps_to": dict.fromkeys(TARGETS, steps),
        "final_suboptimality": 2e-4,
        "log10_final_suboptimality": math.log10(2e-4),
        "log10_left": -3.0,
        "selected": "l2",
    }
    return LearningRate(**(told | changes))


DIVERGED = {
    "status": Status.DIVERGED, "success_rate": 0.0, "final_suboptimality": None,
    "log10_final_suboptimality": None, "log10_left": None, "selected": None,
}  # fmt: skip


def swept(optimizer, entries, best, **changes):
    """Return a row with a list of rates."""
    return convergence(
        DIGITS, optimizer, NEVER, best_learning_rate=best, learning_rates=tuple(entries),
        success_target="1e-8", **changes,
    )  # fmt: skip


def reached_between(low, high, rates):
    """Return entries that reach the targets on an interval, fall short below, diverge above."""
    return [
        entry(rate, **DIVERGED) if rate > high else entry(rate, 100 if rate >= low else None)
        for rate in rates
    ]


def with_rows(example, rows):
    return dataclasses.replace(
        example, bias_rows=[], convergence_rows=rows, instances=INSTANCES[:1]
    )


def geometric(count, low=1e-4):
    return [low ** (1.0 - k / (count - 1)) for k in range(count)]


THREE = [entry(0.01), entry(0.1, 12_345), entry(1.0, **DIVERGED)]
GREW = [entry(0.01, log10_left=1.5), entry(0.1, 7.0), entry(1.0, 900.0)]


@pytest.fixture
def small(example):
    return with_rows(
        example,
        [
            swept("gradient_descent", THREE, 0.1),
            swept("adam", GREW, 0.1),
            convergence(DIGITS, "exponentiated_gradient", NEVER, **SKIPPED),
        ],
    )


def test_a_cell_is_a_number_of_steps_or_what_is_left_or_the_status(small):
    table = tables(small)[1]
    assert table.title == "Learning rates: logistic_regression on digits_3v8"
    assert [column.title for column in table.columns] == [
        "learning rate", "gradient_descent", "adam",
    ]  # fmt: skip
    assert [[cell.text for cell in row] for row in table.rows] == [
        ["0.01", "0.001 left", "grew 32x"],  # 10^1.5 = 31.6
        ["0.1", "12,345 <", "7 <"],
        ["1", "diverged", "900"],
    ]


@pytest.mark.parametrize("count", [0, 1])
def test_there_is_no_table_without_a_choice_of_rates(example, count):
    rows = [swept("gradient_descent", THREE[:count], 0.1)]
    titles = [table.title for table in tables(with_rows(example, rows))]
    assert not any("Learning rates" in title for title in titles)


def test_a_sentence_reads_it(small):
    first, second = tables(small)[1].reading
    assert first == "Of 3 rates, 1e-8 is kept by adam at 2 (0.1 to 1), gradient_descent at 1 (0.1)."
    assert second == "Smallest diverging rate: gradient_descent 1."


def test_a_target_that_nobody_reaches_is_one_sentence():
    rows = [swept(f"slow_{k}", [entry(0.1), entry(0.2)], 0.1) for k in range(6)]
    assert learning_rate_table(INSTANCES[0], rows).reading == (
        "No optimizer keeps 1e-8 at any of 2 rates.",
        "Smallest diverging rate: none.",
    )


def test_many_optimizers_are_counted_after_the_first_five():
    rates = geometric(20)
    rows = [
        swept(f"rule_{k}", reached_between(rates[2 * k], rates[18], rates), rates[18])
        for k in range(8)
    ]
    rows += [swept(f"slow_{k}", [entry(rate) for rate in rates], rates[0]) for k in range(6)]
    first, second = learning_rate_table(INSTANCES[0], rows).reading
    # rule_k reaches the target at 19 - 2k rates: 19, ..., 11 are named, 9, 7 and 5 are not.
    assert "rule_4 at 11" in first and "rule_5" not in first
    assert first.endswith("3 more at 5 to 9, 6 others at none.")
    assert second.startswith("Smallest diverging rate: rule_0 1, ")
    assert second.endswith("rule_4 1, 3 more at larger ones.")


def test_a_sentence_says_where_the_rate_decides_the_solution():
    entries = [entry(0.1, selected="l2"), entry(0.2, selected="l2"), entry(0.4, selected="l1"),
               entry(0.8, selected="INCONCLUSIVE")]  # fmt: skip
    table = learning_rate_table(INSTANCES[0], [swept("adam", entries, 0.1)])
    assert table.reading[2:] == (
        "The rate decides the solution: adam selects l2 at 2 (0.1 to 0.2) and l1 at 1 (0.4).",
    )


def test_of_many_rates_the_ends_and_every_best_one_are_shown_and_the_table_says_so():
    rates = geometric(200)
    best = rates[77], rates[150]
    rows = [
        swept(name, [entry(rate) for rate in rates], rate)
        for name, rate in zip("ab", best, strict=True)
    ]
    table = learning_rate_table(INSTANCES[0], rows)
    shown = [float(row[0].text) for row in table.rows]
    assert shown[0] == 1e-4 and shown[-1] == 1.0 and shown == sorted(shown)
    for rate in best:
        assert float(f"{rate:.3g}") in shown
    others = [rate for rate in shown if rate not in [float(f"{b:.3g}") for b in best]]
    gaps = [math.log10(b / a) for a, b in pairwise(others)]
    # Ten rates over four decades: 4/9 of a decade apart, off by one spacing of the grid, 4/199.
    assert len(others) == 10 and gaps == pytest.approx([4.0 / 9.0] * 9, abs=0.021)
    assert [sum(row[k].text.endswith(" <") for row in table.rows) for k in (1, 2)] == [1, 1]
    assert table.notes[0].startswith("12 of 200 rates are shown")
    assert "JSON or CSV has all 200" in table.notes[0]


def test_rates_have_as_many_digits_as_tell_them_apart():
    entries = [entry(0.12341), entry(0.12342), entry(0.5)]
    table = learning_rate_table(INSTANCES[0], [swept("a", entries, 0.5)])
    assert [row[0].text for row in table.rows] == ["0.12341", "0.12342", "0.5"]


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("rates", [2, 20, 200])
@pytest.mark.parametrize("optimizers", [1, 2, 5, 13])
def test_every_optimizer_and_rate_fits_the_width(example, width, rates, optimizers):
    names = [f"normalized_gradient_descent[decay=0.{k:02}]" for k in range(optimizers)]
    values = geometric(rates)
    rows = [swept(name, [entry(r, 123_456) for r in values], values[0]) for name in names]
    comparison = with_rows(example, rows)
    text = render(comparison, "table", width)
    own = text[text.index("Learning rates") :]
    assert max(map(len, own.splitlines())) <= width
    grid = own[: own.index("Of ")]
    shown = len(tables(comparison)[1].rows)
    assert grid.count("123,456") == optimizers * shown
    for k in range(optimizers):  # the last line of a folded header
        assert grid.count(f" decay=0.{k:02}]") == 1
    blocks = grid.count("learning")
    assert len(re.findall(r"(?m)^ *0\.0001 ", grid)) == blocks
    # The longest line of a header has 12 characters, the column of the rates 8, a gap 2.
    assert blocks == math.ceil(optimizers / ((width - 8) // 14))


@pytest.mark.parametrize("format", ["markdown", "latex"])
def test_markdown_and_latex_have_every_cell(small, format):
    text = render(small, format)
    assert "Learning rates: logistic" in text
    for cell in ("0.001 left", "grew 32x", "12,345", "diverged", "900"):
        assert cell in text


def test_latex_puts_many_optimizers_into_several_tabulars_of_one_float(example):
    rows = [swept(f"rather_long_name_of_rule_{k}", THREE, 0.1) for k in range(9)]
    text = render(with_rows(example, rows), "latex")
    float_ = text[text.index("Learning rates") :]
    assert float_.count(r"\begin{tabular}") == float_.count(r"\end{tabular}") == 3
    assert float_.count(r"\end{table}") == 1
    assert float_.count("12,345") == 9


def test_json_validates_and_keeps_all_digits(small):
    schema = json.loads((files("optbench.report") / "schema.json").read_text())
    document = json.loads(render(small, "json"))
    jsonschema.Draft202012Validator(schema).validate(document)
    assert document["convergence"][0]["learning_rates"] == [plain(as_dict(e)) for e in THREE]
    for key in schema["$defs"]["learning_rate"]["required"]:
        broken = json.loads(json.dumps(document))
        del broken["convergence"][0]["learning_rates"][0][key]
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.Draft202012Validator(schema).validate(broken)


def test_csv_has_a_line_per_quantity_of_each_rate(small):
    long = read_long(render(small, "csv"))
    own = long[long.table == "learning_rates"]
    assert long[long.table == "convergence"].learning_rate.isna().all()
    assert own.groupby(["optimizer", "learning_rate"]).ngroups == 6
    steps = own[own.quantity == "steps_to_1e-8"]
    wide = steps.pivot_table(index="learning_rate", columns="optimizer", values="value")
    assert wide["adam"].dropna().to_dict() == {0.1: 7.0, 1.0: 900.0}
    assert wide["gradient_descent"].dropna().to_dict() == {0.1: 12_345.0}
    first = own[(own.optimizer == "gradient_descent") & (own.learning_rate == 1.0)]
    assert set(first.status) == {"diverged"}
    assert set(first.hyperparameters) == {"learning_rate=1.0"}
    left = own[own.quantity == "log10_final_suboptimality"].value.iloc[0]
    assert left == THREE[0].log10_final_suboptimality
    assert set(own[own.quantity == "selected"].text.dropna()) == {"l2"}


def test_pandas_has_one_row_per_cell_and_rate(small):
    frame = small.learning_rates
    assert len(frame) == 6
    assert frame["steps_to_1e-8"].dropna().tolist() == [12_345, 7.0, 900.0]
    assert "learning_rates" not in small.convergence.columns


def half_decades(largest, count=5):
    """Return the rates of a search, two a decade, all but the largest left behind at step 100."""
    rates = [largest * 10.0 ** (-0.5 * k) for k in range(count - 1, -1, -1)]
    behind = [dataclasses.replace(entry(rate, log10_left=-1.0), steps=100) for rate in rates[:-1]]
    return [*behind, entry(rates[-1], 77)]


@pytest.fixture
def searched(example):
    """Two searches that end at 2 and 0.02, the best rate of each."""
    rows = [
        swept(optimizer, half_decades(largest), largest, searched=True)
        for optimizer, largest in (("gradient_descent", 2.0), ("adam", 0.02))
    ]
    return with_rows(example, rows)


def test_details_show_the_rates_of_searches_and_how_far_each_went(searched):
    assert len(tables(searched)) == 1
    _, table = tables(searched, details=True)
    own = [[cell.text for cell in row] for row in table.rows]
    assert own == [
        ["0.0002", "-", "0.1 left @100"],
        ["0.000632", "-", "0.1 left @100"],
        ["0.002", "-", "0.1 left @100"],
        ["0.00632", "-", "0.1 left @100"],
        ["0.02", "0.1 left @100", "77 <"],
        ["0.0632", "0.1 left @100", "-"],
        ["0.2", "0.1 left @100", "-"],
        ["0.632", "0.1 left @100", "-"],
        ["2", "77 <", "-"],
    ]
    assert "@ the step at which the search left a rate behind" in table.facts[0]
    assert table.reading[0] == (
        "Of 5 rates, 1e-8 is kept by gradient_descent at 1 (2), adam at 1 (0.02)."
    )


@pytest.mark.parametrize("factor", [1.0, 1.3, 10.0**0.25, 3.0])
@pytest.mark.parametrize("largest", [1.0, 10.0**0.5, 0.7])
def test_a_row_has_one_rate_of_each_optimizer_within_half_a_decade(largest, factor):
    """Wherever two searches end, also at the border of a half decade."""
    searches = [half_decades(largest, 13), half_decades(largest * factor, 13)]
    rows = [
        swept(name, entries, entries[-1].learning_rate, searched=True)
        for name, entries in zip(("a", "b"), searches, strict=True)
    ]
    table = learning_rate_table(INSTANCES[0], rows)
    for column in (1, 2):
        assert sum(row[column].text != "-" for row in table.rows) == 13
    for row in table.rows:
        low, *high = (float(end) for end in row[0].text.split(" to "))
        assert all(low < end <= 10.0**0.5 * low * 1.01 for end in high)


@pytest.mark.parametrize("width", [80, 120])
def test_details_fit_the_width(searched, width):
    text = render(searched, "table", width, details=True)
    assert max(map(len, text.splitlines())) <= width
    assert "0.1 left @100" in text and "0.1 left @100" not in render(searched, "table", width)
    assert "0.1 left @100" in render(searched, "markdown", details=True)
