"""Execute plug-in files: what a file says now, under a module name that its path decides."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import os
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

from optbench import identity
from optbench.errors import UserError
from optbench.source_code import without_byte_code

# Modules that plug-ins have imported, by who did: executed again together with it.
_IMPORTED: dict[str, dict[str, ModuleType]] = {}
_SHIPPED: dict[Path, tuple[tuple[int, int], ModuleType]] = {}
_SHIPPED_FILES: set[str] = set()


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
    """Execute the present content of a plug-in file, and of the user's modules that it imports.

    Parameters
    ----------
    file : Path
        Its resolved path decides the module's name.

    Returns
    -------
    ModuleType
        A new one at each call: an edit is seen, also of a file that is read at import.
    """
    file = file.resolve()
    forget_imports([str(file)])
    with _beside(file), remembering_imports(str(file)):
        return _executed(file, lambda: compile(file.read_bytes(), file, "exec", dont_inherit=True))


@contextlib.contextmanager
def _beside(file: Path) -> Iterator[None]:
    """Let a plug-in file import those of its folder, as a script may.

    Two folders may have modules of one name: those of another folder are not found meanwhile.
    """
    folder = str(file.parent)
    own = {path.stem for path in file.parent.iterdir() if path.suffix == ".py" or path.is_dir()}
    hidden = {
        name: module
        for group in _IMPORTED.values()
        for name, module in group.items()
        if name.partition(".")[0] in own and sys.modules.get(name) is module
        if not str(getattr(module, "__file__", None)).startswith(folder + os.sep)
    }
    for name in hidden:
        del sys.modules[name]
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.path.remove(folder)


def load_shipped(file: Path) -> ModuleType:
    """Execute a file that ships with optbench: again only when it was edited meanwhile."""
    file = file.resolve()
    stat = file.stat()
    stamp = (stat.st_mtime_ns, stat.st_size)
    _SHIPPED_FILES.add(str(file))
    if file not in _SHIPPED or _SHIPPED[file][0] != stamp:
        loader = SourceFileLoader(_module_name(file), str(file))
        _SHIPPED[file] = stamp, _executed(file, lambda: loader.get_code(loader.name))
    return _SHIPPED[file][1]


def is_shipped(function: Callable[..., Any]) -> bool:
    """Whether a function stands in a plug-in file that ships with optbench."""
    return function.__code__.co_filename in _SHIPPED_FILES


def _module_name(file: Path) -> str:
    digest = hashlib.sha256(str(file.parent).encode()).hexdigest()[:8]
    return f"optbench_plugin_{digest}_{file.stem}"


def _executed(file: Path, code: Callable[[], Any]) -> ModuleType:
    module = ModuleType(name := _module_name(file))
    module.__file__ = str(file)
    before = sys.modules.get(name)
    # Registered before execution: Numba's cache and pickling find functions by module name.
    sys.modules[name] = module
    try:
        exec(code(), vars(module))  # noqa: S102
    except BaseException:
        del sys.modules[name]
        if before is not None:
            sys.modules[name] = before
        raise
    return module


def declared_again(module: str, file: str, name: str) -> Any:
    """Return what a plug-in file, or an importable module, declares under a name.

    What travels between processes names its plug-in; see ``__reduce__`` of an optimizer.

    Raises
    ------
    UserError
        When it was declared where no other process can find it.
    """
    if module in sys.modules and hasattr(sys.modules[module], name):
        return getattr(sys.modules[module], name)
    if module == _module_name(Path(file)):
        return getattr(load_file(Path(file)), name)
    return getattr(importlib.import_module(module), name)


def require_sendable(kernel: Any) -> None:
    """Refuse to send what no other process could find again.

    Raises
    ------
    UserError
        For what is declared in a notebook, in a script or inside of a function.
    """
    if kernel.__module__ == "__main__" or "<locals>" in kernel.__qualname__:
        raise UserError(
            f"{kernel.__qualname__!r} is declared in a notebook, a script or a function: to be run "
            "by other processes it must stand in a plug-in file of its own"
        )


def forget_imports(owners: Iterable[str]) -> None:
    """Let the user's modules that plug-ins have imported be imported anew, as edited meanwhile."""
    late = {name: module for name, module in identity.imported.items() if _is_users(module)}
    identity.imported.clear()
    for group in (late, *(_IMPORTED.pop(owner, {}) for owner in owners)):
        for name, module in group.items():
            if sys.modules.get(name) is module:
                del sys.modules[name]


@contextlib.contextmanager
def remembering_imports(owner: str) -> Iterator[None]:
    """Remember which of the user's modules are imported meanwhile."""
    before = set(sys.modules)
    importlib.invalidate_caches()
    try:
        with without_byte_code():
            yield
    finally:
        new = {name: sys.modules[name] for name in set(sys.modules) - before}
        _IMPORTED[owner] = {name: module for name, module in new.items() if _is_users(module)}


def _is_users(module: ModuleType) -> bool:
    if module.__name__.partition(".")[0] == __name__.partition(".")[0]:
        return False
    return not identity.of_library(module)


def explain(file: Path, error: Exception) -> str:
    """Return one line: file, line, what."""
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, SyntaxError):
        return f"{file}:{error.lineno}: syntax error: {error.msg}"
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == str(file)]
    line = frames[-1].lineno if frames else 1
    return f"{file}:{line}: {type(error).__name__}: {' '.join(str(error).split())}"
