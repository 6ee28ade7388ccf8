"""``optbench plot``: figures of the latest comparison, or of a saved one."""

from __future__ import annotations

import pandas as pd
import pytest

from optbench.cli import main
from optbench.plots import KINDS

REGRESSION = "linear_regression:data=gaussian,n=5,d=12,seed=3"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a saved comparison, which is also the latest one."""
    folder = tmp_path_factory.mktemp("plot")
    run = ["compare", REGRESSION, "-o", "gradient_descent", "-o", "heavy_ball", "--horizon", "200"]
    assert main([*run, "--quiet", "--out", str(folder / "r.parquet")]) == 0
    assert main([*run, "--quiet", "--out", str(folder / "r.json")]) == 0
    return folder


@pytest.fixture(autouse=True)
def here(folder, monkeypatch):
    monkeypatch.chdir(folder)


def test_without_a_kind_all_are_listed(capsys):
    assert main(["plot"]) == 0
    told = capsys.readouterr().out
    assert [line.split()[0] for line in told.splitlines() if line[0] != " "] == [
        kind.name for kind in KINDS
    ]
    for kind in KINDS:
        assert kind.shows in " ".join(told.split())


@pytest.mark.parametrize("suffix", ["pdf", "svg", "png"])
def test_a_saved_comparison_is_drawn_with_numbers_and_caption(folder, suffix, capsys):
    out = f"{suffix}.{suffix}"
    assert main(["plot", "ecdf", "r.parquet", "--out", out, "--width", "one"]) == 0
    told = capsys.readouterr().out
    caption = (folder / f"{suffix}.txt").read_text()
    assert told.startswith(f"{out}, {suffix}.csv, {suffix}.txt:")
    assert caption.split() == told.split()[3:] and "gaussian" in caption
    assert set(pd.read_csv(folder / f"{suffix}.csv")["optimizer"]) == {
        "gradient_descent", "heavy_ball",
    }  # fmt: skip


def test_the_latest_comparison_needs_no_name(folder, capsys):
    assert main(["plot", "loss", "-o", "heavy_ball"]) == 0
    assert (folder / "loss.svg").exists()
    assert set(pd.read_csv(folder / "loss.csv")["optimizer"]) == {"heavy_ball"}


def test_what_needs_no_traces_is_drawn_from_json(folder, capsys):
    assert main(["plot", "sensitivity", "r.json", "--out", "s.svg"]) == 0
    assert main(["plot", "loss", "r.json", "--out", "l.svg"]) == 2
    assert "no traces" in capsys.readouterr().err
    assert not (folder / "l.svg").exists()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["los"], "did you mean 'loss'"),
        (["waterfall"], "`optbench plot` lists all"),
        (["loss", "--out", "x.jpg"], "must end in .pdf or .svg or .png"),
        (["loss", "--out", "x"], "must end in .pdf or .svg or .png"),
        (["loss", "--out", "no/x.svg"], "does not exist"),
        (["loss", "--width", "three"], "must be one or two"),
        (["loss", "--against", "epochs"], "must be steps or evaluations or seconds"),
        (["pareto", "--against", "seconds"], "must be steps"),
        (["loss", "--instance", "iris"], "no instance 'iris'"),
        (["loss", "--optimizer", "heavyball"], "did you mean 'heavy_ball'"),
        (["loss", "nothing.parquet"], "nothing.parquet"),
        (["phase_diagram"], "two hyperparameters"),
    ],
)
def test_wrong_wishes_are_one_line(arguments, reason, capsys):
    assert main(["plot", *arguments]) == 2
    told = capsys.readouterr()
    assert told.out == "" and told.err.count("\n") == 1 and reason in told.err


def test_a_file_that_is_no_figures_is_not_written_over(folder, capsys):
    (folder / "mine.csv").write_text("a,b\n1,2\n")
    assert main(["plot", "loss", "--out", "mine.svg"]) == 2
    assert "mine.csv would be written over" in capsys.readouterr().err
    assert (folder / "mine.csv").read_text() == "a,b\n1,2\n"
    assert not (folder / "mine.svg").exists()
    (folder / "mine.csv").unlink()
    for _ in range(2):  # its own files it replaces
        assert main(["plot", "loss", "--out", "mine.svg"]) == 0


def test_compare_draws_all_that_there_is(folder, capsys):
    run = ["compare", REGRESSION, "-o", "gradient_descent", "--horizon", "50", "--quiet"]
    assert main([*run, "--figures", "all"]) == 0
    told = capsys.readouterr().err
    for kind in KINDS:
        drawn = {
            (folder / "all" / f"{kind.name}{end}").exists() for end in (".svg", ".csv", ".txt")
        }
        assert drawn == {f"no figure {kind.name}:" not in told}


@pytest.mark.parametrize(
    ("folder_of_figures", "reason"), [("r.json", "is a file"), ("no/all", "does not exist")]
)
def test_a_folder_that_cannot_be_is_one_sentence(folder_of_figures, reason, capsys):
    assert main(["compare", REGRESSION, "--quiet", "--figures", folder_of_figures]) == 2
    told = capsys.readouterr()
    assert told.out == "" and told.err.count("\n") == 1 and reason in told.err
