"""Compile a kernel once per machine: a Numba cache keyed by the identity of what is compiled.

Numba never sees an edit in an imported file, so each compiled function is stored below a
directory whose name hashes all sources of the engine, the versions of the compilers and, for a
plug-in, the code that its kernel reaches, as it was imported.  An edit anywhere gives a new
directory; a second process compiles nothing.  Only optbench's own functions use it:
``numba.config`` stays as it is.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import llvmlite
import numba
import platformdirs
from numba.core.caching import Cache, CompileResultCacheImpl, _CacheLocator

from optbench.engine.compiler.wide import WideVectors
from optbench.identity import identity

PACKAGE = Path(__file__).resolve().parents[2]
KERNEL_FOLDERS = tuple(PACKAGE / n for n in ("engine", "linear_algebra", "parametrizations"))
KERNEL_FILES = tuple(
    PACKAGE / name for name in ("elementwise.py", "losses.py", "random.py", "schedules.py")
)

UNUSED = 30 * 24 * 3600.0  # seconds after which a folder of kernels is removed

_BEGAN = time.time()
_THIS_PROCESS = os.urandom(16)

# What machine code may call by name, and what makes the name known (see :mod:`~.linked`).
SYMBOLS: dict[str, Callable[[], object]] = {}
_SYMBOL = re.compile(rb"optbench_linked_\w+")

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


def sources_hash(*paths: Path) -> str:
    """Hash names and contents of Python files, and of those anywhere inside of folders.

    Of a file that was edited after this process began nobody knows which content it imported: the
    hash is then of this process alone, and nothing that depends on it is found again.
    """
    digest = hashlib.sha256()
    for path in paths:
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            digest.update(str(file.relative_to(path.parent)).encode())
            digest.update(file.read_bytes())
            if file.stat().st_mtime > _BEGAN:
                digest.update(_THIS_PROCESS)
    return digest.hexdigest()


@functools.cache
def engine_hash() -> str:
    """Hash of the engine's sources and of the versions of what compiles it."""
    versions = f"{numba.__version__}-{llvmlite.__version__}"
    python = f"{sys.version_info[0]}.{sys.version_info[1]}"
    return f"{sources_hash(*KERNEL_FOLDERS, *KERNEL_FILES)}-{versions}-{python}"


class KernelId(NamedTuple):
    """Which code of a plug-in is compiled: its identity, and its module, which that code names."""

    identity: str
    module: str


ENGINE = KernelId("", "")


def kernel_id(kernel: Callable[..., Any], known: str | None = None) -> KernelId:
    """Return what machine code is kept by; ``known`` is the identity where it is known already."""
    return KernelId(known or identity(kernel), str(kernel.__module__))


def cache_directory(kernel: KernelId = ENGINE) -> Path:
    """Return the directory of what depends on the engine and on a plug-in's kernel."""
    key = hashlib.sha256("|".join((engine_hash(), *kernel)).encode()).hexdigest()[:20]
    return used(cache_root() / "kernels" / key)


@functools.cache
def used(directory: Path) -> Path:
    """Stamp a directory as used by this process."""
    try:
        os.utime(directory)
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

    def reduce(self, result: Any) -> Any:
        payload = super().reduce(result)
        self._make_known(payload)  # what is kept calls only what is kept beside it
        return payload

    def rebuild(self, target_context: Any, payload: Any) -> Any:
        self._make_known(payload)  # LLVM ends the process where it finds no such name
        return super().rebuild(target_context, payload)

    @staticmethod
    def _make_known(payload: Any) -> None:
        """Compile or load what machine code calls by name."""
        _, kind, code = payload[0]
        if kind == "object":
            for symbol in sorted(set(_SYMBOL.findall(code[0]))):
                SYMBOLS[symbol.decode()]()


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


class _Renewal:
    """What a process has made since it was asked to find nothing that was made before."""

    def __init__(self) -> None:
        self.number = 0
        self.made: set[Path] | None = None


_RENEWAL = _Renewal()


@contextlib.contextmanager
def renewing() -> Iterator[None]:
    """Make anew whatever is asked for meanwhile: machine code, references, cells."""
    _RENEWAL.number += 1
    _RENEWAL.made = set()
    fresh_directory(cache_directory())  # before another process compiles into it
    try:
        yield
    finally:
        _RENEWAL.made = None


def may_read(path: Path) -> bool:
    """Whether what was kept under a path counts: unless it is to be renewed and was not yet."""
    return _RENEWAL.made is None or path in _RENEWAL.made


def renewed(path: Path) -> Path:
    """Take note that a path has new content."""
    if _RENEWAL.made is not None:
        _RENEWAL.made.add(path)
    return path


def fresh_directory(directory: Path) -> Path:
    """Return a directory of kernels, emptied if it is to be renewed and was not yet."""
    if not may_read(directory):
        shutil.rmtree(directory, ignore_errors=True)
    return renewed(directory)


def once(bind: Callable[..., Any]) -> Callable[..., Any]:
    """Let a process compile each kernel once.

    What was bound is kept by the :class:`KernelId` where that is the last argument, not by the
    function: a plug-in file is executed again at each comparison.  Machine code is never freed:
    a run may still hold its address.
    """
    kept: dict[Any, Any] = {}

    @functools.wraps(bind)
    def bound(*arguments: Any) -> Any:
        own = arguments[-1:] if arguments and isinstance(arguments[-1], KernelId) else arguments
        key = _RENEWAL.number, own
        if key not in kept:
            kept[key] = bind(*arguments)
        return kept[key]

    return bound


def is_kept(function: Callable[..., Any]) -> bool:
    """Whether the cache has a function of the engine."""
    directory = cache_directory()
    return (directory / f"{_ContentCacheImpl(directory, function).filename_base}.nbi").exists()


def compile_kernel(
    function: Callable[..., Any],
    signature: Any,
    *,
    kernel: KernelId = ENGINE,
    fastmath: frozenset[str] | set[str] = frozenset({"contract"}),
    from_python: bool = True,
) -> Any:
    """Compile ``function`` for one explicit signature, or load it from the cache.

    Parameters
    ----------
    function : callable
        Plain Python in Numba's nopython subset.
    signature : numba signature
        The only signature it will ever have.
    kernel : KernelId
        The plug-in's code that it calls, besides the engine's.
    fastmath : set of str
        At most ``{"contract", "reassoc"}``: never ``nnan`` or ``ninf``, divergence detection
        needs them.
    from_python : bool
        Whether Python calls it often. What unpacks the state of a batch takes LLVM 0.2 s, which is
        more than most kernels; without it :func:`~.calls.entry_point` calls it by address.

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
        no_cpython_wrapper=not from_python,
        _nrt=False,
    )(function)
    directory = fresh_directory(cache_directory(kernel))
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
