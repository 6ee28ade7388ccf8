"""``optbench compare``: arguments, formats, files and exit codes; the runs are replaced."""

import json
import os
import stat
from dataclasses import replace

import pytest

from optbench.cli import main
from optbench.columns import LearningRate
from optbench.errors import UserError
from optbench.status import Status


def one_line(captured):
    """Return stderr, which must be one line without a traceback."""
    assert captured.err.startswith("optbench: error: ")
    assert captured.err.count("\n") == 1
    assert captured.out == ""
    return captured.err


def test_arguments_reach_the_api(calls):
    code = main(
        ["compare", "linear_regression", "logistic_regression:data=iris", "-o", "adam[eps=0]",
         "-o", "nesterov", "--parametrization", "diagonal:depth=3", "--horizon", "500",
         "--learning-rates", "0.1,0.01", "--seeds", "3", "--threads", "2", "--plugin", "mine.py",
         "--timeout", "1.5"]
    )  # fmt: skip
    ((problems, optimizers, options),) = calls.calls
    assert code == 0
    assert problems == ("linear_regression", "logistic_regression:data=iris")
    assert optimizers == ("adam[eps=0]", "nesterov")
    assert options == {
        "parametrizations": ("diagonal:depth=3",), "horizon": 500, "learning_rates": (0.1, 0.01),
        "seeds": 3, "threads": 2, "plugins": ("mine.py",), "timeout": 1.5, "rerun": False,
        "fresh": False, "until_verdict": False, "progress": False,
    }  # fmt: skip


def test_a_range_of_rates_is_spaced_in_the_logarithm(calls):
    assert main(["compare", "--learning-rates", "1e-3:10:5"]) == 0
    assert calls.calls[0][2]["learning_rates"] == (1e-3, 1e-2, 0.1, 1.0, 10.0)  # to the last bit


def test_without_arguments_everything_is_compared(calls, capsys):
    assert main(["compare"]) == 0
    assert calls.calls[0][:2] == ((), ())
    assert calls.calls[0][2]["learning_rates"] == "auto"
    captured = capsys.readouterr()
    assert "Implicit bias: linear_regression on tiny" in captured.out
    assert captured.err == ""  # no progress bar in a pipe


def test_a_pipe_is_120_wide_unless_columns_says_otherwise(calls, capsys, monkeypatch):
    main(["compare"])
    wide = capsys.readouterr().out
    monkeypatch.setenv("COLUMNS", "80")
    main(["compare"])
    narrow = capsys.readouterr().out
    assert max(map(len, wide.splitlines())) == 120
    assert max(map(len, narrow.splitlines())) == 80
    assert "\x1b" not in wide


def test_details_show_the_rates_of_a_search(calls, capsys):
    found = calls.returns
    rates = [LearningRate(learning_rate=r, steps=10, status=Status.HORIZON) for r in (0.01, 0.1)]
    row = replace(found.convergence_rows[0], learning_rates=tuple(rates), searched=True)
    calls.returns = replace(found, convergence_rows=[row])
    assert main(["compare"]) == 0
    assert "Learning rates" not in capsys.readouterr().out
    assert main(["compare", "--details"]) == 0
    assert "Learning rates: linear_regression on tiny" in capsys.readouterr().out


def test_a_failed_optimizer_is_exit_code_1(calls, capsys, tiny_comparison):
    calls.returns = tiny_comparison(status="failed")
    assert main(["compare"]) == 1
    assert "failed" in capsys.readouterr().out


def test_ctrl_c_in_the_runs_is_130_and_shows_what_is_done(calls, capsys, tiny_comparison):
    calls.returns = tiny_comparison(status="interrupted")
    assert main(["compare"]) == 130
    assert "interrupted" in capsys.readouterr().out


def test_wrong_input_is_one_line_and_exit_code_2(calls, capsys):
    calls.returns = UserError("unknown problem 'x'\n(did you mean 'y'?)")
    assert main(["compare", "x"]) == 2
    expected = "optbench: error: unknown problem 'x' (did you mean 'y'?)\n"
    assert one_line(capsys.readouterr()) == expected


