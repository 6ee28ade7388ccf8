"""``optbench new`` writes a plug-in that passes its check and a test of it that passes."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from optbench.check import check
from optbench.cli import main
from optbench.cli.new import Kind

KINDS = [kind.value for kind in Kind]


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_written_passes_its_check_and_its_test(kind, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["new", kind, "steady_walk"]) == 0
    printed = capsys.readouterr().out
    assert "optbench check steady_walk.py --watch" in printed
    assert "pytest test_steady_walk.py" in printed
    assert sorted(os.listdir()) == ["steady_walk.py", "test_steady_walk.py"]
    text = (tmp_path / "steady_walk.py").read_text() + (
        tmp_path / "test_steady_walk.py"
    ).read_text()
    assert f"my_{kind}" not in text and f"My {kind}" not in text
    results = check("steady_walk.py")
    assert len(results) >= 9 and [r for r in results if r.passed is False] == []
    # in a folder of the user's, where nothing of this repository's configuration holds
    (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
    tested = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_steady_walk.py"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert tested.returncode == 0, tested.stdout
    assert " passed" in tested.stdout and "failed" not in tested.stdout


@pytest.mark.parametrize("kind, right, wrong", [
    ("optimizer", "velocity[i] = momentum * velocity[i] + grad[i]", "velocity[i] = grad[i]"),
    ("optimizer", "theta[i] -= learning_rate * velocity[i]", "theta[i] -= learning_rate * grad[i]"),
    ("problem", "return root - 1.0, residual / root", "return root - 1.0, residual"),
    ("problem", "root = math.sqrt(1.0 + residual", "root = math.sqrt(1.0 + 2.0 * residual"),
])  # fmt: skip
def test_the_test_notices_another_formula(kind, right, wrong, tmp_path):
    assert main(["new", kind, "steady_walk", "--dir", str(tmp_path)]) == 0
    file = tmp_path / "steady_walk.py"
    text = file.read_text()
    assert text.count(right) == 1
    file.write_text(text.replace(right, wrong))
    command = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "test_steady_walk.py"]
    tested = subprocess.run([sys.executable, *command], cwd=tmp_path, capture_output=True)
    assert tested.returncode == 1


def test_a_folder_is_made(tmp_path):
    assert main(["new", "optimizer", "steady_walk", "--dir", str(tmp_path / "rules")]) == 0
    assert (tmp_path / "rules" / "steady_walk.py").is_file()


@pytest.mark.parametrize("there", ["steady_walk.py", "test_steady_walk.py"])
def test_nothing_is_overwritten(there, tmp_path, capsys):
    (tmp_path / there).write_text("mine\n")
    assert main(["new", "optimizer", "steady_walk", "--dir", str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert os.listdir(tmp_path) == [there] and (tmp_path / there).read_text() == "mine\n"


@pytest.mark.parametrize(
    "name, says",
    [
        ("steady-walk", "must be a name in Python"),
        ("2nd", "must be a name in Python"),
        ("class", "must be a name in Python"),
        ("../walk", "must be a name in Python"),
        ("", "must be a name in Python"),
        ("_walk", "begin with _"),
        ("test_walk", "begin with test_"),
        ("adam", "optbench show adam"),
        ("quadratic", "optbench show quadratic"),
        ("random", "is a module of Python"),
        ("numpy", "is a module of Python"),
    ],
)
def test_names_that_would_not_be_found(name, says, tmp_path, capsys):
    assert main(["new", "optimizer", name, "--dir", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("optbench: error: optimizer") and says in error
    assert error.count("\n") == 1 and os.listdir(tmp_path) == []


def test_a_folder_that_cannot_be_made(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["new", "problem", "steady_walk", "--dir", str(tmp_path / "file")]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"optbench: error: {tmp_path / 'file'}") and error.count("\n") == 1


def test_another_kind(capsys):
    assert main(["new", "claim", "steady_walk"]) == 2
    error = capsys.readouterr().err
    assert "optimizer" in error and "problem" in error and error.count("\n") == 1
