"""The claim framework: verdicts, selection by name, claims of a user, the verb."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

import pytest

from optbench.claims.framework import Check, claim
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


GOOD, BAD = Check("good", 1.0, 1.0, "", True), Check("bad", 2.0, 1.0, "", False)
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


def test_an_exception_is_a_failure_that_keeps_the_checks() -> None:
    def checks():
        yield GOOD
        raise ZeroDivisionError("no data")

    result = verify(declare(checks()))
    assert result.verdict == "FAIL"
    assert result.reason == "could not be measured: ZeroDivisionError: no data"
    assert result.checks == (GOOD,)


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
         "passed": True}
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
    assert "| U-1 | PASS | pi | 3.14 | 3.142 | within 0.01 | pass |" in text
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
