"""Compile with vectors as wide as the processor's registers.

LLVM uses 256 of the 512 bits of AVX-512 registers unless a function says otherwise: exponentials
then take 1.4 times as long.  The attribute is set on optbench's own functions as they are
lowered; no setting of Numba changes, and a processor without such registers ignores it.
"""

from __future__ import annotations

from typing import Any

from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import register_pass
from numba.core.lowering import Lower
from numba.core.typed_passes import NativeLowering

ATTRIBUTE = '"prefer-vector-width"="512"'


class _WideLower(Lower):
    def pre_lower(self) -> None:
        super().pre_lower()
        # llvmlite knows no attributes in quotes: its own `add` would refuse this one
        set.add(self.builder.function.attributes, ATTRIBUTE)


@register_pass(mutates_CFG=True, analysis_only=False)
class _WideLowering(NativeLowering):
    _name = "wide_native_lowering"

    @property
    def lowering_class(self) -> Any:
        return _WideLower


class WideVectors(CompilerBase):
    """Numba's own pipeline, whose last pass sets the attribute."""

    def define_pipelines(self) -> list[Any]:
        """Return the pipeline with its lowering replaced."""
        manager = DefaultPassBuilder.define_nopython_pipeline(self.state)
        manager.passes = [
            (_WideLowering if step is NativeLowering else step, text)
            for step, text in manager.passes
        ]
        manager.finalize()
        return [manager]
