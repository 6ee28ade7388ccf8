"""``compare --out r.parquet``, and the latest result, which commands without RESULT take."""

from __future__ import annotations

import pytest

import optbench
from optbench.cli import main


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    monkeypatch.setenv("OPTBENCH_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize(
    "arguments", [["--out", "r.parquet"], ["--format", "parquet", "--out", "r"]]
)
def test_a_comparison_is_saved(calls, tmp_path, monkeypatch, capsys, arguments):
    monkeypatch.chdir(tmp_path)
    assert main(["compare", "--quiet", *arguments]) == 0
    assert capsys.readouterr().out == ""
    assert optbench.load(arguments[-1]) == calls.returns


def test_a_parquet_file_needs_a_name(calls, capsys):
    assert main(["compare", "--format", "parquet"]) == 2
    assert "--out" in capsys.readouterr().err and not calls.calls


def test_the_latest_result_is_kept(calls, tiny_comparison, tmp_path):
    for note in ("first", "second"):
        calls.returns = tiny_comparison(notes=[note])
        assert main(["compare", "--quiet"]) == 0
        assert optbench.load_latest() == calls.returns


def test_a_cache_that_cannot_be_written_changes_nothing(calls, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("OPTBENCH_CACHE", "/dev/null/cache")
    assert main(["compare", "--quiet"]) == 0
    captured = capsys.readouterr()
    assert "gradient_descent" in captured.out and captured.err == ""


@pytest.mark.parametrize(
    "verb, name, right", [("report", "r.pdf", ".html or .htm"), ("cite", "r.txt", ".bib")]
)
def test_a_name_that_promises_another_format_is_refused(verb, name, right, tmp_path, capsys):
    """Before the comparison is read: there is none here."""
    assert main([verb, str(tmp_path / "none.parquet"), "--out", str(tmp_path / name)]) == 2
    assert capsys.readouterr().err.rstrip().endswith(f"must end in {right}")
    assert not list(tmp_path.iterdir())
