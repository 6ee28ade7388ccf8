"""What is imported is declared in pyproject.toml, bounded below and explained, and nothing else."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
PACKAGES = {"sklearn": "scikit-learn"}  # where the package has another name than the module
BOUNDED_BY_NUMBA = {"llvmlite"}


def declared(requirements: list[str]) -> dict[str, str]:
    """Return the version specifier of each package; optbench's own extras are no others."""
    parts = (re.fullmatch(r"([\w-]+)(?:\[\w+\])?(.*)", text) for text in requirements)
    return {part[1]: part[2] for part in parts if part and part[1] != "optbench"}


def sources(folder: str) -> Iterator[Path]:
    return (REPOSITORY / folder).rglob("*.py")


def imported_names(file: Path) -> Iterator[str]:
    """Yield the full names that a file imports, wherever it does."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def third_party(*folders: str) -> set[str]:
    """Return the packages that files of these folders import."""
    names = {
        name for folder in folders for file in sources(folder) for name in imported_names(file)
    }
    modules = {name.partition(".")[0] for name in names}
    return {PACKAGES.get(module, module) for module in modules - sys.stdlib_module_names}


def test_what_is_imported_is_declared() -> None:
    found = third_party("optbench", "optimizers", "problems") - {"optbench"}
    optional = {
        name for extra in PROJECT["optional-dependencies"].values() for name in declared(extra)
    }
    required = set(declared(PROJECT["dependencies"]))
    assert required <= found <= required | optional


def test_only_the_engine_uses_insides_of_numba() -> None:
    """They are why Numba has an upper bound; a private name of another library has none."""
    files = [file for kind in ("optbench", "optimizers", "problems") for file in sources(kind)]
    inside = {
        file.relative_to(REPOSITORY).as_posix()
        for file in files
        for name in imported_names(file)
        if re.match(r"numba\.(core|np|typed)\b|llvmlite\b", name)
        or (name.partition(".")[0] != "optbench" and re.search(r"\._[a-z]", name))
    }
    outside = {file for file in inside if not file.startswith("optbench/engine/")}
    assert outside <= {"optbench/check/optimizers.py"}  # counts what Numba allocates


def test_every_requirement_has_a_lower_bound() -> None:
    """The second environment of .ci/run installs these."""
    extras = PROJECT["optional-dependencies"]
    for requirements in (PROJECT["dependencies"], extras["test"], extras["hdf5"]):
        for name, bounds in declared(requirements).items():
            assert re.match(r"[>~]=\d", bounds) or name in BOUNDED_BY_NUMBA, name


def test_every_requirement_has_its_reason() -> None:
    page = (REPOSITORY / "docs" / "dependencies.md").read_text()
    extras = PROJECT["optional-dependencies"]
    for name in declared(PROJECT["dependencies"] + extras["test"]):
        assert re.search(rf"^\| ([\w-]+, )*{name}(, [\w-]+)* \|", page, re.MULTILINE), name
