"""Compile a kernel once per machine: a Numba cache keyed by the content of every source.

Numba never sees an edit in an imported file, so each compiled function is stored below a
directory whose name hashes all sources of the engine, the Numba version and, for a plug-in, the
sources of its whole directory.  An edit anywhere gives a new directory; a second process
compiles nothing.  Only optbench's own functions use it: ``numba.config`` stays as it is.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import platformdirs
from numba.core.caching import Cache, CompileResultCacheImpl, _CacheLocator

from optbench.engine.wide import WideVectors

PACKAGE = Path(__file__).resolve().parents[1]
KERNEL_FOLDERS = (PACKAGE / "engine", PACKAGE / "parametrizations")
KERNEL_FILES = tuple(
    PACKAGE / name for name in ("elementwise.py", "linear_algebra.py", "losses.py", "random.py")
)

UNUSED = 30 * 24 * 3600.0  # seconds after which a folder of kernels is removed

# Compilations of this process, by name: `optbench check` and the tests read it.
compiled: list[str] = []


def cache_root() -> Path:
    """Return the folder of compiled kernels: ``$OPTBENCH_CACHE`` or the user's cache folder."""
    return Path(os.environ.get("OPTBENCH_CACHE") or platformdirs.user_cache_dir("optbench"))


def writable_root() -> Path:
    """Return the folder of compiled kernels after writing to it.

    Raises
    ------
    OSError
        When nothing can be kept there.
    """
    root = cache_root()
    root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=root):
        return root


def sources_hash(*folders: Path) -> str:
    """Hash names and contents of the Python files directly inside ``folders`` (or given files)."""
    digest = hashlib.sha256()
    for folder in folders:
        for file in sorted(folder.glob("*.py")) if folder.is_dir() else [folder]:
            digest.update(file.name.encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()


@functools.cache
def engine_hash() -> str:
    """Hash of the engine's sources, the Numba version and the Python version."""
    versions = f"{numba.__version__}-{sys.version_info[0]}.{sys.version_info[1]}"
    return f"{sources_hash(*KERNEL_FOLDERS, *KERNEL_FILES)}-{versions}"


@functools.cache
def cache_directory(plugin_folder: Path | None = None) -> Path:
    """Return the directory for functions that depend on the engine and one plug-in folder."""
    key = engine_hash()
    if plugin_folder is not None:
        # The path too: compiled code refers to modules that are named after it.
        key += f"{sources_hash(plugin_folder)}-{plugin_folder.resolve()}"
    directory = cache_root() / "kernels" / hashlib.sha256(key.encode()).hexdigest()[:20]
    try:
        os.utime(directory)  # the stamp of its last use
    except FileNotFoundError:
        remove_unused(directory.parent)
    except OSError:  # of another user: it can be read nevertheless
        pass
    return directory


def remove_unused(kernels: Path) -> None:
    """Remove the folders of kernels that no process has asked for in a month.

    A process that asks for one right now finds all of it or nothing, and then compiles.
    """
    with contextlib.suppress(OSError):
        for folder in list(kernels.iterdir()):
            with contextlib.suppress(OSError):
                if time.time() - folder.stat().st_mtime > UNUSED:
                    removed = folder.rename(
                        folder.with_name(f"{folder.name}.{os.getpid()}.removed")
                    )
                    shutil.rmtree(removed, ignore_errors=True)


class _ContentLocator(_CacheLocator):
    """Where a function's machine code is kept; the directory's name is already the stamp."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def get_cache_path(self) -> str:
        return str(self._directory)

    def get_source_stamp(self) -> str:
        return self._directory.name

    def get_disambiguator(self) -> str:
        return ""


class _ContentCacheImpl(CompileResultCacheImpl):
    def __init__(self, directory: Path, py_func: Callable[..., Any]) -> None:
        self._locator = _ContentLocator(directory)
        self._filename_base = self.get_filename_base(py_func.__qualname__, "")


class _ContentCache(Cache):
    def __init__(self, py_func: Callable[..., Any], directory: Path) -> None:
        self._impl_class = functools.partial(_ContentCacheImpl, directory)
        super().__init__(py_func)

    def load_overload(self, signature: Any, target_context: Any) -> Any:
        # Numba's own method first imports all that its compiler knows, SciPy included; machine
        # code needs none of it, and whatever is compiled asks for it again.
        try:
            return self._load_overload(signature, target_context)
        except OSError:  # a folder that cannot be read is an empty cache
            return None

    def save_overload(self, signature: Any, result: Any) -> None:
        with contextlib.suppress(OSError):  # nor is one that cannot be written an error
            super().save_overload(signature, result)


def kernels_are_compiled() -> bool:
    """Whether kernels are compiled at all: not where ``NUMBA_DISABLE_JIT=1``."""
    return not numba.config.DISABLE_JIT


def is_kept(function: Callable[..., Any]) -> bool:
    """Whether the cache has a function of the engine."""
    directory = cache_directory()
    return (directory / f"{_ContentCacheImpl(directory, function).filename_base}.nbi").exists()


def compile_kernel(
    function: Callable[..., Any],
    signature: Any,
    *,
    plugin_folder: Path | None = None,
    fastmath: frozenset[str] | set[str] = frozenset({"contract"}),
) -> Any:
    """Compile ``function`` for one explicit signature, or load it from the cache.

    Parameters
    ----------
    function : callable
        Plain Python in Numba's nopython subset.
    signature : numba signature
        The only signature it will ever have.
    plugin_folder : Path, optional
        Folder whose sources the function depends on besides the engine's.
    fastmath : set of str
        At most ``{"contract", "reassoc"}``: never ``nnan`` or ``ninf``, divergence detection
        needs them.

    Returns
    -------
    callable
        The dispatcher with exactly one overload; ``function`` itself when
        ``NUMBA_DISABLE_JIT=1``.
    """
    if not kernels_are_compiled():
        return function
    # Without Numba's run-time system no reference is counted and nothing can be allocated: a
    # kernel that tries does not compile.
    dispatcher = numba.njit(
        error_model="numpy",
        nogil=True,
        fastmath=set(fastmath),
        pipeline_class=WideVectors,
        no_cfunc_wrapper=True,
        _nrt=False,
    )(function)
    directory = cache_directory(plugin_folder)
    try:
        dispatcher._cache = _ContentCache(function, directory)
    except OSError:
        pass_without_cache = f"{function.__qualname__} (cache folder {directory} is not writable)"
        compiled.append(pass_without_cache)
    before = sum(dispatcher._cache_hits.values())
    dispatcher.compile(signature)
    if sum(dispatcher._cache_hits.values()) == before:
        compiled.append(function.__qualname__)
    dispatcher.disable_compile()
    return dispatcher
