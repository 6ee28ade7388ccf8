"""Tables on a terminal: no line too wide, no number cut or broken, every row with its reason."""

import dataclasses
import io
import re

import pytest
from example_comparison import AFIRO, bias, convergence

from optbench.cli import terminal
from optbench.columns import RateLaw
from optbench.report import render, tables
from optbench.report.fit import fit, fold_name, total_width
from optbench.report.outcomes import Verdict
from optbench.report.rows import reasons
from optbench.report.table import Column, Table, cells
from optbench.report.terminal import render_terminal
from optbench.status import Status


@pytest.mark.parametrize("width", [80, 90, 100, 120, 200])
def test_no_line_is_wider_than_the_terminal(example, width):
    lines = render(example, "table", width).splitlines()
    assert max(map(len, lines)) <= width


@pytest.mark.parametrize("width", [80, 120])
def test_no_number_is_cut_or_broken(example, width):
    """Every cell of the columns that are shown appears whole in one line of the table."""
    for table in tables(example):
        lines = render_terminal([table], (), width, False).splitlines()
        fitted = fit(table, width)
        for column, texts in zip(
            fitted.table.columns, zip(*fitted.table.rows, strict=True), strict=True
        ):
            for piece in (piece for cell in texts for piece in cell.text.split("\n")):
                assert any(piece.strip() in line for line in lines), (column.title, piece)
                assert not column.number or "…" not in piece


@pytest.mark.parametrize("width", [80, 120])
def test_every_row_appears_in_both_tables(example, width):
    for table in tables(example):
        text = render_terminal([table], (), width, False)
        # A folded name continues on the next line, one space in: join name and continuation.
        whole = re.sub(r"(?m)^(\w+_|\w+\[)  .*\n (\S+).*$", r"\1\2", text)
        whole = re.sub(r"(?m)^(\w+_)\n (\S+)", r"\1\2", whole)
        whole = re.sub(r"(?m)^(\w+)  .*\n (\(\S+\))$", r"\1 \2", whole)
        for row in table.rows:
            assert row[0].text in text or row[0].text in whole


def test_headline_columns_survive_80_characters(example):
    text = render(example, "table", 80, details=True)
    for header in ("optimizer", "selects", "theory", "ratio", "rate law", "lr", "to 1e-8"):
        assert header in text


def test_skipped_failed_and_diverged_rows_keep_their_reason(example):
    text = " ".join(render(example, "table", 80, details=True).split())
    for reason in (
        "exponentiated_gradient: skipped: needs positive parameters",
        "my_rule: failed: my_rule.py:12: division by zero in step 3",
        "heavy_ball: diverged: loss is not finite from step 85 on",
        "p_norm_mirror_descent: INCONCLUSIVE: margins still grow",
        "gradient_descent (diagonal): stalled: no progress from step 1,700 on",
    ):
        assert text.count(reason) >= 1, reason


def test_sentences_read_the_tables(example):
    text = " ".join(render(example, "table", 120, details=True).split())
    assert "Verdict as theory says: 5 of 6; but adam[eps=1e-8] selects l2 (theory: linf)." in text
    # Of ten rows one is skipped, and one failed before it could run.
    assert "INCONCLUSIVE: 1 of 8 rows." in text
    assert "Fewest steps to 1e-8: sign_descent (9,999); 1 of 8 rows keep 1e-8." in text
    assert "coordinate_descent (ratio L1 0.998)" in text
    assert "note: broken plug-in: mine/broken.py:3" in text
    assert "compile 2.5 s" in text


def test_namesakes_are_told_apart_by_what_differs(example):
    names = [row[0].text for row in tables(example)[0].rows]
    assert "adam[eps=1e-8]" in names
    assert "adam[eps=0]" in names
    assert len(set(names)) == len(names)


def test_mirror_descent_is_compared_with_its_own_exponent(example):
    table = tables(example)[0]
    (row,) = [row for row in table.rows if row[0].text == "p_norm_mirror_descent"]
    assert row[2].text == "l3"


def test_unreached_targets_say_the_horizon_and_rows_that_never_ran_do_not(example):
    table = tables(example)[1]
    place = [column.title for column in table.columns].index("steps to 1e-8")
    cell = {row[0].text: row[place].text for row in table.rows}
    assert cell["gradient_descent"] == "> 1e4"
    assert cell["sign_descent"] == "9,999"
    assert cell["exponentiated_gradient"] == "-"


