"""Who an instance, a kernel or a solver is: hashed by the host from all that its code reaches.

No author writes an identity. :func:`identity` walks values: numbers and arrays by content,
functions by their bytecode, closures, defaults and every global they name, whatever file it stands
in, modules by the names that the code reads from them. What was imported is what is hashed, not
what a file says by now. The standard library and installed distributions are told by their
versions; what cannot be told, such as an open file, is unlike everything else, so that nothing
that depends on it is ever read back.
"""

from __future__ import annotations

import contextlib
import dataclasses
import dis
import functools
import hashlib
import importlib
import importlib.metadata
import importlib.util
import itertools
import os
import pickle
import sys
import sysconfig
import types
from collections.abc import Iterable, Iterator, Mapping, Set
from pathlib import Path
from typing import Any

from optbench.source_code import without_byte_code

PACKAGE = Path(__file__).resolve().parent
# Solvers and data come from these, whatever code calls them.
SOLVING_LIBRARIES = ("numpy", "scipy", "highspy", "clarabel", "scikit-learn")
DEPTH = 100_000  # calls inside of one another: four for each function that calls the next
RUN_TIME_CODE = {"__import__", "eval", "exec"}  # built-in functions that reach any code
_SCALARS = (type(None), bool, int, float, complex, str, bytes, type(Ellipsis), range, slice)
_WRAPPERS: tuple[type, ...] = (staticmethod, classmethod, property, functools.cached_property)
_METHODS: tuple[type, ...] = (types.FunctionType, staticmethod, classmethod)
_THIS_PROCESS = os.urandom(16)
# What code imports only when it runs and was imported to be told.
imported: dict[str, types.ModuleType] = {}
_UNTOLD: list[object] = []  # kept alive: the address of each is its name


def identity(*values: Any) -> str:
    """Return 32 hexadecimal digits that differ when anything differs that the values reach.

    Parameters
    ----------
    *values : object
        Numbers, text, arrays, containers, functions with all they call, classes, modules.

    Returns
    -------
    str
        The same in another process that imported the same code and the same data.
    """
    walk = _Walk()
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, DEPTH))
    try:
        for value in values:
            walk.add(value)
    finally:
        sys.setrecursionlimit(limit)
    return walk.digest.hexdigest()


@functools.cache
def solving_versions() -> tuple[str, ...]:
    """Return names and versions of the libraries that solve references."""
    return tuple(f"{name} {importlib.metadata.version(name)}" for name in SOLVING_LIBRARIES)


