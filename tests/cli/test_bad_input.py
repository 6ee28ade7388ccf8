"""Wrong input through the real command line: one line, the right exit code, no traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from optbench.cli import main

REPOSITORY = Path(__file__).resolve().parents[2]
REGRESSION = "linear_regression:data=gaussian,n=5,d=12,seed=3"
FAST = ["--horizon", "1000", "--threads", "1", "-o", "gradient_descent"]

WRONG = {
    "linear_regresion": "did you mean 'linear_regression'",
    "linear_regression:rowz=3": "did you mean 'rows'",
    "linear_regression:data=no_such.csv": "no_such.csv",
    "linear_regression:data=empty.csv": "the file is empty",
    "linear_regression:data=words.csv": "it must be a finite number",
    "linear_regression:data=nan.csv": "it must be a finite number",
    "linear_regression:data=gaussian,d=0": "must be at least 1",
    "linear_regression:n=20,d=50": "options n, d are for data=gaussian, not data=digits: "
    "say linear_regression:data=gaussian,n=20,d=50",
    "linear_regression:data=gaussian,rows=30": "option rows is not for data=gaussian: leave it out",
    "logistic_regression:data=one_class.csv": "every target is 1; two different ones are needed",
    "linear_program:data=unbounded.mps": "unbounded",
    "linear_program:data=infeasible.mps": "infeasible",
    "linear_program:data=words.csv": "words.csv",
}
MPS = """NAME          X
ROWS
 N  COST
 G  ROW
COLUMNS
    X         COST      {cost}   ROW       1.0
RHS
    RHS       ROW       1.0
BOUNDS
{bound}
ENDATA
"""


@pytest.fixture(name="inputs")
def inputs_fixture(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "words.csv").write_text("a,b,c\n1,2,3\n4,five,6\n")
    (tmp_path / "nan.csv").write_text("1,2,3\n4,nan,6\n")
    (tmp_path / "one_class.csv").write_text("1,2,1\n4,5,1\n")
    (tmp_path / "unbounded.mps").write_text(MPS.format(cost="-1.0", bound=" PL BND       X"))
    infeasible = MPS.format(cost="1.0", bound=" UP BND       X         0.5")
    (tmp_path / "infeasible.mps").write_text(infeasible)
    return tmp_path


def one_line(capsys) -> str:
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("optbench: error: ") and captured.err.count("\n") == 1
    return captured.err


@pytest.mark.parametrize("problem", WRONG)
def test_wrong_problems_and_data(inputs, capsys, problem):
    assert main(["compare", problem, *FAST]) == 2
    assert WRONG[problem] in one_line(capsys)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-o", "gradient_decent"], "did you mean 'gradient_descent'"),
        (["-o", "adam[beta1=2]"], "beta1=2 must be at most"),
        (["-o", "adam[beta1=nan]"], "beta1=nan must be a finite number"),
        (["-o", "adam[beta9=1]"], "unknown option 'beta9'"),
        (["--parametrization", "diagonl"], "did you mean 'diagonal'"),
        (["--plugin", "gone.py"], "gone.py is neither a .py file nor a directory"),
        (["--horizon", "0"], "--horizon"),
    ],
)
def test_wrong_options(inputs, capsys, arguments, words):
    assert main(["compare", REGRESSION, *FAST, *arguments]) == 2
    assert words in one_line(capsys)


def test_an_optimizer_that_fails_is_exit_code_1_and_its_row_says_why(inputs, capsys):
    Path("mine.py").write_text(
        "from optbench import Hyper, optimizer\n@optimizer(reference='')\n"
        "def mine(theta, grad, rate=Hyper(0.1)):\n    theta[theta.size] = rate\n"
    )
    arguments = ["compare", REGRESSION, *FAST, "-o", "mine", "--plugin", "mine.py"]
    assert main([*arguments, "--format", "json"]) == 1
    captured = capsys.readouterr()
    assert captured.err == ""
    good, bad = json.loads(captured.out)["bias"]
    assert (good["status"], good["selected"]) == ("horizon", "l2")
    assert bad["status"] == "failed" and "an index outside its arrays" in bad["reason"]


@pytest.mark.slow
def test_a_process_of_its_own_shows_no_traceback(inputs):
    """Warnings and errors of libraries would appear here and nowhere else."""
    for arguments, code, words in (
        ([REGRESSION, *FAST], 0, ""),
        (["linear_program:data=infeasible.mps", *FAST], 2, "infeasible"),
        ([REGRESSION, "-o", "broken", "--plugin", "broken.py"], 2, "broken.py:1: syntax error"),
    ):
        Path("broken.py").write_text("def broken(:\n")
        finished = subprocess.run(
            [sys.executable, "-m", "optbench.cli", "compare", *arguments],
            capture_output=True, text=True, check=False, cwd=inputs,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        )  # fmt: skip
        assert finished.returncode == code, finished.stderr
        assert words in finished.stderr
        assert finished.stderr.count("\n") == (1 if code else 0)
