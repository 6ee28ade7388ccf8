"""Which plug-ins there are, by name, and which file each name stands for.

Later sources win over earlier ones: the built-in directories (inside the wheel, or beside the
package in a checkout), entry points ``optbench.optimizers`` / ``optbench.problems``, the
directories named in ``./optbench.toml``, ``OPTBENCH_PLUGINS``, and ``--plugin FILE_OR_DIR``.  Two
files of one source that declare one name are an error.  A broken file becomes a :class:`Broken`
entry with one line; the others still load.
"""

from __future__ import annotations

import functools
import os
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType

from optbench.contract import Declared, Optimizer, Problem
from optbench.errors import UserError
from optbench.options import suggest
from optbench.plugin_files import (
    explain,
    forget_imports,
    load_file,
    load_shipped,
    plugin_files,
    remembering_imports,
)

PACKAGE = Path(__file__).resolve().parent
FOLDERS = ("optimizers", "problems")
SHIPPED, INSTALLED = "optbench", "entry points"
PROJECT, ENVIRONMENT, NAMED = "optbench.toml", "OPTBENCH_PLUGINS", "--plugin"


@dataclass(frozen=True)
class Broken:
    """A plug-in file that could not be loaded, the one line that says why, and who named it."""

    file: str
    reason: str
    source: str


@dataclass
class Registry:
    """All loaded plug-ins by name.

    Attributes
    ----------
    optimizers, problems : dict
        What each name stands for.
    broken : list of Broken
        Files that could not be loaded.
    replaced : dict of str to Optimizer or Problem
        What a name of the user's stood for before: ``optimizer adam`` to the built-in one.
    """

    optimizers: dict[str, Optimizer] = field(default_factory=dict)
    problems: dict[str, Problem] = field(default_factory=dict)
    broken: list[Broken] = field(default_factory=list)
    replaced: dict[str, Optimizer | Problem] = field(default_factory=dict)
    _sources: dict[str, str] = field(default_factory=dict)

    def optimizer(self, name: str) -> Optimizer:
        """Return the optimizer called ``name``; a UserError with a suggestion otherwise."""
        self._require("optimizer", name, self.optimizers)
        return self.optimizers[name]

    def problem(self, name: str) -> Problem:
        """Return the problem family called ``name``; a UserError with a suggestion otherwise."""
        self._require("problem", name, self.problems)
        return self.problems[name]

    @property
    def default_optimizers(self) -> list[str]:
        """Names of the optimizers that run when none is named."""
        return sorted(name for name, plugin in self.optimizers.items() if plugin.default)

    @property
    def baseline(self) -> Optimizer | None:
        """What costs are relative to: the last one declared so, that of the user if any."""
        declared = [plugin for plugin in self.optimizers.values() if plugin.baseline]
        return declared[-1] if declared else None

    @property
    def default_problems(self) -> list[str]:
        """Names of the problems that run when none is named."""
        return sorted(name for name, plugin in self.problems.items() if plugin.default)

    def is_builtin(self, plugin: Optimizer | Problem) -> bool:
        """Whether a plug-in came with optbench; its file may be named relative to a folder."""
        kind = "optimizer" if isinstance(plugin, Optimizer) else "problem"
        return self._sources.get(f"{kind} {plugin.name}") == SHIPPED

    @property
    def notes(self) -> list[str]:
        """What a reader of results must know of names and files."""
        lines = [f"plug-in left out: {entry.reason}" for entry in self.broken]
        for name, old in self.replaced.items():
            kind, _, own = name.partition(" ")
            new = self.optimizers[own] if kind == "optimizer" else self.problems[own]
            lines.append(f"{name} is the one of {new.file}, not that of {old.file}")
        return lines

    @property
    def left_out(self) -> str:
        """What to add where a name is unknown: a broken file of the user may declare it."""
        own = [entry.reason for entry in self.broken if entry.source != SHIPPED]
        return f"; plug-in left out: {own[0]}" if own else ""

    def _require(self, kind: str, name: str, known: Iterable[str]) -> None:
        """Refuse an unknown name, and one that the user means for a file that is broken."""
        for entry in self.broken:
            shipped = entry.source == SHIPPED and name in known
            if Path(entry.file).stem == name and not shipped:
                raise UserError(entry.reason)
        if name not in known:
            raise UserError(f"unknown {kind} {name!r}{suggest(name, known)}{self.left_out}")

    def add(self, module: ModuleType, file: Path, source: str) -> None:
        """Add every optimizer and problem that a module declares."""
        found = [value for value in vars(module).values() if isinstance(value, Declared)]
        if not found:
            reason = f"{file}: declares no @optimizer and no @problem"
            self.broken.append(Broken(str(file), reason, source))
        for plugin in found:
            if isinstance(plugin, Optimizer | Problem):
                self.add_plugin(plugin, source)

    def add_plugin(self, plugin: Optimizer | Problem, source: str) -> None:
        """Let a plug-in have its name, also where an earlier source gave it to another one.

        Raises
        ------
        UserError
            When another file of the same source declares the name.
        """
        kind = "optimizer" if isinstance(plugin, Optimizer) else "problem"
        table: dict[str, Optimizer] | dict[str, Problem]
        table = self.optimizers if isinstance(plugin, Optimizer) else self.problems
        known, name = table.get(plugin.name), f"{kind} {plugin.name}"
        if known is plugin:
            return
        if known is not None and self._sources[name] == source:
            raise UserError(
                f"{plugin.file}:{plugin.line}: {kind} {plugin.name!r} is also in "
                f"{known.file}:{known.line}: name one of the two files, or rename it"
            )
        if known is not None:
            self.replaced.setdefault(name, known)
        table[plugin.name] = plugin  # type: ignore[assignment]
        self._sources[name] = source


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


