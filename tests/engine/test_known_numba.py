"""An unknown Numba is one line where the engine is needed, and nothing where it is not."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

from optbench.engine import known_numba
from optbench.engine.known_numba import REQUIREMENT, require_known_numba
from optbench.errors import UserError

REPOSITORY = Path(__file__).resolve().parents[2]


def installed_instead(folder: Path, number: str, source: str = "") -> dict[str, str]:
    """Return an environment whose Numba is a stand-in of that version."""
    (folder / "numba").mkdir()
    (folder / "numba" / "__init__.py").write_text(source)
    facts = folder / f"numba-{number}.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: numba\nVersion: {number}\n")
    return {**os.environ, "PYTHONPATH": os.pathsep.join((str(folder), str(REPOSITORY)))}


def python(environment: dict[str, str], *arguments: str) -> tuple[int, str, str]:
    """Run Python; return its exit code and what it printed."""
    command = [sys.executable, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    return done.returncode, done.stdout, done.stderr


def test_pip_installs_what_the_engine_knows() -> None:
    declared = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    assert [text for text in declared["dependencies"] if text.startswith("numba")] == [REQUIREMENT]


@pytest.mark.parametrize(
    "verb", [["compare"], ["check", "adam"], ["verify", "--fast"], ["warmup"], ["list", "claims"]]
)
def test_a_newer_numba_is_one_line(tmp_path: Path, verb: list[str]) -> None:
    environment = installed_instead(tmp_path, "99.0.1rc1")
    code, out, err = python(environment, "-m", "optbench.cli", *verb)
    assert (code, out) == (2, "")
    assert err.startswith("optbench: error: Numba 99.0.1rc1 is installed; optbench works with ")
    assert err.endswith(f"python -m pip install '{REQUIREMENT}'\n") and err.count("\n") == 1


def test_verbs_without_the_engine_do_not_care(tmp_path: Path) -> None:
    environment = installed_instead(tmp_path, "99.0", "raise SystemExit('imported')")
    for verb in (["--help"], ["list", "optimizers"], ["show", "adam"]):
        code, out, err = python(environment, "-m", "optbench.cli", *verb)
        assert code == 0 and out and not err, verb


def test_python_raises_the_same_line(tmp_path: Path) -> None:
    environment = installed_instead(tmp_path, "0.5")
    program = (
        "import optbench\ntry: optbench.compare('quadratic')\n"
        "except optbench.UserError as error: print(error)"
    )
    code, out, err = python(environment, "-c", program)
    assert (code, err) == (0, "") and out.startswith("Numba 0.5 is installed; ")


def test_a_numba_that_cannot_be_imported_says_why(tmp_path: Path) -> None:
    refuses = "raise ImportError('Numba needs\\nanother NumPy')"
    environment = installed_instead(tmp_path, version("numba"), refuses)
    code, out, err = python(environment, "-m", "optbench.cli", "warmup")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "cannot be imported (ImportError: Numba needs another NumPy)" in err


@pytest.mark.parametrize(
    ("installed", "known"),
    [
        ("0.61.2", False), ("0.62.1", True), ("0.62.1rc1", True), ("0.68.1", True),
        ("0.68.99", True), ("0.69.0rc1", False), ("0.69.0dev0+7.gabc", False), ("1.0", False),
        ("unknown", False),
    ],
)  # fmt: skip
def test_bounds(monkeypatch: pytest.MonkeyPatch, installed: str, known: bool) -> None:
    monkeypatch.setattr(known_numba, "version", lambda name: installed)
    if known:
        require_known_numba()
        return
    with pytest.raises(UserError, match=f"^Numba {installed.replace('+', '.')} is installed"):
        require_known_numba()
