"""Where plug-ins are found, and that a broken one is one line while the others still load."""

from __future__ import annotations

import os
import re
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from optbench import UserError, registry
from optbench.plugin_files import load_file
from optbench.registry import load_registry

GOOD = """from optbench import Hyper, optimizer
@optimizer(reference="a test")
def {name}(theta, grad, rate=Hyper(0.1)):
    for i in range(theta.size):
        theta[i] -= rate * grad[i]
"""
PROBLEM = """from optbench import problem
@problem(reference="a test", references=(), metrics=())
def {name}(n=3):
    return None
"""
BROKEN = {
    "syntax": ("def broken(:\n    pass\n", r"broken\.py:1: syntax error: .+"),
    "import": ("import nothing_like_this\n", r"broken\.py:1: ModuleNotFoundError: "),
    "raises": ("x = 1\nraise KeyError(x)\n", r"broken\.py:2: KeyError: 1"),
    "empty": ("x = 1\n", r"broken\.py: declares no @optimizer and no @problem"),
    "argument": (
        GOOD.format(name="broken").replace("grad,", "gradient,"),
        r"broken\.py:2: optimizer 'broken': argument 'gradient' is neither an oracle argument",
    ),
    "no theta": (
        "from optbench import optimizer\n@optimizer(reference='')\ndef broken(grad):\n    pass\n",
        r"broken\.py:2: optimizer 'broken': has no argument 'theta'",
    ),
    "oracle default": (
        GOOD.format(name="broken").replace("grad,", "grad=None,"),
        r"broken\.py:2: optimizer 'broken': oracle argument 'grad' takes no default",
    ),
    "family": (
        GOOD.format(name="broken").replace("@optimizer(", "@optimizer(selects='lp(p)', "),
        r"selects='lp\(p\)' names 'p', which is none of its hyperparameters \(rate\)",
    ),
    "family without its end": (
        GOOD.format(name="broken").replace(
            "@optimizer(", "@optimizer(selects={'game': 'lp(rate'}, "
        ),
        r"selects='lp\(rate' must be like \"l2\" or \"lp\(p\)\"",
    ),
    "function of something else": (
        GOOD.format(name="broken").replace("@optimizer(", "@optimizer(selects=lambda eps: 'l2', "),
        r"selects takes 'eps'; its arguments are 'kind', 'size' and hyperparameters \(rate\)",
    ),
    "function that fails": (
        GOOD.format(name="broken").replace(
            "@optimizer(", "@optimizer(selects=lambda rate: 1 / (rate - rate), "
        ),
        r"selects fails for 'classification': ZeroDivisionError: ",
    ),
    "function of no solution": (
        GOOD.format(name="broken").replace("@optimizer(", "@optimizer(selects=lambda kind: 2, "),
        r"selects=2 must be like \"l2\" or \"lp\(p\)\"",
    ),
    "selects": (
        GOOD.format(name="broken").replace("@optimizer(", "@optimizer(selects=2, "),
        r"selects=2 must be a solution such as \"l2\", a mapping by kind of problem, or a function",
    ),
    "asked of no kind": (
        GOOD.format(name="broken").replace(
            "@optimizer(", "@optimizer(as_theorem_asks={'rate': 1.0}, "
        ),
        r"as_theorem_asks must give hyperparameters by kind of problem, such as ",
    ),
    "asked for something else": (
        GOOD.format(name="broken").replace(
            "@optimizer(", "@optimizer(as_theorem_asks={'regression': {'eps': 1.0}}, "
        ),
        r"as_theorem_asks names 'eps', which is none of its hyperparameters \(rate\)",
    ),
    "asked for in vain": (
        GOOD.format(name="broken").replace(
            "@optimizer(",
            "@optimizer(selects={'game': 'l2'}, as_theorem_asks={'regression': {'rate': 1.0}}, ",
        ),
        r"as_theorem_asks gives hyperparameters for 'regression', but with them selects names no",
    ),
    "only_for": (
        GOOD.format(name="broken").replace("@optimizer(", "@optimizer(only_for='regression', "),
        r"only_for='regression' must be a tuple of kinds of problem",
    ),
    "no default": (
        GOOD.format(name="broken").replace("Hyper(0.1)", "Hyper()"),
        r"Hyper 'rate' needs a default value or tune=\"log\"",
    ),
    "tune": (
        GOOD.format(name="broken").replace("0.1", "tune='linear'"),
        r"Hyper 'rate' has tune='linear'; only \"log\" is known",
    ),
    "range": (
        GOOD.format(name="broken").replace("0.1", "0.1, low=1.0"),
        r"default 0\.1 of Hyper 'rate' must be at least 1",
    ),
    "slot": (
        GOOD.format(name="broken")
        .replace("Hyper(0.1)", "Slot(shape='big')")
        .replace("Hyper,", "Slot,"),
        r"Slot 'rate' has shape='big'; known are None",
    ),
    "symmetry": (
        GOOD.format(name="broken").replace('"a test"', '"", symmetries=("mirror",)'),
        r"unknown symmetries \['mirror'\]",
    ),
    "convention": (
        GOOD.format(name="broken").replace("@optimizer(", "@optimizer(convention=('torch',), "),
        r"broken\.py:2: optimizer 'broken': convention=\('torch',\) must be one line of text",
    ),
    "lines of convention": (
        GOOD.format(name="broken").replace("@optimizer(", "@optimizer(convention='a\\nb', "),
        r"convention='a\\nb' must be one line of text",
    ),
    "option": (
        PROBLEM.format(name="broken").replace("n=3", "n"),
        r"broken\.py:2: problem 'broken': option 'n' needs a default",
    ),
    "condition": (
        "from optbench import Option\n"
        + PROBLEM.format(name="broken").replace("3", "Option(3, needs={'dta': ('x',)})"),
        r"broken\.py:3: problem 'broken': option 'n' depends on 'dta', which is no option",
    ),
    "values": (
        "from optbench import Option\n"
        + PROBLEM.format(name="broken").replace("3", "Option(3, unless={'data': 'x'}), data='y'"),
        r"option 'n' depends on data='x'; values must be a tuple, such as \('y',\)",
    ),
}


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """No plug-ins from the environment or the current folder, nothing remembered."""
    monkeypatch.delenv("OPTBENCH_PLUGINS", raising=False)
    monkeypatch.chdir(tmp_path)
    registry._entry_points.cache_clear()
    yield
    registry._entry_points.cache_clear()


