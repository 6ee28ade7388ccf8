"""How plain Python functions are compiled into those that call them.

Numba optimizes each compiled function, turns it into machine code, and does so again for whatever
it is inlined into: what is nested six deep is optimized six times.  The functions that are marked
here are only ever parts of others, and optimized once, in the outermost one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
from llvmlite import binding
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler_machinery import register_pass
from numba.core.typed_passes import NativeLowering
from numba.extending import overload, register_jitable

from optbench.engine.compiler.wide import UNROLLED, MarkingLower, OwnLowering


class _PartLibrary(JITCodeLibrary):
    """Code that others link: neither optimized nor made executable by itself."""

    def _optimize_final_module(self) -> None:
        pass

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        # Numba writes the address of a function's environment to a variable of its name, unseen:
        # it must be there
        names = (value.name for value in self._final_module.global_variables)
        environments = [name for name in names if name.startswith("_ZN08NumbaEnv")]
        if not environments:
            raise RuntimeError(
                "optbench does not know where this version of Numba keeps environments"
            )
        module = binding.parse_assembly(
            "\n".join(f'@"{name}" = common global i64 0' for name in environments)
        )
        module.data_layout, module.triple = self._codegen._data_layout, self._final_module.triple
        self._codegen._add_module(module)
        self._finalized = True


@register_pass(mutates_CFG=True, analysis_only=False)
class _PartLowering(NativeLowering):
    _name = "part_native_lowering"

    def run_pass(self, state: Any) -> bool:
        state.library = _PartLibrary(state.targetctx.codegen(), state.func_id.func_qualname)
        return super().run_pass(state)


@register_pass(mutates_CFG=True, analysis_only=False)
class _UncheckedLowering(_PartLowering):
    _name = "unchecked_native_lowering"

    def run_pass(self, state: Any) -> bool:
        before = numba.config.BOUNDSCHECK
        numba.config.BOUNDSCHECK = None  # Numba reads it here, for one function
        try:
            return super().run_pass(state)
        finally:
            numba.config.BOUNDSCHECK = before


class PartCompiler(OwnLowering):
    """Leaves the rest to the callers."""

    lowering = _PartLowering


class _UnrolledLower(MarkingLower):
    mark = UNROLLED


@register_pass(mutates_CFG=True, analysis_only=False)
class _UnrolledLowering(_PartLowering):
    _name = "unrolled_native_lowering"

    @property
    def lowering_class(self) -> Any:
        return _UnrolledLower


class UnrolledPart(OwnLowering):
    """Leaves the rest to the callers, and asks that no loop be left: each is over a few outputs."""

    lowering = _UnrolledLowering


class UncheckedCompiler(OwnLowering):
    """Tests no index, also where the kernel that calls tests its own."""

    lowering = _UncheckedLowering


# ``@called``: compiled with whatever calls it.
CALLED = {"no_cfunc_wrapper": True, "pipeline_class": PartCompiler}
called = register_jitable(**CALLED)
# ``@unchecked``: the same, and inside whatever its caller does; it tests the shapes that it gets.
unchecked = register_jitable(**{**CALLED, "pipeline_class": UncheckedCompiler})

# ``@inlined``: compiled into it.  A function that is called copies every array that it is passed,
# seven numbers each: too much for what is done once for each block of rows.
INLINED = {"forceinline": True, **CALLED}
inlined = register_jitable(**INLINED)

# ``@unrolled``: inlined, without a loop.
unrolled = register_jitable(forceinline=True, no_cfunc_wrapper=True, pipeline_class=UnrolledPart)


def when_compiled(plain: Callable[..., Any], call: Callable[..., Any]) -> None:
    """Have compiled code call an intrinsic where it says ``plain``; plain Python keeps that."""

    @overload(plain, strict=False, jit_options=INLINED)
    def _implementation(*_types: Any) -> Callable[..., Any]:
        return lambda *arguments: call(*arguments)
