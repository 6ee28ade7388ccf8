"""Arrows point down only: which part of the package may import which, read from the sources."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "optbench"
# From the bottom to the top; a module or folder may import those of the lines above its own.
LAYERS = (
    "errors files numerals progress provenance source_code",
    "options status random schedules elementwise linear_algebra proximal projections environment",
    "column sweeps",
    "columns identity labels losses norm_names parameters targets",
    "records traces plugin_files references data",
    "contract parametrizations",
    "instance registry",
    "rehearsal",
    "engine",
    "runs",
    "choices",
    "study",
    "store",
    "solutions timing",
    "tuning",
    "executors",
    "plan",
    "analysis",
    "plots",
    "report",
    "result",
    "api check",
    "claims",
    "cli templates",
)
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names.split()}


def modules(folder: Path) -> Iterator[tuple[str, ast.Module]]:
    """Yield the dotted name and the tree of every module below a folder."""
    for file in sorted(folder.rglob("*.py")):
        parts = file.relative_to(folder.parent).with_suffix("").parts
        name = ".".join(part for part in parts if part != "__init__")
        yield name, ast.parse(file.read_text())


def imported(tree: ast.Module) -> Iterator[str]:
    """Yield the modules of optbench that code imports, wherever it does; types are no code."""
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                path = PACKAGE.parent.joinpath(*inner.split("."))
                is_module = path.is_dir() or path.with_suffix(".py").is_file()
                yield inner if is_module else node.module


def part(name: str) -> str:
    """Return the module or folder directly inside the package that a module belongs to."""
    return [*name.split("."), ""][1]


def test_every_part_has_its_place():
    inside = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or path.is_dir()}
    shipped = {"__init__", "__pycache__", "plugins", "py"}
    assert inside - shipped == set(LEVEL)


def test_no_import_points_up():
    up = [
        f"{name} imports {other}"
        for name, tree in modules(PACKAGE)
        for other in imported(tree)
        if other.startswith("optbench.") and part(name)
        if part(other) != part(name) and LEVEL[part(other)] >= LEVEL[part(name)]
    ]
    assert up == []


def test_no_module_imports_itself_by_a_detour():
    arrows = {name: {o for o in imported(tree) if o != name} for name, tree in modules(PACKAGE)}
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " -> ".join((*path[path.index(name) :], name))
        if name not in done:
            for other in sorted(arrows.get(name, ())):
                if not name.startswith(f"{other}."):  # a package is begun before its parts
                    visit(other, (*path, name))
            done.add(name)

    for name in arrows:
        visit(name, ())


@pytest.mark.parametrize("folder", ["optimizers", "problems"])
def test_plug_ins_import_optbench_and_never_each_other(folder):
    own = {"optimizers", "problems"}
    for name, tree in modules(PACKAGE.parent / folder):
        for other in imported(tree):
            assert other.split(".")[0] not in own, name


def test_runs_are_prepared_in_one_place():
    """Searches, claims, checks, timings and benchmarks say RunSpec; only `runs` makes chunks."""
    places = {
        name
        for folder in (PACKAGE, PACKAGE.parent / "benchmarks")
        for name, tree in modules(folder)
        for node in ast.walk(tree)
        if isinstance(node, ast.alias) and node.name == "make_chunks"
    }
    assert places == {"optbench.runs"}