def write(folder: Path, name: str, text: str = GOOD) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}.py"
    file.write_text(text.format(name=name))
    return file


def test_every_builtin_file_loads() -> None:
    found = load_registry()
    files = [file for folder in registry.builtin_folders() for file in folder.glob("*.py")]
    assert found.broken == []
    assert {Path(plugin.file).stem for plugin in found.optimizers.values()} | {
        Path(plugin.file).stem for plugin in found.problems.values()
    } == {file.stem for file in files}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_file_is_one_line_and_the_others_load(case: str, tmp_path: Path) -> None:
    text, message = BROKEN[case]
    (tmp_path / "broken.py").write_text(text)
    write(tmp_path, "whole")
    found = load_registry((str(tmp_path),))
    assert "whole" in found.optimizers and len(found.optimizers) > 10
    (broken,) = found.broken
    assert re.search(message, broken.reason) and "\n" not in broken.reason
    with pytest.raises(UserError, match=message):
        found.optimizer("broken")


def test_a_file_a_folder_and_private_files(tmp_path: Path) -> None:
    write(tmp_path / "folder", "one")
    write(tmp_path / "folder", "two", PROBLEM)
    write(tmp_path / "folder", "_private", "raise SystemError")
    write(tmp_path, "three")
    found = load_registry((str(tmp_path / "folder"), str(tmp_path / "three.py")))
    assert {"one", "three"} <= set(found.optimizers) and "two" in found.problems
    assert found.broken == []