def test_ctrl_c_outside_the_runs_is_130_without_traceback(calls, capsys):
    calls.returns = KeyboardInterrupt()
    assert main(["compare"]) == 130
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--horizon", "0"], "'--horizon': 0: must be a whole number of at least 1"),
        (["--horizon", "1.5"], "'--horizon': 1.5: must be a whole number"),
        (["--out", "a.pdf"], "no format has the suffix .pdf; known: .txt .md "),
        (["--out", "a.csv.gz"], "no format has the suffix .gz; known: .txt .md "),
        (["--seeds", "0"], "--seeds"),
        (["--threads", "-1"], "--threads"),
        (["--horizon", "many"], "--horizon"),
        (["--timeout", "0"], "'--timeout': 0 must be a positive number"),
        (["--timeout", "nan"], "'--timeout': nan must be a positive number"),
        (["--format", "xml"], "unknown format 'xml'; known: table, markdown"),
        (["--learning-rates", "0.1,x"], "must be auto, positive numbers"),
        (["--learning-rates", "0.1,-1"], "must be auto, positive numbers"),
        (["--learning-rates", "inf"], "must be auto, positive numbers"),
        (["--learning-rates", ""], "must be auto, positive numbers"),
        (["--learning-rates", "1e-3:1"], "LOW:HIGH:COUNT such as 1e-4:1:200"),
        (["--learning-rates", "0:1:5"], "LOW:HIGH:COUNT"),
        (["--learning-rates", "0.1:1:1"], "LOW:HIGH:COUNT"),
        (["--learning-rates", "0.1:1:2.5"], "LOW:HIGH:COUNT"),
        (["--learning-rates", "1e-3:1:100000000"], "at most 10,000 rates"),
        (["--horzon", "3"], "--horzon"),
        (["--horizon"], "--horizon"),
    ],
)
def test_wrong_options_stop_before_the_work(calls, capsys, arguments, words):
    assert main(["compare", *arguments]) == 2
    assert words in one_line(capsys.readouterr())
    assert calls.calls == []


@pytest.mark.parametrize(
    ("name", "start"),
    [("a.json", "{"), ("a.md", "###"), ("a.tex", "% needs \\usepackage{"), ("a.csv", "table,"),
     ("a.txt", "Implicit bias")],
)  # fmt: skip
def test_the_suffix_of_out_chooses_the_format(calls, capsys, tmp_path, name, start):
    assert main(["compare", "--out", str(tmp_path / name)]) == 0
    assert (tmp_path / name).read_text().startswith(start)
    assert os.listdir(tmp_path) == [name]
    assert capsys.readouterr().out == ""


def test_format_beats_the_suffix(calls, tmp_path):
    assert main(["compare", "--out", str(tmp_path / "a.md"), "--format", "json"]) == 0
    assert json.loads((tmp_path / "a.md").read_text())["schema_version"] == 1


def test_an_unwritable_out_is_found_before_the_work(calls, capsys, tmp_path):
    for file in (tmp_path, tmp_path / "no" / "a.csv", "/proc/a.csv"):
        assert main(["compare", "--out", str(file)]) == 2
        assert "--out" in one_line(capsys.readouterr())
    assert calls.calls == []
    assert os.listdir(tmp_path) == []


def test_a_failing_comparison_leaves_the_old_file(calls, tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("old")
    calls.returns = UserError("bad data")
    assert main(["compare", "--out", str(file)]) == 2
    assert file.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.csv"]


def test_out_keeps_links_and_permissions_and_writes_into_devices(calls, tmp_path):
    target, link = tmp_path / "real.csv", tmp_path / "link.csv"
    target.write_text("old")
    target.chmod(0o600)
    link.symlink_to(target)
    assert main(["compare", "--out", str(link)]) == 0
    assert link.is_symlink()
    assert target.read_text().startswith("table,")
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert main(["compare", "--out", "/dev/null"]) == 0
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


def test_a_folder_that_vanishes_costs_no_result(calls, capsys, tmp_path):
    folder = tmp_path / "gone"
    folder.mkdir()
    good = calls.compare

    def compare(*arguments, **options):
        folder.rmdir()
        return good(*arguments, **options)

    calls.compare = compare
    assert main(["compare", "--out", str(folder / "a.txt")]) == 2
    captured = capsys.readouterr()
    assert "Implicit bias: linear_regression on tiny" in captured.out
    assert captured.err.startswith("optbench: error: --out")


def test_notes_are_on_stderr_where_csv_has_no_place_for_them(calls, capsys, tiny_comparison):
    calls.returns = tiny_comparison(notes=["plug-in left out: x.py:1: no"])
    assert main(["compare", "--format", "csv"]) == 0
    captured = capsys.readouterr()
    assert captured.err == "optbench: note: plug-in left out: x.py:1: no\n"
    assert captured.out.startswith("table,")
