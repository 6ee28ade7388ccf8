"""Wheel, sdist and editable installation, each in a throw-away environment and an empty folder.

The environments see the dependencies of the running one through a .pth file, so that nothing is
downloaded; .ci/run installs the wheel with its declared dependencies besides.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
PLUGINS = {
    kind: {file.stem for file in (REPOSITORY / kind).glob("*.py")}
    for kind in ("optimizers", "problems")
}

pytestmark = pytest.mark.slow


def run(*command: str | Path, cwd: Path) -> str:
    """Run a command that must succeed, with no path of this process, and return what it prints."""
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "COLUMNS")}
    finished = subprocess.run(
        list(map(str, command)),
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout[-2000:] + finished.stderr[-4000:]
    return finished.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Build the sdist, and the wheel from the sdist."""
    folder = tmp_path_factory.mktemp("dist")
    command = (sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, REPOSITORY)
    run(*command, cwd=folder)
    (wheel,), (sdist,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return wheel, sdist


def installed(what: tuple[str | Path, ...], folder: Path) -> Path:
    """Install into a fresh environment; return its folder of commands."""
    environment = folder / "environment"
    venv.create(environment, with_pip=True)
    commands = environment / ("Scripts" if os.name == "nt" else "bin")
    (site,) = environment.glob("**/site-packages")
    # "zz": after the path of an editable installation, so that it does not hide it.
    (site / "zz_dependencies.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    options = ("--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--ignore-installed")
    run(commands / "python", "-m", "pip", "install", *options, *what, cwd=folder)
    return commands


def check_installation(commands: Path, empty: Path) -> Path:
    """Compare two optimizers from an empty folder; return the folder of the installed package."""
    empty.mkdir()
    where = run(commands / "python", "-c", "import optbench; print(optbench.__file__)", cwd=empty)
    for kind, names in PLUGINS.items():
        listed = run(commands / "optbench", "list", kind, "--format", "json", cwd=empty)
        assert set(names) <= {entry["name"] for entry in json.loads(listed)[kind]}
    run(commands / "optbench", "new", "problem", "steady_walk", cwd=empty)
    assert (empty / "steady_walk.py").is_file() and (empty / "test_steady_walk.py").is_file()
    chosen = ("linear_regression:data=gaussian,n=4,d=6", "-o", "gradient_descent", "-o", "adam")
    options = ("--horizon", "100", "--format", "json")
    document = json.loads(run(commands / "optbench", "compare", *chosen, *options, cwd=empty))
    assert [row["optimizer"] for row in document["bias"]] == ["gradient_descent", "adam"]
    assert {row["status"] for row in document["convergence"]} <= {"horizon", "converged"}
    assert document["notes"] == []
    written = {"steady_walk.py", "test_steady_walk.py"}  # nothing else was
    assert {file.name for file in empty.iterdir()} == written
    return Path(where.strip()).parent


def test_the_sdist_holds_what_builds_and_tests_need(built: tuple[Path, Path]) -> None:
    tracked = run("git", "ls-files", cwd=REPOSITORY).split() if in_git() else []
    with tarfile.open(built[1]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    needed = {"pyproject.toml", "README.md", "LICENSE", "tests/conftest.py", ".ci/run"}
    assert needed | set(tracked) <= names


def in_git() -> bool:
    return (REPOSITORY / ".git").exists()


def test_the_wheel_ships_plugins_and_data_and_no_tests(built: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(built[0]) as archive:
        names = set(archive.namelist())
    for kind, stems in PLUGINS.items():
        assert {f"optbench/plugins/{kind}/{stem}.py" for stem in stems} <= names
    assert {"optbench/py.typed", "optbench/report/schema.json"} <= names
    page = REPOSITORY / "optbench" / "report" / "html"
    whole = {file.relative_to(REPOSITORY).as_posix() for file in page.rglob("*.*")}
    assert {name for name in whole if "__pycache__" not in name} <= names
    programs = (REPOSITORY / "optbench" / "data" / "files").glob("*.mps.gz")
    assert {f"optbench/data/files/{file.name}" for file in programs} <= names
    tops = {name.partition("/")[0] for name in names}
    assert all(top == "optbench" or top.endswith(".dist-info") for top in tops)


def test_wheel(built: tuple[Path, Path], tmp_path: Path) -> None:
    commands = installed((built[0],), tmp_path)
    package = check_installation(commands, tmp_path / "empty")
    assert package.is_relative_to(tmp_path)


def test_sdist(built: tuple[Path, Path], tmp_path: Path) -> None:
    commands = installed((built[1],), tmp_path)
    package = check_installation(commands, tmp_path / "empty")
    assert package.is_relative_to(tmp_path)


def test_editable(tmp_path: Path) -> None:
    commands = installed(("-e", REPOSITORY), tmp_path)
    package = check_installation(commands, tmp_path / "empty")
    assert package == REPOSITORY / "optbench"
    # Plug-ins come from the checkout, so that an edit is seen: no copy beside the installation.
    assert not list((tmp_path / "environment").glob("**/adam.py"))