class _Walk:
    """One pass over everything that some values reach; cycles and repeats are told by number."""

    def __init__(self) -> None:
        self.digest = hashlib.blake2b(digest_size=16)
        self._numbers: dict[int, int] = {}
        self._alive: list[object] = []  # an address is a name only as long as its object lives

    def add(self, value: Any) -> None:
        """Take one value and all that it reaches."""
        if isinstance(value, _SCALARS):
            self._write(type(value).__name__, repr(value))
        elif type(value) is tuple:
            self._all("tuple", value)
        elif hasattr(value, "__array_interface__") and hasattr(value, "tobytes"):
            self._array(value)
        elif isinstance(value, types.CodeType):
            self._code(value)
        elif id(value) in self._numbers:
            self._write("again", str(self._numbers[id(value)]))
        else:
            self._numbers[id(value)] = len(self._numbers)
            self._alive.append(value)
            self._object(value)

    def _write(self, tag: str, text: str | bytes = b"") -> None:
        data = text.encode(errors="surrogatepass") if isinstance(text, str) else text
        self.digest.update(f"{tag}:{len(data)}:".encode())
        self.digest.update(data)

    def _all(self, tag: str, values: Iterable[Any]) -> None:
        values = list(values)
        self._write(tag, str(len(values)))
        for value in values:
            self.add(value)

    def _array(self, value: Any) -> None:
        if value.dtype.hasobject:
            self._all("objects", [value.shape, *value.ravel().tolist()])
            return
        import numpy as np

        self._write("array", f"{value.dtype.str}{value.dtype.names}{value.shape}")
        self.digest.update(np.ascontiguousarray(value).reshape(-1).view(np.uint8).data)

    def _object(self, value: Any) -> None:
        if isinstance(value, types.FunctionType):
            self._function(value)
        elif isinstance(value, types.ModuleType):
            self._module(value, ())
        elif isinstance(value, type):
            self._class(value)
        elif isinstance(value, Mapping):
            pairs = sorted(value.items(), key=lambda pair: identity(pair[0]))
            self._all("mapping", itertools.chain.from_iterable(pairs))
        elif isinstance(value, Set):
            self._all("set", sorted(identity(item) for item in value))
        elif isinstance(value, list | tuple):  # a named tuple too: its type is a class
            self._all("list", [type(value).__name__, *value])
        elif isinstance(value, functools.partial):
            self._all("partial", (value.func, value.args, value.keywords))
        elif isinstance(value, types.MethodType):
            self._all("method", (value.__func__, value.__self__))
        elif isinstance(value, _WRAPPERS):
            parts = ("__func__", "fget", "fset", "fdel", "func")
            self._all(type(value).__name__, (getattr(value, name, None) for name in parts))
        elif (plain := getattr(value, "py_func", None)) is not None:  # compiled by Numba
            self._all("compiled", (plain, getattr(value, "targetoptions", None)))
        elif (wrapped := getattr(value, "__wrapped__", None)) is not None:
            self._all("wrapped", (type(value).__name__, wrapped))
        else:
            self._other(value)

    def _other(self, value: Any) -> None:
        kind = type(value)
        if dataclasses.is_dataclass(value):
            fields = [field.name for field in dataclasses.fields(value)]
            self._all("dataclass", [kind, *(getattr(value, name) for name in fields)])
        elif isinstance(value, types.BuiltinFunctionType | types.BuiltinMethodType):
            self._all("builtin", (value.__module__, value.__qualname__))
        elif not _of_library(kind) and hasattr(value, "__dict__"):
            own = {k: v for k, v in vars(value).items() if not _is_cached(kind, k)}
            self._all("object", (kind, own))
        else:
            self._foreign(value)

    def _foreign(self, value: Any) -> None:
        """Take an object of a library: as pickled, or as shown where that tells its value."""
        try:
            self._write("pickle", pickle.dumps(value, protocol=4))
        except Exception:  # a lock, a generator, a compiled enumeration: whatever its class raises
            shown = repr(value)
            if " at 0x" in shown:
                _UNTOLD.append(value)
                self._write("untold", _THIS_PROCESS + str(id(value)).encode())
            else:
                self._all("shown", (type(value).__module__, type(value).__qualname__, shown))

    def _class(self, value: type) -> None:
        self._write("class", value.__qualname__)
        if _of_library(value):
            self._all("library", (value.__module__, _library(value.__module__)))
            return
        descriptors = types.MemberDescriptorType | types.GetSetDescriptorType
        kept = [
            (name, member)
            for name, member in sorted(vars(value).items(), key=lambda item: item[0])
            # pickle, dataclasses and abc write other such names at any time
            if isinstance(member, _METHODS) or not name.startswith(("__", "_abc_"))
            if not isinstance(member, descriptors)
        ]
        self._all("bases", value.__bases__)
        self._all("members", itertools.chain.from_iterable(kept))

    def _unforeseen(self) -> None:
        """Take code that decides when it runs which code it reaches: it is never the same."""
        self._write("untold", os.urandom(16))

    def _function(self, function: types.FunctionType) -> None:
        if function is importlib.import_module:
            self._unforeseen()
        self._all("defaults", (function.__defaults__, function.__kwdefaults__))
        names = set(_names(function.__code__))
        for cell in function.__closure__ or ():
            try:
                self._reached(cell.cell_contents, names)
            except ValueError:  # a name that is not bound yet
                self._write("empty")
        if is_library_file(function.__code__.co_filename):
            module = function.__module__ or ""
            self._all("library", (module, function.__qualname__, _library(module)))
            return
        self._code(function.__code__)
        if names & RUN_TIME_CODE - function.__globals__.keys():
            self._unforeseen()
        for name in sorted(names & function.__globals__.keys()):
            self._write("global", name)
            self._reached(function.__globals__[name], names)
        for module in _imported(function.__code__, function.__globals__.get("__package__") or ""):
            self._reached(module, names)

    def _reached(self, value: Any, names: Set[str]) -> None:
        """Take what code with these names reads: of a module, the attributes that it may name."""
        if isinstance(value, types.ModuleType):
            self._module(value, names)
        else:
            self.add(value)

    def _module(self, module: types.ModuleType, names: Iterable[str]) -> None:
        self._write("module", module.__name__)
        if module is importlib and "import_module" in names:
            self._unforeseen()
        if of_library(module):
            self.add(_library(module.__name__))
            return
        lazy = hasattr(module, "__getattr__")  # makes attributes when they are asked for
        for name in sorted(set(names) if lazy else set(names) & vars(module).keys()):
            value = getattr(module, name, module)
            if value is not module:
                self._write("attribute", name)
                self._reached(value, set(names) - {name})

    def _code(self, code: types.CodeType) -> None:
        """Take bytecode and constants; neither the file's name nor its line numbers."""
        self._write("code", code.co_code)
        self._write("handlers", getattr(code, "co_exceptiontable", b""))
        layout = (code.co_argcount, code.co_kwonlyargcount, code.co_flags)
        self._all("layout", (*layout, code.co_names, code.co_varnames, code.co_freevars))
        self._all("constants", code.co_consts)


