"""What is told of a problem without a certified optimum, and with the best loss in its place."""

from __future__ import annotations

import numpy as np
import pytest

from optbench import Instance, UserError, compare
from optbench.analysis.rows import NO_LAW_FROM_BEST
from optbench.columns import BEST, UNKNOWN
from optbench.report import render, tables

# f(w) = 1/2 |w - (1, ..., 1)|^2 + offset from w = 0: gradient descent at rate r contracts the gap
# by (1 - r)^2 a step, and has all of its digits after 50 steps at r = 1/2.
VALLEY = '''
from optbench import Instance, problem
import numpy as np

def loss(w, data, grad):
    total = data[0, 0]
    for i in range(w.size):
        grad[i] = w[i] - 1.0
        total += 0.5 * grad[i] * grad[i]
    return total

@problem(reference="a test", references=(), metrics=())
def hollow(offset=3.0, d=2, known="no"):
    """Build it."""
    data = np.full((1, d), offset)
    optimum = {"no": None, "best": "best", "yes": lambda: offset}[known]
    return Instance("hollow", data, np.zeros(1), "other", loss_and_grad=loss, optimal_value=optimum)
'''
SLOW, FAST = (f"gradient_descent[learning_rate={rate}]" for rate in (0.001, 0.5))


@pytest.fixture(name="hollow", scope="module")
def hollow_file(tmp_path_factory):
    file = tmp_path_factory.mktemp("plugins") / "hollow.py"
    file.write_text(VALLEY)
    return str(file)


def run(hollow, known, optimizers=(SLOW, FAST), **options):
    settings = {"horizon": 100, "threads": 1, "rerun": True, "plugins": hollow} | options
    return compare(f"hollow:known={known}", list(optimizers), **settings)


def texts(table, title):
    place = [column.title for column in table.columns].index(title)
    return [row[place].text for row in table.rows]


def test_without_an_optimum_nothing_is_measured_from_one(hollow):
    """The loss itself is no gap: at the end it is still 3."""
    result = run(hollow, "no")
    (facts,) = result.instances
    assert (facts.infimum, facts.infimum_from) == (None, UNKNOWN)
    for row in result.convergence_rows:
        assert set(row.steps_to.values()) == set(row.seconds_to.values()) == {None}
        assert set(row.intervals.values()) == {None}
        assert (row.success_rate, row.final_suboptimality) == (None, None)
        assert (row.log10_final_suboptimality, row.rate.law) == (None, None)
        assert row.reason.startswith("optimum unknown")
    slow, fast = result.convergence_rows
    assert slow.final_loss == pytest.approx(3.0 + 0.999**200, rel=1e-12)
    assert fast.final_loss == pytest.approx(3.0, rel=1e-12)
    for trace in result.traces:
        assert np.isnan(trace.log_gap).all()
        assert trace.loss[0, 0] == pytest.approx(4.0, rel=1e-12)


def test_the_table_says_that_the_optimum_is_unknown(hollow):
    table = tables(run(hollow, "no"))[1]
    titles = [column.title for column in table.columns]
    assert not any(title.startswith(("steps to", "time to", "success")) for title in titles)
    assert texts(table, "final loss") == ["3.8", "3"]
    assert table.facts[0].split("; ")[1] == "optimum unknown"
    assert "loss - optimum" not in table.facts[0]
    assert not any("reaches" in sentence for sentence in table.reading)
    assert any("optimum unknown" in note for note in table.notes)
    assert not any(cell.text.startswith(">") for row in table.rows for cell in row)


def test_rates_are_told_by_their_last_loss(hollow):
    result = run(hollow, "no", ["gradient_descent"], learning_rates=[0.001, 0.5, 3.0])
    table = tables(result)[2]
    assert [row[1].text for row in table.rows] == ["loss 3.82", "loss 3 <", "diverged"]
    assert table.facts[0].startswith("optimum unknown: the loss after 100 steps")
    assert not any("reache" in sentence for sentence in table.reading)


def test_the_profile_leaves_out_what_has_no_targets(hollow):
    """Of two instances one is left, and one is none to profile over; of three, two are."""
    many = ["hollow:known=no", "hollow:known=yes", "hollow:known=yes,d=3"]
    settings = {"horizon": 100, "threads": 1, "plugins": hollow}
    two = compare(many[:2], [SLOW, FAST], **settings)
    assert not any(table.title.startswith("Profile") for table in tables(two))
    assert "profile" not in render(two, "csv")
    profile = tables(compare(many, [SLOW, FAST], **settings))[-1]
    assert profile.title == "Profile over 2 instances"
    assert "10 pairs" in profile.facts[0]


def test_the_best_loss_of_all_rows_takes_the_place_of_the_optimum(hollow):
    """Both rows are measured from the fast one's last loss, 3 to all digits."""
    best, known = run(hollow, "best"), run(hollow, "yes")
    (facts,) = best.instances
    assert facts.infimum_from == BEST and facts.infimum == pytest.approx(3.0, rel=1e-15)
    for row, other in zip(best.convergence_rows, known.convergence_rows, strict=True):
        assert row.steps_to == other.steps_to
        assert row.success_rate == other.success_rate
        assert row.reason is None
        assert (row.rate.law, row.rate.text) == (None, NO_LAW_FROM_BEST)
    slow = best.convergence_rows[0]
    assert slow.final_suboptimality == pytest.approx(0.999**200, rel=1e-9)
    line = tables(best)[1].facts[0]
    assert f"optimum: {BEST}, 3 ? (not certified)" in line


def test_the_best_loss_is_that_of_the_rows_of_this_comparison(hollow):
    """Alone, a slow row is its own best; nothing of it is read back beside a better one."""
    (alone,) = run(hollow, "best", [SLOW], rerun=False).convergence_rows
    assert alone.success_rate == 1.0
    together = run(hollow, "best", [SLOW, FAST], rerun=False)
    assert together.environment["cells_from_store"] == 0
    assert together.convergence_rows[0].success_rate == 0.0


@pytest.mark.parametrize("offset", [-5.0, -0.5, 0.0])
def test_a_loss_may_be_negative(hollow, offset):
    """The gap is the same as for a loss that stays positive, and so is the rate that wins."""
    options = {"horizon": 1_000, "threads": 1, "plugins": hollow}
    positive, shifted = (
        compare(f"hollow:known=yes,offset={o}", ["gradient_descent"], **options).convergence_rows[0]
        for o in (3.0, offset)
    )
    assert shifted.best_learning_rate == positive.best_learning_rate
    assert shifted.steps_to == positive.steps_to and shifted.success_rate == 1.0
    for known in ("best", "no"):
        result = compare(f"hollow:known={known},offset={offset}", ["gradient_descent"], **options)
        (row,) = result.convergence_rows
        assert row.final_loss == pytest.approx(offset, abs=1e-12)
        assert (row.success_rate == 1.0) == (known == "best")


def test_a_negative_loss_that_climbs_has_diverged(hollow):
    climbs = ["gradient_descent[learning_rate=3]"]
    result = compare("hollow:known=yes,offset=-5.0", climbs, horizon=100, plugins=hollow)
    assert result.convergence_rows[0].status == "diverged"


def test_another_word_for_the_optimum_is_an_error():
    def row(prediction, target):
        return 0.0, 0.0

    for wrong in ("least", 0.0):
        with pytest.raises(UserError, match="optimal_value=") as error:
            Instance("p", np.ones((1, 1)), np.ones(1), "other", row=row, optimal_value=wrong)
        assert "\n" not in str(error.value)
