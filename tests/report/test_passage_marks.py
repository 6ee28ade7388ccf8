"""The marks of steps that are not the first at a target, or that are read off records."""

from __future__ import annotations

import pytest
from example_comparison import DIGITS, INSTANCES, TARGETS, convergence

from optbench.columns import LearningRate
from optbench.report.convergence_table import convergence_table
from optbench.report.learning_rate_table import learning_rate_table
from optbench.status import Status


def named(*steps):
    return dict(zip(TARGETS, steps, strict=True))


KEPT = convergence(DIGITS, "gradient_descent", (41, 512, 900, 1000, 1100),
                   reached=named(41, 512, 900, 1000, 1100), passages="exact")  # fmt: skip
OSCILLATES = convergence(DIGITS, "heavy_ball", (18, 90, 900, 1000, 2000), passages="exact",
                         reached=named(14, 90, 900, 1000, 1500),
                         left_again_at=named(17, None, None, None, 1999))  # fmt: skip
BURSTS = convergence(DIGITS, "adam", (50, None, None, None, None), success_rate=0.0,
                     reached=named(50, 90, 120, 150, 170), passages="exact",
                     left_again_at=named(None, 9990, 9991, 9992, 10_000))  # fmt: skip
SAMPLED = convergence(DIGITS, "stochastic_gradient_descent", (50, 600, None, None, None),
                      reached=named(50, 600, None, None, None),
                      passages="interpolated")  # fmt: skip


@pytest.fixture(scope="module")
def table():
    return convergence_table(INSTANCES[0], [KEPT, OSCILLATES, BURSTS, SAMPLED])


def steps(table, target):
    (place,) = [k for k, each in enumerate(table.columns) if each.title.endswith(f"to {target}")]
    return [cells[place].text for cells in table.rows]


def test_a_number_that_is_not_the_first_at_its_target_is_marked(table):
    first, last = TARGETS[0], TARGETS[-1]
    assert steps(table, first) == ["41", "18^", "50", "~50"]
    assert steps(table, last) == ["1,100", "2,000^", "> 1e4^", "> 1e4"]


def test_a_note_tells_when(table):
    (meaning,) = [note for note in table.notes if note.startswith("^")]
    assert meaning.endswith("the step from which on the target is kept")
    (note,) = [note for note in table.details if note.startswith("^")]
    assert f"heavy_ball {TARGETS[-1]} reached at 1,500, left again at 1,999" in note
    assert f"adam {TARGETS[-1]} reached at 170, left again at 10,000" in note
    assert "gradient_descent" not in note
    assert any(note.startswith("~") for note in table.notes)


def test_no_mark_no_note():
    notes = convergence_table(INSTANCES[0], [KEPT]).notes
    assert not any(note.startswith(("^", "~")) for note in notes)


def test_a_target_below_rounding_is_not_called_out_of_reach():
    row = convergence(DIGITS, "adam", (50, None, None, None, None), below_rounding=TARGETS[1:],
                      reached=named(50, None, None, None, None),
                      passages="exact", success_target=TARGETS[0])  # fmt: skip
    table = convergence_table(INSTANCES[0], [row])
    assert [steps(table, target) for target in TARGETS] == [["50"], *[["rounding"]] * 4]
    assert sum(note.startswith("rounding: ") for note in table.notes) == 1


def test_only_kept_targets_are_counted(table):
    assert any(f"2 of 4 rows keep {TARGETS[-1]}" in sentence for sentence in table.reading)


def test_rates_are_marked_alike():
    def entry(rate, kept, first, **changes):
        return LearningRate(
            learning_rate=rate, steps=10_000, status=Status.HORIZON,
            steps_to=named(*[kept] * 5), reached=named(*[first] * 5), **changes,
        )  # fmt: skip

    rates = (entry(0.1, 200, 150), entry(0.2, None, 90, log10_left=-3.0), entry(0.3, 70, 70))
    row = convergence(DIGITS, "adam", (1,) * 5, learning_rates=rates, best_learning_rate=0.3)
    table = learning_rate_table(INSTANCES[0], [row])
    assert [cells[1].text for cells in table.rows] == ["200^", "0.001 left^", "70 <"]
    assert table.notes == ("^ reached before, and left again",)
