"""The claim framework: verdicts, selection by name, claims of a user, the verb."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

import pytest
from scipy.stats import beta

from optbench.claims.framework import Check, Curve, claim
from optbench.claims.library import load_claims
from optbench.claims.verification import verify
from optbench.cli import main
from optbench.errors import UserError

NAN = float("nan")


def declare(checks, **given):
    """Declare a claim that yields these checks."""
    facts = {"title": "t", "citation": "Nobody 2000", "statement": "s", "formula": "f"}

    @claim(**({"id": "T-1", "cost": "fast"} | facts | given))
    def measured(wrong: bool = False):
        yield from ([Check("perturbed", 1.0, 0.0, "", False)] if wrong else checks)

    return measured


GOOD, BAD = Check("good", 1.0, 1.0, "", True), Check("bad", 2.0, 1.0, "<= 1", False)
OTHER = Check("other", 2.0, 1.0, "<= 1", False)
OPEN = Check("open", NAN, 1.0, "", None)


@pytest.mark.parametrize(
    ("checks", "missing", "verdict", "reason"),
    [
        ([GOOD], "", "PASS", ""),
        ([GOOD, BAD], "", "FAIL", "1 of 2 checks fail, first: bad"),
        ([GOOD, OPEN], "", "INCONCLUSIVE", "undecided: open"),
        ([BAD, OPEN], "", "FAIL", "1 of 2 checks fail, first: bad"),
        ([GOOD], "the rest", "INCONCLUSIVE", "not measured yet: the rest"),
        ([], "", "FAIL", "measured nothing"),
    ],
)
def test_verdicts(checks, missing, verdict, reason) -> None:
    result = verify(declare(checks, missing=missing))
    assert (result.verdict, result.reason) == (verdict, reason)
    assert verify(declare(checks, missing=missing), wrong=True).verdict == "FAIL"


@pytest.mark.parametrize(
    ("checks", "verdict", "reason"),
    [
        ([GOOD, BAD], "DOES NOT HOLD HERE", "bad is 2, not <= 1"),
        ([GOOD], "FAIL", "holds, but is declared not to hold: bad"),
        ([BAD, OTHER], "FAIL", "1 of 2 checks fail, first: other"),
        ([BAD, OPEN], "INCONCLUSIVE", "undecided: open"),
    ],
)
def test_a_paper_that_measurements_contradict(checks, verdict, reason) -> None:
    result = verify(declare(checks, does_not_hold="bad"))
    assert (result.verdict, result.reason) == (verdict, reason)


def on_seeds(bound: float, share: float = 1.0, seeds: int = 20):
    """Declare a claim that the seed is at most the bound, with a curve of each seed."""

    @claim(id="T-3", cost="fast", title="t", citation="N", statement="s", formula="f", seeds=seeds)
    def measured(seed: int = 0):
        yield Check.at_most("seed", seed, bound, share=share)
        yield Curve("c", "x", "y", [float(seed)], {})
        if seed == 0:
            yield Check.at_most("once", 0.0, 0.0)

    return measured


def test_a_check_is_judged_on_all_seeds_and_counted() -> None:
    result = verify(on_seeds(17.0, share=0.9))
    found, once = result.checks
    assert (found.held, found.seeds, found.passed) == (18, 20, True)
    assert (found.measured, found.least, found.largest) == (9.5, 0.0, 19.0)
    # Clopper-Pearson for 18 of 20: beta quantiles
    assert found.interval == pytest.approx(
        (beta.ppf(0.025, 18, 3), beta.ppf(0.975, 19, 2)), abs=1e-12
    )
    assert (once.held, once.seeds) == (1, 1)
    assert [curve.x for curve in result.curves] == [[0.0]]
    assert verify(on_seeds(17.0)).verdict == "FAIL"
    assert verify(on_seeds(17.0), seeds=18).verdict == "PASS"
    assert verify(on_seeds(16.0, share=0.9)).verdict == "FAIL"
    assert verify(on_seeds(0.0, seeds=1)).checks[0].seeds == 1


def test_one_criterion_for_all_seeds() -> None:
    @claim(id="T-4", cost="fast", title="t", citation="N", statement="s", formula="f")
    def measured(seed: int = 0):
        yield Check.at_most("as it comes", seed, float(seed))

    result = verify(measured)
    assert result.verdict == "FAIL"
    assert "the criterion of 'as it comes' depends on the seed" in result.reason


def test_a_number_that_is_missing_on_a_seed_counts_as_one_that_fails() -> None:
    @claim(id="T-5", cost="fast", title="t", citation="N", statement="s", formula="f", seeds=4)
    def measured(seed: int = 0):
        yield Check.at_most("x", NAN if seed == 3 else 1.0, 1.0)

    (found,) = verify(measured).checks
    assert (found.held, found.seeds, found.measured, found.passed) == (3, 4, 1.0, False)


def test_an_exception_is_a_failure_that_keeps_the_checks() -> None:
    def checks():
        yield GOOD
        raise ZeroDivisionError("no data")

    result = verify(declare(checks()))
    assert result.verdict == "FAIL"
    assert result.reason == "could not be measured: ZeroDivisionError: no data"
    assert [found.name for found in result.checks] == ["good"]


@pytest.mark.parametrize(
    ("check", "passed"),
    [
        (Check.at_most("", 1.0, 1.0), True),
        (Check.at_most("", 1.1, 1.0), False),
        (Check.at_least("", 1.0, 1.0), True),
        (Check.at_least("", 0.9, 1.0), False),
        (Check.between("", 1.0, 0.5, 1.0), True),
        (Check.between("", 1.01, 0.5, 1.0), False),
        (Check.close("", -1.01, -1.0, 0.02), True),
        (Check.close("", -1.03, -1.0, 0.02), False),
        (Check.below("", 0.9, 1.0), True),
        (Check.below("", 1.0, 1.0), False),
        (Check.below("", NAN, 1.0), False),
        (Check.reported("", 3.0), True),
        (Check.at_most("", NAN, 1.0), False),
        (Check.at_least("", NAN, 1.0), False),
        (Check.between("", NAN, 0.5, 1.0), False),
        (Check.close("", NAN, 1.0, 0.5), False),
    ],
)
def test_criteria_and_nan(check: Check, passed: bool) -> None:
    assert check.passed is passed


def test_wrong_declarations_name_the_place() -> None:
    with pytest.raises(UserError, match=r"test_framework.py:\d+: claim T-1: cost='cheap'"):
        declare([], cost="cheap")
    with pytest.raises(UserError, match="argument 'needed' needs a default value"):

        @claim(id="T-2", title="", citation="", statement="", formula="", cost="fast")
        def measured(needed):
            yield needed


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("S1-07", ["S1-07"]),
        ("s1-07", ["S1-07"]),
        ("2509.18766", ["S1-07"]),
        ("arXiv:2509.18766", ["S1-07"]),
        ("Berthier", ["S1-07"]),
        ("lasso_path_by_averaging", ["S1-07"]),
        ("S4-09", ["S0-08"]),
        ("lasso", ["S1-07"]),
    ],
)
def test_selection(name: str, found: list[str]) -> None:
    assert [entry.id for entry in load_claims().select([name])] == found


def test_selection_of_nothing_is_all_and_unknown_names_are_one_line() -> None:
    claims = load_claims()
    assert [entry.id for entry in claims.select(())] == sorted(claims.claims)
    with pytest.raises(UserError, match=r"unknown claim 'S9-99'"):
        claims.select(["S9-99"])
    with pytest.raises(UserError, match=r"claim S3-14 is out of scope: an existence theorem"):
        claims.select(["S3-14"])


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    """Return a user's file with a claim that passes and one that fails."""
    file = tmp_path / "mine.py"
    text = """
        from optbench.claims.framework import Check, claim

        FACTS = dict(title="T", citation="Me 2026", statement="s", formula="f", tags=("mine",))

        @claim(id="U-1", cost="fast", **FACTS)
        def passes():
            yield Check.close("pi", 3.14, 3.14159, 1e-2)

        @claim(id="U-2", cost="normal", **FACTS)
        def fails():
            yield Check.at_most("nan", float("nan"), 1.0)
    """
    file.write_text(textwrap.dedent(text))
    return file


