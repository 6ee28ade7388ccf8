"""The first screen: a cell an optimizer and instance, true sentences, and at most 40 lines."""

import dataclasses

import pytest
from example_comparison import DIABETES, DIGITS, INSTANCES, bias, convergence

from optbench.report import FORMATS, View, render
from optbench.report.outcomes import Verdict
from optbench.report.sections import first_screen
from optbench.report.summary import summarize
from optbench.result import Comparison
from optbench.status import Status

LONG = "a_rule_with_quite_a_long_name_of_its_own"


def pair(place, name, selected, theory, steps, **changes):
    """Return the two rows of a cell that keeps 1e-4 after some steps, or never."""
    kept = (1, 2, steps, None, None)
    status = {
        key: changes[key] for key in ("status", "reason", "as_theorem_asks") if key in changes
    }
    return (
        bias(place, name, selected, theory, {"norm_excess_l2": 0.1}, **changes),
        convergence(place, name, kept, **status),
    )


def compared(*pairs):
    """Return a comparison of some cells, on the two instances that they are on."""
    told = [facts for facts in INSTANCES if facts.problem != "linear_program"]
    return Comparison([b for b, _ in pairs], [c for _, c in pairs], told, [], {}, [])


PAIRS = (
    pair(DIGITS, "agrees", "l2", "l2", 100),
    pair(DIGITS, "contradicts", "l1", "l2", 40),
    pair(DIGITS, "moves", "moving", "l2", 400, towards="l2"),
    pair(DIGITS, "moves[eps=0] (theorem)", "linf", "linf", 7, as_theorem_asks=True),
    pair(DIGITS, "undecided", "INCONCLUSIVE", "l2", None),
    pair(DIGITS, "silent", "l2", "unknown", 200),
    pair(DIGITS, "fails", None, "l2", None, status=Status.FAILED, reason="mine.py:3: no"),
    pair(DIGITS, "skipped", None, "l2", None, status=Status.SKIPPED, reason="needs layers"),
    pair(DIABETES, "agrees", "l2", "l2", 10),
    pair(DIABETES, "silent", "l2", "unknown", 30),
)
SUMMARY = summarize(compared(*PAIRS))


def test_each_cell_has_its_verdict_and_its_steps():
    cells = {name: row[0] for name, row in SUMMARY.matrix.items()}
    assert {name: (cell.verdict, cell.text) for name, cell in cells.items()} == {
        "agrees": (Verdict.AGREES, "100"),
        "contradicts": (Verdict.CONTRADICTS, "40"),
        "moves": (Verdict.NOT_THERE_YET, "400"),
        "undecided": (Verdict.UNDECIDED, "> 1e4"),
        "silent": (Verdict.SILENT, "200"),
        "fails": (Verdict.FAILED, "failed"),
        "skipped": (Verdict.SKIPPED, ""),
    }
    assert SUMMARY.matrix["fails"][1] is None  # it was not asked for there


def test_a_run_as_its_theorem_asks_is_the_second_mark_of_its_cell():
    cell = SUMMARY.matrix["moves"][0]
    assert cell.marks == Verdict.NOT_THERE_YET.mark + Verdict.AGREES.mark
    assert SUMMARY.second_marks and not summarize(compared(*PAIRS[:2])).second_marks


def test_marks_differ_and_the_legend_explains_those_that_occur():
    assert len({verdict.mark for verdict in Verdict}) == len(Verdict)
    assert set(SUMMARY.legend) == {verdict.mark for verdict in Verdict}
    assert set(summarize(compared(PAIRS[0], PAIRS[8])).legend) == {Verdict.AGREES.mark}


def test_sentences_count_what_was_found():
    theory, fastest, undecided, failed = SUMMARY.sentences
    # agrees twice, and once with what its theorem asks for; one contradicts; two are open
    assert theory.startswith("Theory speaks about 6 runs: 3 agreed with it, 1 contradicted it (")
    assert "contradicts selects l1, not l2, on logistic_regression on digits_3v8" in theory
    assert "2 came to no verdict (1 still moved when it ended, the way that" in theory
    # on digits 40 against 100 steps, on diabetes 10 against 30
    assert "agrees on 1 (the next takes 3x as many), contradicts on 1 (2.5x)" in fastest
    assert undecided.startswith("2 of 8 runs came to no verdict: 1 still moved")
    assert failed == "Failed: fails on logistic_regression on digits_3v8 (mine.py:3: no)."