def test_parametrizations_get_a_column_only_where_they_differ(example):
    titles = [[column.title for column in table.columns] for table in tables(example)]
    assert "parametrization" not in titles[0]
    assert "parametrization" in titles[2]


def test_intervals_are_shown_for_several_seeds(example):
    text = render(example, "table", 120, details=True)
    assert "[0.4, 0.42]" in text
    assert "medians over 5 seeds" in text


def test_styles_are_ansi_codes_only_on_a_terminal(example):
    plain = render(example, "table", 100)
    styled = render(example, "table", 100, styled=True)
    assert "\x1b" not in plain
    assert re.sub(r"\x1b\[\d*m", "", styled) == plain


def test_an_empty_comparison_is_not_an_error(example):
    empty = dataclasses.replace(
        example, bias_rows=[], convergence_rows=[], instances=[], notes=["interrupted"]
    )
    assert render(empty, "table", 80).startswith("note: interrupted")


def test_measures_of_a_plug_in_get_a_column(example):
    row = bias(AFIRO, "mine", "vertex", "unknown", {"my_measure": 0.25})
    table = tables(dataclasses.replace(example, bias_rows=[row], convergence_rows=[]))[0]
    assert "my measure" in [column.title for column in table.columns]


def test_the_longest_names_fit_80_characters(example):
    """Two parametrizations that differ in options only, long optimizers, long verdicts."""
    measures = dict.fromkeys(
        ("objective_gap", "infeasibility", "distance_entropic", "distance_vertex"), 1.234e-10
    )
    rows = [
        bias(AFIRO, "automatic_gradient_descent[gain=0.1234]", "INCONCLUSIVE", "hypentropy",
             measures, parametrization=f"deep_linear:widths=16x16,scale={scale}")
        for scale in (0.1, 0.01)
    ]  # fmt: skip
    steps = (123_456, 234_567, 345_678, 456_789, 567_890)
    rate = RateLaw(law="linear", value=1.0, low=1.0, high=1.0, window=(1, 2),
                   text="exp(-c t^0.50) or t^-0.50 + F")  # fmt: skip
    slow = [
        convergence(AFIRO, row.optimizer, steps, parametrization=row.parametrization,
                    rate=rate)
        for row in rows
    ]  # fmt: skip
    worst = dataclasses.replace(example, bias_rows=rows, convergence_rows=slow)
    text = render(worst, "table", 80)
    assert max(map(len, text.splitlines())) <= 80
    assert "1.23e-10" in text
    assert "567,890" in text


def test_columns_leave_in_order_of_rank():
    columns = (Column("a"), Column("b" * 30, 2), Column("c" * 30, 5), Column("d" * 30, 1))
    table = Table("", columns, (cells("1", "2", "3", "4"),))
    assert fit(table, 97).left_out == ()
    assert fit(table, 96).left_out == ("c" * 30,)
    assert fit(table, 64).left_out == ("b" * 30, "c" * 30)
    assert total_width(table) == 97


@pytest.mark.parametrize("width", [12, 16, 20, 30])
def test_folded_names_keep_all_letters(width):
    name = "normalized_gradient_descent[decay=0.5,p=3]"
    lines = fold_name(name, width).split("\n")
    assert "".join(line.strip() for line in lines) == name
    assert max(map(len, lines)) <= max(width, len(" descent[") + 1)


def test_marks_stay_different_where_the_terminal_knows_ascii_only(monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="replace")
    monkeypatch.setattr("sys.stdout", stream)
    terminal.emit("".join(verdict.mark for verdict in Verdict))
    told = stream.buffer.getvalue().decode("ascii")
    assert len(set(told)) == len(Verdict) and told.count("?") == 1


@pytest.mark.parametrize("reason", ["diverged at step 3", "no luck"])
def test_how_runs_ended_is_told_once(reason):
    row = bias(AFIRO, "mine", None, "vertex", {}, status=Status.DIVERGED, reason=reason)
    (told,) = reasons([row])
    assert told.count("diverged") == 1 and told.endswith(reason)