def test_verify_a_claim_of_a_user(plugin: Path, capsys) -> None:
    options = ["mine", "--plugin", str(plugin), "--format", "json"]
    assert main(["verify", *options, "--fast"]) == 0
    document = json.loads(capsys.readouterr().out)
    (only,) = document["claims"]
    assert {"id", "title", "citation", "statement", "verdict", "checks", "seconds"} <= set(only)
    assert only["verdict"] == "PASS"
    assert only["checks"] == [
        {"name": "pi", "measured": 3.14, "predicted": 3.14159, "criterion": "within 0.01",
         "least": 3.14, "largest": 3.14, "share": 1.0, "held": 1, "seeds": 1, "passed": True,
         "interval": [pytest.approx(0.025), 1.0]}
    ]  # fmt: skip
    assert document["unmeasured"] == []  # of interest beside all claims only
    assert main(["verify", *options]) == 3
    document = json.loads(capsys.readouterr().out)
    assert [entry["verdict"] for entry in document["claims"]] == ["PASS", "FAIL"]
    assert document["claims"][1]["checks"][0]["measured"] is None  # JSON has no nan


def test_several_processes_find_the_same(plugin: Path, capsys) -> None:
    arguments = ["verify", "mine", "--plugin", str(plugin), "--format", "json", "--jobs"]
    documents = []
    for jobs in ("1", "2"):
        assert main([*arguments, jobs]) == 3
        document = json.loads(capsys.readouterr().out)
        for entry in (document, *document["claims"]):
            entry.pop("seconds")
        documents.append(document)
    assert documents[0] == documents[1]


