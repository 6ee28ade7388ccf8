"""Plain functions that a plug-in's kernel calls: compiled with it, without a decorator.

Whatever is compiled here makes known to Numba the functions that it names, those that these name as
well: beside the kernel, in another file, in a closure.  Where machine code is found in the cache
nothing of it happens.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator
from typing import Any

from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.extending import register_jitable

from optbench.engine.compiler.overloads import INLINED, PartCompiler
from optbench.engine.compiler.wide import MaskedVectors
from optbench.identity import is_library_file, of_library


def named_by(function: Callable[..., Any]) -> Iterator[Any]:
    """Yield what a function's code reads from outside of it: globals, closures, attributes."""
    names = set(function.__code__.co_names)
    found = [function.__globals__[name] for name in names & function.__globals__.keys()]
    for cell in function.__closure__ or ():
        try:
            found.append(cell.cell_contents)
        except ValueError:  # a name that is not bound yet
            continue
    for value in found:
        yield value
        if isinstance(value, types.ModuleType) and not of_library(value):
            yield from (vars(value)[name] for name in names & vars(value).keys())


def _is_plain(value: Any) -> bool:
    """Whether something is a function that nobody has compiled, and no library's."""
    return isinstance(value, types.FunctionType) and not is_library_file(value.__code__.co_filename)


def helpers_of(kernel: Callable[..., Any]) -> list[types.FunctionType]:
    """Return the plain functions of the user's that a kernel calls, and those that they call."""
    found: dict[types.FunctionType, None] = {}
    left: list[Callable[..., Any]] = [kernel]
    while left:
        for value in named_by(left.pop()):
            if _is_plain(value) and value not in found:
                found[value] = None
                left.append(value)
    return list(found)


def _make_known(state: Any) -> None:
    """Let Numba compile the plain functions that the present one names."""
    context = state.typingctx
    unknown = []
    for value in filter(_is_plain, named_by(state.func_id.func)):
        try:
            context.resolve_value_type(value)
        except ValueError:
            unknown.append(register_jitable(**HELPER)(value))
    if unknown:
        context.refresh()
        state.targetctx.refresh()


class Kernel(CompilerBase):
    """A kernel that calls plain functions."""

    def define_pipelines(self) -> list[Any]:
        """Return Numba's own pipeline."""
        _make_known(self.state)
        return [DefaultPassBuilder.define_nopython_pipeline(self.state)]


class MaskedKernel(MaskedVectors):
    """The same with masked vectors."""

    def define_pipelines(self) -> list[Any]:
        """Return the pipeline of masked vectors."""
        _make_known(self.state)
        return super().define_pipelines()


class _Helper(PartCompiler):
    def define_pipelines(self) -> list[Any]:
        _make_known(self.state)
        return super().define_pipelines()


HELPER = {
    **INLINED,
    "pipeline_class": _Helper,
    "error_model": "numpy",
    "fastmath": {"contract"},
    "_nrt": False,
}