def test_what_is_faster_in_general_is_told_only_where_a_test_tells():
    """A sign test over n instances gives 2 / 2^n to who wins them all: with two rows n = 6."""
    few, enough = (
        summarize(
            Comparison(
                [pair(at, n, "l2", "l2", s)[0] for at in places for n, s in SPEED.items()],
                [pair(at, n, "l2", "l2", s)[1] for at in places for n, s in SPEED.items()],
                [dataclasses.replace(INSTANCES[0], instance=at["instance"],
                                     instance_id=at["instance_id"]) for at in places],
                [], {}, [],
            )
        ).sentences[1]
        for places in (PLACES[:5], PLACES)
    )  # fmt: skip
    assert 2.0 / 2.0**5 > 0.05 >= 2.0 / 2.0**6
    assert "not decided: that takes 6 instances, here are 5" in few
    assert "1 of 2 optimizers are slower than another one beyond chance" in enough
    assert enough.endswith("slow.")


SPEED = {"fast": 10, "slow": 30}
PLACES = [{**DIGITS, "instance": f"i{k}", "instance_id": f"{k:012d}"} for k in range(6)]


@pytest.mark.parametrize("width", [80, 100, 120])
@pytest.mark.parametrize("details", [False, True])
def test_nothing_is_cut_and_every_row_has_its_status(width, details):
    """With long names too: each number and name is whole, each word on one line."""
    rows = []
    for place in (DIGITS, DIABETES, *PLACES[:4]):
        place = {**place, "instance": f"a_data_set,with=many_options,{place['instance']}"}
        rows += [pair(place, LONG, "l2", "l2", 12_345), pair(place, f"{LONG}[beta=0.5]", None, "l2",
                 None, status=Status.DIVERGED, reason="not finite")]  # fmt: skip
    told = [dataclasses.replace(INSTANCES[0], **{key: row.__dict__[key] for key in DIGITS})
            for row, _ in rows[::2]]  # fmt: skip
    result = Comparison([b for b, _ in rows], [c for _, c in rows], told, [], {}, [])
    lines = render(result, "table", width, details=details).splitlines()
    assert max(map(len, lines)) <= width
    text = "\n".join(lines)
    assert text.count("12,345") >= 6 and text.count("diverged") >= 6
    letters = "".join(text.split())
    assert "a_rule_with_quite_a_" in letters and "beta=0.5" in letters
    known = {piece for piece in LONG.split("_")}
    assert all(piece in text for piece in known)  # no word is broken
    if details:
        heads = [line for line in lines if line.startswith("optimizer")]
        assert len(heads) == 13  # two an instance, and the profile
        assert all(line.endswith("status") for line in heads[:-1])


def test_the_screen_of_a_default_size_has_40_lines_at_most():
    """Seventeen optimizers on three instances, with rows as theorems ask."""
    names = [f"{LONG[:24]}_{k}" for k in range(17)]
    rows = []
    for place in (DIGITS, DIABETES, PLACES[0]):
        for k, name in enumerate(names):
            rows.append(pair(place, name, "moving" if k % 2 else "l2", "l2", 10 + k, towards="l2"))
            rows.append(pair(place, f"{name}[a=1] (theorem)", "l2", "l2", 9, as_theorem_asks=True))
    told = [dataclasses.replace(INSTANCES[0], **place) for place in (DIGITS, DIABETES, PLACES[0])]
    result = Comparison([b for b, _ in rows], [c for _, c in rows], told, [], {}, [])
    lines = first_screen(result, View(width=100), {"--details": "all tables"}).splitlines()
    assert len(lines) <= 40 and max(map(len, lines)) <= 100
    assert sum(line.startswith(LONG[:24]) for line in lines) == 17


def test_evaluations_are_counted_where_they_are_asked_for():
    rows = [
        dataclasses.replace(row, evaluations_to={"1e-4": 2.0 * row.steps_to["1e-4"]})
        for _, row in PAIRS[:2]
    ]
    result = dataclasses.replace(compared(*PAIRS[:2]), convergence_rows=rows)
    told = summarize(result, "evaluations")
    assert told.matrix["agrees"][0].text == "200"
    assert "Fewest evaluations" in told.sentences[1]


def test_documents_have_the_matrix_and_every_table():
    text = render(compared(*PAIRS), "markdown")
    assert text.index("7 optimizers on 2 instances") < text.index("Implicit bias")
    assert set(FORMATS) >= {"table", "markdown", "latex", "csv", "json"}


def test_only_the_command_line_names_its_options():
    """In Python, in a notebook and on the page an option would be a riddle."""
    told = compared(*PAIRS)
    assert not any("--" in sentence for sentence in SUMMARY.sentences)
    assert "--" not in told._repr_html_() and "--" not in told.summary()
    assert "until_verdict=True" in told.summary() and "--until-verdict" in render(told, "table")
    settled = compared(PAIRS[0], PAIRS[8])
    assert "until_verdict" not in settled.summary()
    assert "--until-verdict" not in render(settled, "table")