def test_verify_writes_a_table_into_a_file(plugin: Path, tmp_path: Path, capsys) -> None:
    out = tmp_path / "claims.md"
    assert main(["verify", "mine", "--plugin", str(plugin), "--out", str(out)]) == 3
    assert capsys.readouterr().out == ""
    text = out.read_text()
    assert "1 PASS, 1 FAIL" in text
    assert "| U-1 | PASS | pi | 3.14 | 3.142 | within 0.01 | - | holds |" in text
    assert "U-2 FAIL: 1 of 1 checks fail, first: nan" in text


def test_a_broken_or_repeated_claim_does_not_stop_the_others(plugin: Path, capsys) -> None:
    (plugin.parent / "broken.py").write_text("import nothing_of_this_name")
    (plugin.parent / "second.py").write_text(plugin.read_text().replace("U-2", "S4-09"))
    found = load_claims([str(plugin.parent)])
    assert {"U-1", "U-2", "S1-07"} <= set(found.claims)
    assert len(found.broken) == 3
    assert "broken.py:1: ModuleNotFoundError" in found.broken[0]
    assert "claim U-1 exists already" in found.broken[1]
    assert "claim S4-09 exists already" in found.broken[2]


FOLKLORE = """
    from optbench.claims.framework import Check, claim

    FACTS = dict(title="T", statement="s", formula="f", tags=("both",), cost="fast")

    @claim(id="U-3", **FACTS)
    def everybody_says_so(seed: int = 0):
        yield Check.at_most("seed", seed, 18.0, share=0.9)

    @claim(id="U-4", citation="Me 2026", does_not_hold="one", **FACTS)
    def contradicted():
        yield Check.at_most("one", 1.0, 0.0)
"""


def test_folklore_and_what_does_not_hold_are_marked_and_no_failure(tmp_path: Path, capsys) -> None:
    file = tmp_path / "mine.py"
    file.write_text(textwrap.dedent(FOLKLORE))
    options = ["both", "--plugin", str(file), "-q"]
    assert main(["verify", *options, "--format", "markdown"]) == 0
    text = capsys.readouterr().out
    assert "1 PASS, 1 DOES NOT HOLD HERE, 1 of them folklore" in text
    assert "| U-3 folklore | PASS | seed | 9.5 | 0 | \\<= 18 |" in text
    assert "| 19 of 20 [75, 100] % | holds |" in text.replace("\\", "")
    assert "U-4 DOES NOT HOLD HERE: one is 1, not \\<= 0" in text
    assert main(["verify", *options, "--format", "json", "--seeds", "5"]) == 0
    first, second = json.loads(capsys.readouterr().out)["claims"]
    assert (first["folklore"], first["checks"][0]["seeds"]) == (True, 5)
    assert (second["folklore"], second["verdict"]) == (False, "DOES NOT HOLD HERE")
    assert main(["verify", *options, "--format", "atlas"]) == 0
    text = capsys.readouterr().out
    assert "| U-3 | PASS | [T](#u-3) | folklore: no paper identified |" in text
    assert "**DOES NOT HOLD HERE**: one is 1, not \\<= 0" in text


def test_list_and_show(capsys) -> None:
    assert main(["list", "claims", "--format", "json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [entry["id"] for entry in listed["claims"]] == sorted(load_claims().claims)
    assert main(["list", "claims"]) == 0
    assert "S3-14 is out of scope" in capsys.readouterr().out
    assert main(["show", "s1-07"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    for part in ("lasso path", "2509.18766", "Measure 6 unknowns", "optbench verify S1-07"):
        assert part in text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["verify", "S1-99"], "unknown claim"),
        (["verify", "S0-08", "--fast"], "--fast leaves nothing of 'S0-08': it takes longer"),
        (["verify", "S1-07", "S4-03", "--fast"], "--fast leaves nothing of 'S"),
        (["verify", "diagonal", "--fast"], "claims takes longer; leave --fast out"),
        (
            ["verify", "--format", "csv"],
            "unknown format 'csv'; known: table, markdown, json",
        ),
        (["verify", "--plugin", "nowhere"], "neither a .py file nor a directory"),
    ],
)
def test_wrong_input_is_one_line(capsys, arguments: list[str], words: str) -> None:
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1
