"""Small files of linear programs: the right optimum in their own units, or one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from optbench.cli import main

CASES = Path(__file__).parents[1] / "data" / "cases"
FAST = ["--horizon", "100", "--threads", "1", "-o", "gradient_descent", "--format", "json"]

# min 2x + 3y, x + y <= 10, x + 2y >= 4 is 6 at (0, 2); its maximum is 30 at (0, 10).
OPTIMA = {
    "01-plain.mps": 6,
    "16-up1e12.mps": 6,
    "16-bigrow1e12.mps": 6,
    "06-last-fortran.mps": 6,
    "03d-inlineMAXIMIZE.mps": 30,
    "03f-Maximise.mps": 30,
    "03g-colon.mps": 30,
    "15-dupcol2.mps": 8,  # y has 1 in both rows there
    "12-norows.mps": 8,
    "10-dollar.mps": 6,
    "09-spaces-fixed.mps": 6,
    "10-keyword-name.mps": 6,
    "10-latin1.mps": 6,
    "13-lpformat.lp": 6,
    "14-plain.mps.bz2": 6,
}
MISTAKES = {
    "17-infeas-big.mps": "infeasible",
    "06-middle-word.mps": "line 7, field 3: 'two' is not a number",
    "06-middle-rhs.mps": "line 12, field 3: '4,9' is not a number",
    "06-last-underscore.mps": "line 12, field 5: '1_000' is not a number",
    "15-typobound.mps": "line 14, field 3: no column is called 'Y'",
    "05-LOUPcross.mps": "line 14: the bounds of x contradict each other, 5 > 2",
    "hang.mps": "line 8",
}


@pytest.mark.parametrize("file", OPTIMA)
def test_optimum_and_references_are_in_the_programs_own_units(file, capsys):
    assert main(["compare", f"linear_program:data={CASES / file}", *FAST]) == 0
    captured = capsys.readouterr()
    (facts,) = json.loads(captured.out)["instances"]
    assert facts["optimum"] == pytest.approx(OPTIMA[file], rel=1e-12)
    values = {entry["name"]: entry for entry in facts["references"]}
    assert values["vertex"]["value"] == pytest.approx(OPTIMA[file], rel=1e-12)
    # The entropic solution is nearly the vertex at this strength: exp(-1 / strength) away.
    assert values["entropic"]["value"] == pytest.approx(OPTIMA[file], rel=1e-6)
    assert all(entry["certified"] for entry in facts["references"])


@pytest.mark.parametrize("file", MISTAKES)
def test_a_mistake_is_one_line(file, capfd):
    assert main(["compare", f"linear_program:data={CASES / file}", *FAST]) == 2
    captured = capfd.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("optbench: error: ") and captured.err.count("\n") == 1
    assert file in captured.err and MISTAKES[file] in captured.err


def test_every_file_is_tested():
    files = {path.name for path in CASES.iterdir() if ".mps" in path.name or ".lp" in path.name}
    assert files == OPTIMA.keys() | MISTAKES.keys()