def test_environment_and_project_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = [tmp_path / name for name in ("first", "second", "third")]
    for folder in folders:
        write(folder, f"in_{folder.name}")
    monkeypatch.setenv("OPTBENCH_PLUGINS", os.pathsep.join(map(str, folders[:2])))
    (tmp_path / "optbench.toml").write_text('plugins = ["./third"]\n')
    found = load_registry()
    assert {"in_first", "in_second", "in_third"} <= set(found.optimizers)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("plugins = [", "not valid TOML"),
        ('plugins = "./optimizers"', "plugins must be a list of paths"),
        ("plugins = [1]", "plugins must be a list of paths"),
        ('plugins = ["./missing"]', "missing is neither a .py file nor a directory"),
    ],
)
def test_wrong_project_files_are_one_line(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "optbench.toml").write_text(text)
    with pytest.raises(UserError, match=message) as error:
        load_registry()
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("missing.py", "missing.py is neither a .py file nor a directory"),
        ("empty", "directory empty holds no .py file"),
        ("notes.txt", "notes.txt is neither a .py file nor a directory"),
    ],
)
def test_wrong_paths_are_one_line(path: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("text")
    with pytest.raises(UserError, match=message):
        load_registry((path,))


def test_two_files_of_the_user_with_one_name_are_an_error(tmp_path: Path) -> None:
    write(tmp_path / "a", "twice")
    write(tmp_path / "b", "twice")
    message = r"b/twice\.py:\d+: optimizer 'twice' is also in .*a/twice\.py:\d+: name one of"
    with pytest.raises(UserError, match=message):
        load_registry((str(tmp_path / "a"), str(tmp_path / "b")))


def test_what_is_named_on_the_command_line_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over the environment, which wins over the project, which wins over what is built in."""
    folders = {name: tmp_path / name for name in ("project", "environment", "command")}
    files = {name: write(folder, "adam") for name, folder in folders.items()}
    (tmp_path / "optbench.toml").write_text('plugins = ["./project"]\n')

    def adam(*plugins: str) -> str:
        found = load_registry(plugins)
        (note,) = found.notes
        assert note.startswith("optimizer adam is the one of ") and "not that of" in note
        return found.optimizer("adam").kernel.__code__.co_filename

    assert adam() == str(files["project"])
    monkeypatch.setenv("OPTBENCH_PLUGINS", str(folders["environment"]))
    assert adam() == str(files["environment"])
    assert adam(str(files["command"])) == str(files["command"])


def test_a_broken_file_of_the_user_does_not_give_way_to_a_built_in_one(tmp_path: Path) -> None:
    (tmp_path / "adam.py").write_text("def (")
    found = load_registry((str(tmp_path / "adam.py"),))
    with pytest.raises(UserError, match=r"adam\.py:1: syntax error"):
        found.optimizer("adam")


def test_an_edit_is_seen_by_the_next_call_in_the_same_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the file, of a module that it imports, and of a file that it reads, within a second."""
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "own_helper.py").write_text("FACTOR = 1.0\n")
    (tmp_path / "number.txt").write_text("1.0")
    reading = "from own_helper import FACTOR\nfrom pathlib import Path\n"
    reading += f"NUMBER = float(Path({str(tmp_path / 'number.txt')!r}).read_text())\n"
    file = write(tmp_path, "edited", reading + GOOD)

    def loaded() -> tuple[float, float, str]:
        rule = load_registry((str(file),)).optimizer("edited")
        names = rule.kernel.__globals__
        return names["FACTOR"], names["NUMBER"], rule.formula

    before = loaded()
    assert before[:2] == (1.0, 1.0)
    (tmp_path / "own_helper.py").write_text("FACTOR = 2.0\n")
    assert loaded()[:2] == (2.0, 1.0)
    (tmp_path / "number.txt").write_text("3.0")
    assert loaded()[:2] == (2.0, 3.0)
    file.write_text('"""Another formula."""\n' + file.read_text())
    assert loaded()[2] == "Another formula." != before[2]


def test_the_same_file_twice_is_no_conflict(tmp_path: Path) -> None:
    file = write(tmp_path / "a", "once")
    found = load_registry((str(file), str(tmp_path / "a")))
    assert "once" in found.optimizers and found.broken == []


def test_entry_points(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = load_file(write(tmp_path / "a", "from_module"))
    single = load_file(write(tmp_path / "b", "single")).single
    shadow = load_file(write(tmp_path / "c", "single")).single

    def entry(value, loaded):
        def load():
            if isinstance(loaded, Exception):
                raise loaded
            return loaded

        return SimpleNamespace(name=value, value=value, load=load)

    entries = [
        entry("package.module", module),
        entry("package:single", single),
        entry("other:single", shadow),
        entry("bad:missing", ImportError("no module named bad")),
        entry("bad:number", 3),
    ]
    assert isinstance(module, ModuleType)
    monkeypatch.setattr(
        registry, "entry_points", lambda group: entries if group.endswith("optimizers") else []
    )
    found = load_registry()
    assert found.optimizers["from_module"] is module.from_module
    assert found.optimizers["single"] is single
    assert [broken.file for broken in found.broken] == ["other:single", "bad:missing", "bad:number"]
    reasons = [broken.reason for broken in found.broken]
    assert "'single' is also in" in reasons[0]
    assert reasons[1] == "entry point bad:missing: ImportError: no module named bad"
    assert "no @optimizer or @problem" in reasons[2]


def test_unknown_names_get_a_suggestion() -> None:
    found = load_registry()
    name = next(iter(found.optimizers))
    message = rf"unknown optimizer '{name}x' \(did you mean '{name}'\?\)"
    with pytest.raises(UserError, match=message):
        found.optimizer(f"{name}x")
    with pytest.raises(UserError, match=r"unknown problem 'zzzz'; the nearest of \d+ names: "):
        found.problem("zzzz")


def test_a_module_name_depends_on_the_path_only(tmp_path: Path) -> None:
    file = write(tmp_path / "a", "named")
    module = load_file(file)
    assert (
        module.__name__
        == load_file(tmp_path / "a" / ".." / "a" / "named.py").__name__
        != load_file(write(tmp_path / "b", "named")).__name__
    )


@pytest.mark.parametrize("ask", ["optimizer", "problem"])
def test_an_unknown_name_comes_with_the_reason_why_a_file_of_another_name_was_left_out(
    tmp_path, ask
):
    """Else a mistake in the plug-in reads as a typing error in its name."""
    file = tmp_path / "other.py"
    file.write_text(GOOD.format(name="mine").replace("grad,", "gradient,"))
    known = load_registry((str(file),))
    with pytest.raises(UserError, match=r"unknown \w+ 'mine'.*other\.py:2: optimizer 'mine': argu"):
        getattr(known, ask)("mine")
    with pytest.raises(UserError) as plain:
        load_registry().optimizer("mine")
    assert "left out" not in str(plain.value)
