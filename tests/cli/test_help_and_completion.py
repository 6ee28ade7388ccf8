"""Help that a stranger reads at 80 columns, and names that a shell completes."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from optbench.cli import main
from optbench.cli.app import VERBS
from optbench.registry import load_registry

SHELLS = {
    "bash": {"_OPTBENCH_COMPLETE": "complete_bash", "COMP_WORDS": "{}", "COMP_CWORD": "{place}"},
    "zsh": {"_OPTBENCH_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": "{}"},
    "fish": {"_OPTBENCH_COMPLETE": "complete_fish", "_TYPER_COMPLETE_FISH_ACTION": "get-args",
             "_TYPER_COMPLETE_ARGS": "{}"},
}  # fmt: skip


@pytest.mark.parametrize("verb", ["", *VERBS])
def test_help_fits_80_columns_and_names_no_type(verb, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert main([*([verb] if verb else []), "--help"]) == 0
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 80
    assert not re.search(r"<[a-z\[\] |]+>|\brange\b|\[x>=1\]|\bNone\b", text)
    assert "..." not in text.partition("Commands:")[2]  # no summary is cut


def test_every_option_of_compare_is_explained(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    main(["compare", "--help"])
    text = capsys.readouterr().out
    options = re.findall(r"(?m)^  (-[^\n]*?)(?:  +(\S.*))?$", text)
    assert len(options) > 18
    assert all(len(what) > 5 for _, what in options)


def completed(shell, line):
    """Return what a shell is offered at the end of a line: the words that its script is given."""
    words = line.split(" ")
    variables = {
        name: text.format(line, place=len(words) - 1) for name, text in SHELLS[shell].items()
    }
    done = subprocess.run(
        [sys.executable, "-m", "optbench.cli"],
        env={**os.environ, **variables}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    return set(re.findall(r"[\w-]+", done.stdout)) - {"_arguments"}


@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_completes_optimizers(shell):
    known = {name for name in load_registry().optimizers if name.startswith("nat")}
    assert completed(shell, "optbench compare -o nat") == known


@pytest.mark.parametrize(
    ("line", "among"),
    [
        ("optbench compare linear_p", "linear_program"),
        ("optbench compare --parametrization dia", "diagonal"),
        ("optbench compare --format js", "json"),
        ("optbench show linear_r", "linear_regression"),
        ("optbench list opt", "optimizers"),
        ("optbench ver", "verify"),
        ("optbench plot sens", "sensitivity"),
        ("optbench plot loss --width o", "one"),
    ],
)
def test_other_names_are_completed_too(line, among):
    assert among in completed("bash", line)


@pytest.mark.parametrize("shell", SHELLS)
def test_completion_installs(shell, tmp_path, monkeypatch):
    """Each shell finds its script where it looks for completions."""
    import shellingham

    monkeypatch.setattr(shellingham, "detect_shell", lambda: (shell, f"/bin/{shell}"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["--install-completion"])
    assert ended.value.code == 0
    found = [file for file in tmp_path.rglob("*optbench*") if file.is_file()]
    assert len(found) == 1
    assert f"complete_{shell}" in found[0].read_text()