def _names(code: types.CodeType) -> Iterator[str]:
    """Yield the global names and attributes of a code object and of those nested in it."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names(constant)


def _imported(code: types.CodeType, package: str) -> Iterator[Any]:
    """Yield the modules that code imports when it runs; of a library its version instead."""
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _imported(constant, package)
    if dis.opmap["IMPORT_NAME"] not in code.co_code[::2]:
        return
    instructions = [(step.opname, step.argval) for step in dis.get_instructions(code)]
    for index, (operation, name) in enumerate(instructions):
        if operation != "IMPORT_NAME":
            continue
        level = instructions[index - 2][1]  # the constants before it: level, names
        if level:
            name = importlib.util.resolve_name("." * level + name, package)
        top = name.partition(".")[0]
        if _is_library_module(top):
            yield (top, _library(top))
            continue
        before = set(sys.modules)
        try:
            with without_byte_code():
                module = importlib.import_module(name)
        except Exception as error:  # the code would meet the same error
            yield ("missing", name, type(error).__name__)
            continue
        imported.update((new, sys.modules[new]) for new in set(sys.modules) - before)
        yield module
        wanted = instructions[index - 1][1] or ()
        yield from (
            sys.modules[f"{name}.{part}"] for part in wanted if f"{name}.{part}" in sys.modules
        )


def _is_cached(kind: type, name: str) -> bool:
    """Whether an attribute only keeps what was computed from others."""
    return isinstance(getattr(kind, name, None), functools.cached_property)


@functools.cache
def _library_folders() -> tuple[str, ...]:
    paths = {sysconfig.get_paths()[key] for key in ("stdlib", "platstdlib", "purelib", "platlib")}
    paths |= {path for path in sys.path if "site-packages" in path or "dist-packages" in path}
    return tuple(f"{Path(path).resolve()}{os.sep}" for path in paths)


@functools.cache
def is_library_file(file: str) -> bool:
    """Whether a file belongs to Python or to an installed distribution other than optbench."""
    if file.startswith("<frozen"):
        return True
    path = Path(file).resolve()
    return str(path).startswith(_library_folders()) and PACKAGE not in path.parents


@functools.cache
def _is_library_module(top: str) -> bool:
    if top in sys.stdlib_module_names:
        return True
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return False
    if spec is None:
        return False
    place = spec.origin or next(iter(spec.submodule_search_locations or ()), "")
    return spec.origin == "built-in" or is_library_file(place)


def _of_library(kind: type) -> bool:
    return _is_library_module((kind.__module__ or "builtins").partition(".")[0])


def of_library(module: types.ModuleType) -> bool:
    """Whether a module belongs to Python or to an installed distribution other than optbench."""
    file = getattr(module, "__file__", None)
    return file is None or is_library_file(file)


def _library(module: str) -> str:
    """Return the version of what a module of a library belongs to."""
    return _version_of(module.partition(".")[0])


@functools.cache
def _version_of(top: str) -> str:
    if not top or top in sys.stdlib_module_names:
        return f"Python {sys.version_info[0]}.{sys.version_info[1]}"
    found = _distribution(top)
    if found is None:
        return f"{top} of no known version"
    told = found.metadata  # read from its file at each access
    name = told["Name"].lower().replace("_", "-")
    known = name in (*SOLVING_LIBRARIES, "numba", "llvmlite", "pandas")
    # a folder may be installed again and again under one version: its record has new hashes
    record = "" if known else found.read_text("RECORD") or ""
    return f"{name} {told['Version']} {hashlib.sha256(record.encode()).hexdigest()[:16]}"


def _distribution(top: str) -> importlib.metadata.Distribution | None:
    name = {"sklearn": "scikit-learn"}.get(top, top)
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        return importlib.metadata.distribution(name)
    names = importlib.metadata.packages_distributions().get(top, ())
    return importlib.metadata.distribution(names[0]) if names else None