def load_registry(plugins: tuple[str, ...] = (), root: Path | None = None) -> Registry:
    """Load all plug-ins, those of the user as their files are now.

    Parameters
    ----------
    plugins : tuple of str
        Files and directories named with ``--plugin``.
    root : Path, optional
        Folder of the user's project (default: the current one).

    Raises
    ------
    UserError
        When a path named by the user does not exist, or two of its files declare one name.
    """
    variable = os.environ.get("OPTBENCH_PLUGINS", "").split(os.pathsep)
    sources = {
        PROJECT: project_folders(root or Path.cwd()),
        ENVIRONMENT: [Path(path) for path in variable if path],
        NAMED: [Path(path) for path in plugins],
    }
    files = {
        source: list(dict.fromkeys(f for path in paths for f in plugin_files(path)))
        for source, paths in sources.items()
    }
    registry = Registry()
    shipped = [file for folder in builtin_folders() for file in plugin_files(folder)]
    for file in shipped:
        _load(registry, load_shipped, file, SHIPPED)
    entries = _entry_points()
    mine = [file.resolve() for own in files.values() for file in own]
    forget_imports([*map(str, mine), *(entry.value for entry in entries)])
    for entry in entries:
        _load_entry_point(registry, entry)
    done = {file.resolve() for file in shipped}
    for source, own in files.items():
        for file in own:
            if file.resolve() not in done:
                done.add(file.resolve())
                _load(registry, load_file, file, source)
    return registry


def _load(registry: Registry, load: Callable[[Path], ModuleType], file: Path, source: str) -> None:
    try:
        module = load(file)
    except Exception as error:  # a plug-in may raise anything; the others still load
        registry.broken.append(Broken(str(file), explain(file.resolve(), error), source))
        return
    registry.add(module, file, source)


@functools.cache
def _entry_points() -> tuple[EntryPoint, ...]:
    return tuple(entry for kind in FOLDERS for entry in entry_points(group=f"optbench.{kind}"))


def _load_entry_point(registry: Registry, entry: EntryPoint) -> None:
    try:
        with remembering_imports(entry.value):
            loaded = entry.load()
        if isinstance(loaded, ModuleType):
            registry.add(loaded, Path(loaded.__file__ or entry.name), INSTALLED)
        elif isinstance(loaded, Optimizer | Problem):
            registry.add_plugin(loaded, INSTALLED)
        else:
            raise TypeError(f"is a {type(loaded).__name__}, no @optimizer or @problem")
    except Exception as error:
        reason = f"entry point {entry.value}: {type(error).__name__}: {error}"
        registry.broken.append(Broken(entry.value, reason, INSTALLED))
