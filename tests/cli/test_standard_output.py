"""Every verb in every format, in processes of their own: nothing but its text is printed.

What HiGHS, Numba or a warning writes goes past Python's ``sys.stdout``, so that only a process of
its own shows it.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from page_reader import Page

from optbench.cli import app, main, terminal, verify
from optbench.report import FORMATS as EVERY_FORMAT
from optbench.report.long_csv import HEADER

FORMATS = [name for name, each in EVERY_FORMAT.items() if each.text]

REPOSITORY = Path(__file__).resolve().parents[2]
LP = "Minimize\n cost: 2 x + 3 y\nSubject To\n cap: x + y <= 10\n dem: x + 2 y >= 4\nEnd\n"
MPS = """NAME T
ROWS
 N cost
 L cap
 G dem
COLUMNS
 x cost 2 cap 1
 x dem 1
 y cost 3 cap 1
 y dem 2
RHS
 R cap {cap} dem 4
ENDATA
"""
TABLE = "x,y,target\n" + "".join(f"{k % 7},{k * k % 11},{k * k % 5}\n" for k in range(30))
LABELS = "x,y,label\n" + "".join(f"{k % 7},{k * k % 11},{k % 7 > 3}\n" for k in range(30))
PROBLEMS = (
    "linear_program:data=small.lp",  # read by HiGHS
    "linear_program:data=small.mps",
    "linear_regression:data=table.csv",
    "logistic_regression:data=labels.csv",  # separable: Clarabel, HiGHS
)
COMPARE = ("compare", *PROBLEMS, "-o", "gradient_descent", "-o", "adam", "--horizon", "100")
VERIFY = ("verify", "S0-10", "S3-07")
TEXTS = [
    *(("list", kind) for kind in ("optimizers", "problems", "metrics", "parametrizations")),
    ("list", "claims"),
    *(("show", name) for name in ("adam", "linear_program", "diagonal", "S3-07")),
    ("check", "gradient_descent"),
    ("check", "quadratic"),
]
# `new` and `plot` write files and print where: tests/cli/test_new.py and test_plot.py
TESTED = {
    "cache", "check", "cite", "compare", "list", "new", "plot", "report", "show", "verify",
    "warmup",
}  # fmt: skip


@pytest.fixture(name="folder", scope="module")
def folder_fixture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stdout")
    (folder / "small.lp").write_text(LP)
    (folder / "small.mps").write_text(MPS.format(cap=10))
    (folder / "infeasible.mps").write_text(MPS.format(cap=1))
    (folder / "broken.lp").write_text(LP.replace("End", "Ende"))
    (folder / "broken.mps").write_text(MPS.replace("cap 1", "cap one"))
    (folder / "table.csv").write_text(TABLE)
    (folder / "labels.csv").write_text(LABELS)
    return folder


def optbench(folder: Path, *arguments: str, warnings: str = "default") -> tuple[int, str, str]:
    """Run the command in a process of its own; return its exit code and what it printed.

    What another library deprecates, as an old one does in a new one, a user is not shown either.
    """
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "COLUMNS": "300"}
    done = subprocess.run(
        [sys.executable, "-W", warnings, "-W", "ignore::DeprecationWarning", "-m", "optbench.cli",
         *arguments],
        capture_output=True, text=True, cwd=folder, env=environment, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def without_times(text: str) -> str:
    """Return what two runs have in common: no durations, and no width of what holds them."""
    text = re.sub(r"\d[\d.,]* (ns|us|ms|s|min|h)\b", "TIME", text)
    return re.sub(r"[ ─-]+", " ", text)


def without_environment(document: Any) -> Any:
    """Return a JSON document without what each run measures anew."""
    if isinstance(document, dict):
        left_out = ("environment", "seconds")
        return {k: without_environment(v) for k, v in document.items() if k not in left_out}
    return [*map(without_environment, document)] if isinstance(document, list) else document


def read_csv(text: str) -> list[list[str]]:
    header, *rows = csv.reader(io.StringIO(text), strict=True)
    assert tuple(header) == HEADER
    assert {len(row) for row in rows} == {len(HEADER)}
    return rows


def read_json(text: str) -> Any:
    return without_environment(json.loads(text))


def read_html(text: str) -> Any:
    tables = Page(text).tables
    return {
        key: [[cell.text for cell in row] for row in table.rows] for key, table in tables.items()
    }


READERS: dict[str, Callable[[str], Any]] = {"csv": read_csv, "json": read_json, "html": read_html}


def same_on_standard_output_as_in_a_file(folder: Path, command: tuple[str, ...], form: str) -> Any:
    """Check that a format parses, and that with ``--out`` nothing at all is printed."""
    read = READERS.get(form, without_times)
    out = folder / f"{command[0]}.{form}"
    assert optbench(folder, *command, "--format", form, "--out", out.name) == (0, "", "")
    code, printed, _ = optbench(folder, *command, "--format", form, warnings="always")
    assert code == 0
    assert read(printed) == read(out.read_text())
    return read(printed)


def test_every_verb_is_tested_here() -> None:
    verbs = [command.name for command in app.registered_commands]
    assert {*verbs, *(group.name for group in app.registered_groups)} == TESTED


@pytest.mark.parametrize("form", FORMATS)
def test_compare(folder: Path, form: str) -> None:
    found = same_on_standard_output_as_in_a_file(folder, COMPARE, form)
    if form == "json":
        asked = [row for row in found["bias"] if row["as_theorem_asks"]]  # of the programs' flow
        assert [row["problem"] for row in asked] == ["linear_program"] * 2
        assert len(found["bias"]) == len(found["convergence"]) == 2 * len(PROBLEMS) + len(asked)
    else:
        assert "gradient" in str(found)


@pytest.mark.parametrize("form", verify.FORMATS)
def test_verify(folder: Path, form: str) -> None:
    found = same_on_standard_output_as_in_a_file(folder, VERIFY, form)
    assert "S3-07" in str(found) or "S3 07" in str(found)


@pytest.mark.parametrize("command", TEXTS, ids=" ".join)
def test_list_show_and_check(
    folder: Path, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.setattr(terminal, "emit", written.append)
    assert main(command) == 0
    code, printed, errors = optbench(folder, *command)
    assert (code, errors) == (0, "")
    assert without_times(printed) == without_times("".join(written))


@pytest.mark.parametrize("kind", ["optimizers", "problems", "claims"])
def test_list_as_json(folder: Path, kind: str) -> None:
    code, printed, errors = optbench(folder, "list", kind, "--format", "json")
    assert (code, errors) == (0, "")
    assert len(json.loads(printed)[kind]) > 10


def test_cache(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPTBENCH_CACHE", str(tmp_path))
    test_list_show_and_check(folder, ("cache", "info"), monkeypatch)
    code, printed, errors = optbench(folder, "cache", "clear")
    assert (code, printed.count("\n"), errors) == (0, 1, "") and printed.startswith("removed ")


@pytest.mark.parametrize("file", ["infeasible.mps", "broken.mps", "broken.lp", "missing.mps"])
def test_wrong_input_prints_nothing_but_its_line(folder: Path, file: str) -> None:
    code, printed, errors = optbench(folder, "compare", f"linear_program:data={file}")
    assert (code, printed, errors.count("\n")) == (2, "", 1)
    assert errors.startswith("optbench: error: ")


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMATS)
def test_compare_without_arguments(folder: Path, form: str) -> None:
    same_on_standard_output_as_in_a_file(folder, ("compare",), form)
    if form == "html":
        assert (folder / "compare.html").stat().st_size < 3_000_000


@pytest.mark.slow
def test_warmup(folder: Path) -> None:
    code, printed, _ = optbench(folder, "warmup", warnings="always")
    assert code == 0
    assert re.fullmatch(r"(compiled \d+ functions of|nothing to do:) [^\n]*\n", printed)


def test_report_and_cite_of_a_result_and_of_the_last_one(folder: Path) -> None:
    assert optbench(folder, *COMPARE, "--out", "kept.parquet", "--quiet") == (0, "", "")
    code, printed, errors = optbench(folder, "report", "kept.parquet", "--out", "kept.html")
    assert (code, errors) == (0, "") and printed.startswith("kept.html: ")
    page = Page((folder / "kept.html").read_text())
    assert {"bias-1", "convergence-1", "matrix"} <= set(page.tables)
    assert f"optbench {' '.join(COMPARE)} --out kept.parquet --quiet" in page.text
    assert optbench(folder, *COMPARE, "--out", "kept.json", "--quiet") == (0, "", "")
    assert optbench(folder, "report", "kept.json", "--out", "json.html")[0] == 0  # has no traces
    assert page.tables.keys() == Page((folder / "json.html").read_text()).tables.keys()
    cited = optbench(folder, "cite", "kept.parquet")
    assert cited == optbench(folder, "cite") and cited[0] == 0
    assert "@misc{kingma2015adam," in cited[1]


@pytest.mark.parametrize("verb", ["report", "cite"])
def test_a_result_that_is_none_is_one_line(folder: Path, verb: str) -> None:
    code, printed, errors = optbench(folder, verb, "table.csv")
    assert (code, printed, errors.count("\n")) == (2, "", 1) and "table.csv" in errors
