"""Find plug-ins: every ``.py`` file of a plug-in directory, by path, under a stable module name.

Search order: the built-in directories (inside the wheel, or beside the package in a checkout),
entry points ``optbench.optimizers`` / ``optbench.problems``, ``--plugin FILE_OR_DIR``,
``OPTBENCH_PLUGINS``, and the directories named in ``./optbench.toml``.  A built-in has no
privilege that a user's file lacks.  A broken file becomes a :class:`Broken` entry with one line;
the others still load.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import os
import sys
import tomllib
import traceback
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType

from optbench.claim import Claim
from optbench.contract import Optimizer, Problem
from optbench.errors import UserError
from optbench.options import suggest

PACKAGE = Path(__file__).resolve().parent
FOLDERS = ("optimizers", "problems")


@dataclass(frozen=True)
class Broken:
    """A plug-in file that could not be loaded, and the one line that says why."""

    file: str
    reason: str


@dataclass
class Registry:
    """All loaded plug-ins by name."""

    optimizers: dict[str, Optimizer] = field(default_factory=dict)
    problems: dict[str, Problem] = field(default_factory=dict)
    broken: list[Broken] = field(default_factory=list)

    def optimizer(self, name: str) -> Optimizer:
        """Return the optimizer called ``name``; a UserError with a suggestion otherwise."""
        if name not in self.optimizers:
            self._raise("optimizer", name, self.optimizers)
        return self.optimizers[name]

    def problem(self, name: str) -> Problem:
        """Return the problem family called ``name``; a UserError with a suggestion otherwise."""
        if name not in self.problems:
            self._raise("problem", name, self.problems)
        return self.problems[name]

    @property
    def default_optimizers(self) -> list[str]:
        """Names of the optimizers that run when none is named."""
        return sorted(name for name, plugin in self.optimizers.items() if plugin.default)

    @property
    def default_problems(self) -> list[str]:
        """Names of the problems that run when none is named."""
        return sorted(name for name, plugin in self.problems.items() if plugin.default)

    def _raise(self, kind: str, name: str, known: Iterable[str]) -> None:
        for entry in self.broken:
            if Path(entry.file).stem == name:
                raise UserError(entry.reason)
        raise UserError(f"unknown {kind} {name!r}{suggest(name, known)}")

    def add(self, module: ModuleType, file: Path) -> None:
        """Add every optimizer and problem that a module declares."""
        found = [v for v in vars(module).values() if isinstance(v, Optimizer | Problem)]
        if not found and not any(isinstance(v, Claim) for v in vars(module).values()):
            self.broken.append(Broken(str(file), f"{file}: declares no @optimizer and no @problem"))
        for plugin in found:
            self.add_plugin(plugin, str(file))

    def add_plugin(self, plugin: Optimizer | Problem, source: str) -> None:
        """Add one plug-in unless its name is taken; the same one twice is no conflict."""
        table: dict[str, Optimizer] | dict[str, Problem]
        table = self.optimizers if isinstance(plugin, Optimizer) else self.problems
        known = table.setdefault(plugin.name, plugin)  # type: ignore[arg-type]
        if known is not plugin:
            reason = f"{plugin.file}:{plugin.line}: {plugin.name!r} is already in {known.file}"
            self.broken.append(Broken(source, reason))


def builtin_folders() -> list[Path]:
    """Return the built-in plug-in directories: in the wheel, or beside the package."""
    inside = [PACKAGE / "plugins" / name for name in FOLDERS]
    beside = [PACKAGE.parent / name for name in FOLDERS]
    return inside if inside[0].is_dir() else beside


def project_folders(root: Path) -> list[Path]:
    """Return the directories that ``optbench.toml`` in ``root`` names under ``plugins``.

    Raises
    ------
    UserError
        When the file is not TOML or ``plugins`` is not a list of paths.
    """
    file = root / "optbench.toml"
    if not file.is_file():
        return []
    try:
        named = tomllib.loads(file.read_text()).get("plugins", [])
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{file}: not valid TOML: {error}") from None
    if not isinstance(named, list) or not all(isinstance(path, str) for path in named):
        raise UserError(f'{file}: plugins must be a list of paths, such as ["./optimizers"]')
    return [root / path for path in named]


def plugin_files(path: Path) -> Iterator[Path]:
    """Yield the plug-in files of a file or directory.

    Raises
    ------
    UserError
        When the path does not exist or holds no Python file.
    """
    if path.is_file() and path.suffix == ".py":
        yield path
    elif path.is_dir():
        files = [file for file in sorted(path.glob("*.py")) if not file.name.startswith("_")]
        if not files:
            raise UserError(f"plug-in directory {path} holds no .py file")
        yield from files
    else:
        raise UserError(f"plug-in {path} is neither a .py file nor a directory")


def load_file(file: Path) -> ModuleType:
    """Execute a plug-in file as a module whose name depends on its path only."""
    file = file.resolve()
    digest = hashlib.sha256(str(file.parent).encode()).hexdigest()[:8]
    name = f"optbench_plugin_{digest}_{file.stem}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Registered before execution: Numba's cache and pickling find functions by module name.
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def explain(file: Path, error: Exception) -> str:
    """Return one line: file, line, what."""
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, SyntaxError):
        return f"{file}:{error.lineno}: syntax error: {error.msg}"
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == str(file)]
    line = frames[-1].lineno if frames else 1
    return f"{file}:{line}: {type(error).__name__}: {' '.join(str(error).split())}"


@functools.lru_cache(maxsize=8)
def load_registry(plugins: tuple[str, ...] = (), root: Path | None = None) -> Registry:
    """Load all plug-ins.

    Parameters
    ----------
    plugins : tuple of str
        Files and directories named with ``--plugin``.
    root : Path, optional
        Folder of the user's project (default: the current one).

    Raises
    ------
    UserError
        When a path named by the user does not exist.
    """
    registry = Registry()
    named = [*plugins, *filter(None, os.environ.get("OPTBENCH_PLUGINS", "").split(os.pathsep))]
    paths = [*builtin_folders(), *map(Path, named), *project_folders(root or Path.cwd())]
    for path in paths:
        for file in plugin_files(path):
            try:
                registry.add(load_file(file), file)
            except Exception as error:  # a plug-in may raise anything; the others still load
                registry.broken.append(Broken(str(file), explain(file.resolve(), error)))
    for kind in FOLDERS:
        for entry in entry_points(group=f"optbench.{kind}"):
            try:
                loaded = entry.load()
                if isinstance(loaded, ModuleType):
                    registry.add(loaded, Path(loaded.__file__ or entry.name))
                elif isinstance(loaded, Optimizer | Problem):
                    registry.add_plugin(loaded, entry.value)
                else:
                    raise TypeError(f"is a {type(loaded).__name__}, no @optimizer or @problem")
            except Exception as error:
                reason = f"entry point {entry.value}: {type(error).__name__}: {error}"
                registry.broken.append(Broken(entry.value, reason))
    return registry
