"""``optbench list``, ``show``, ``check`` and what they import."""

import json
import subprocess
import sys
import types

import pytest

from optbench.cli import main
from optbench.registry import load_registry

HEAVY = ("numba", "scipy", "pandas", "sklearn", "highspy", "clarabel")


@pytest.fixture(autouse=True)
def width(monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")


@pytest.mark.parametrize("kind", ["optimizers", "problems"])
def test_list_names_every_plug_in_with_its_file(capsys, kind):
    assert main(["list", kind, "--format", "json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    registry = load_registry()
    assert [entry["name"] for entry in listed[kind]] == sorted(getattr(registry, kind))
    assert all(entry["file"] and entry["formula"] for entry in listed[kind])
    assert main(["list", kind]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 100


@pytest.mark.parametrize("kind", ["metrics", "parametrizations"])
def test_list_of_what_is_not_a_plug_in(capsys, kind):
    assert main(["list", kind]) == 0
    text = capsys.readouterr().out
    assert {"metrics": "margin_ratio_linf", "parametrizations": "diagonal"}[kind] in text


def test_every_metric_has_a_meaning(capsys):
    assert main(["list", "metrics", "--format", "json"]) == 0
    assert all(entry["meaning"] for entry in json.loads(capsys.readouterr().out)["metrics"])


def test_list_says_why_a_plug_in_is_missing(capsys, tmp_path):
    (tmp_path / "broken.py").write_text("def (")
    assert main(["list", "optimizers", "--plugin", str(tmp_path)]) == 0
    text = capsys.readouterr().out
    assert "gradient_descent" in text
    assert "could not be loaded:" in text
    assert "broken.py:1: syntax error" in " ".join(text.split())


def test_show_an_optimizer(capsys):
    assert main(["show", "adam"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    for part in ("m <- beta1 m", "beta2 0.999", "tuned (log grid)", "l2 (classification)",
                 "linf (classification[eps=0,decay=0.5,beta2=0.99])", "eps = 0",
                 "as the theorem asks: eps=0,decay=0.5,beta2=0.99 (classification)",
                 "arXiv:1412.6980", "optimizers/adam.py"):  # fmt: skip
        assert part in text


def test_show_a_problem_and_a_parametrization(capsys):
    assert main(["show", "logistic_regression"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    for part in ("digits_3v8", "logistic|exponential", "references: l1, l2, linf", "margin_ratio"):
        assert part in text
    for part in ("n 6 - data=gaussian d", "intercept false - data other than gaussian|partly"):
        assert part in text
    assert main(["show", "diagonal"]) == 0
    text = capsys.readouterr().out
    assert "typed as: --parametrization diagonal:depth=2,scale=0.1" in text
    assert "w = u^depth - v^depth" in text


def test_show_says_whose_convention_an_optimizer_follows(capsys):
    assert main(["show", "rmsprop"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert (
        "convention: torch: beta = 0.99, eps outside the root; the lecture and optax: 0.9" in text
    )
    assert main(["show", "gradient_descent"]) == 0
    assert "convention" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["show", "adm"], "did you mean 'adam'?"),
        (["list", "optimizer"], "did you mean 'optimizers'?"),
        (["list", "optimizers", "--format", "xml"], "unknown format"),
        (["list", "optimizers", "--plugin", "nowhere"], "neither a .py file nor a directory"),
        (["list"], "optimizers|problems"),
        (["lst"], "lst"),
    ],
)
def test_wrong_input_is_one_line(capsys, arguments, words):
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert words in captured.err
    assert captured.err.startswith("optbench: error: ")
    assert captured.err.count("\n") == 1


@pytest.mark.parametrize(("passed", "code", "word"), [(True, 0, "pass"), (False, 1, "FAIL")])
def test_check_prints_a_table(capsys, monkeypatch, passed, code, word):
    fake = types.ModuleType("optbench.check")
    seen = []

    def check(name, plugins):
        seen.append((name, plugins))
        result = types.SimpleNamespace(name="compiles", detail="nopython", seconds=0.5)
        skipped = types.SimpleNamespace(name="sign", detail="not declared", seconds=0.0)
        return [types.SimpleNamespace(**vars(result), passed=passed),
                types.SimpleNamespace(**vars(skipped), passed=None)]  # fmt: skip

    fake.check = check
    monkeypatch.setitem(sys.modules, "optbench.check", fake)
    assert main(["check", "mine.py", "--plugin", "more"]) == code
    assert seen == [("mine.py", ("more",))]
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("compiles") and f" {word} " in line for line in lines)
    assert any(line.startswith("sign") and " n/a " in line for line in lines)


def test_check_counts_what_is_not_run(capsys, tmp_path):
    """A kernel that does not compile has one row for that, not a dozen that say nothing."""
    declared = '@optimizer(reference="a test")\ndef mine(theta, grad):\n    theta[0] = missing\n'
    (tmp_path / "mine.py").write_text(f"from optbench import optimizer\n{declared}")
    assert main(["check", str(tmp_path / "mine.py")]) == 1
    printed = capsys.readouterr().out
    assert "mine.py:4:" in printed and "are not run until that is mended" in printed
    assert sum(line.startswith("compiles ") for line in printed.splitlines()) == 1
    assert "see the failure" not in printed and "twin" not in printed


def test_version_and_help(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("optbench 0")
    assert main([]) == 0
    assert "compare" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["--help"], ["list", "optimizers"], ["show", "adam"]])
def test_quick_verbs_import_nothing_heavy(arguments):
    """In a fresh process; `--help` does not even import numpy."""
    program = (
        "import sys; from optbench.cli import main; code = main(sys.argv[2:]); "
        "found = [name for name in sys.argv[1].split(',') if name in sys.modules]; "
        "sys.exit(f'imported {found}' if found else code)"
    )
    names = ",".join([*HEAVY, "numpy"] if arguments == ["--help"] else HEAVY)
    done = subprocess.run(
        [sys.executable, "-c", program, names, *arguments], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_a_reader_that_goes_away_is_no_traceback():
    program = "import sys; from optbench.cli import main; sys.exit(main(['list', 'optimizers']))"
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    process.wait()
