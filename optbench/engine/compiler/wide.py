"""Compile with vectors as wide as the processor's registers.

LLVM uses 256 of the 512 bits of AVX-512 registers unless a function says otherwise: exponentials
then take 1.4 times as long.  The attribute is set on optbench's own functions as they are
lowered; no setting of Numba changes, and a processor without such registers ignores it.

What is left over after whole vectors LLVM computes number by number: of 30 features six.  Where
that is an exponential, :class:`MaskedVectors` asks for one masked vector instead.  Loops over the
few outputs of a row are :data:`UNROLLED`: what is left is a loop over rows, which has vectors.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir as llvm_ir
from numba.core import ir
from numba.core.codegen import get_host_cpu_features
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import register_pass
from numba.core.lowering import Lower
from numba.core.typed_passes import NativeLowering

ATTRIBUTE = '"prefer-vector-width"="512"'
MASKED, UNROLLED = "llvm.loop.vectorize.predicate.enable", "llvm.loop.unroll.full"
HAS_MASKS = "+avx512f" in get_host_cpu_features()


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


class MarkingLower(_WideLower):
    """Marks every loop for LLVM."""

    mark: str
    values: tuple[Any, ...] = ()

    def lower_inst(self, inst: Any) -> None:
        """Add the mark to the jump that closes a loop."""
        super().lower_inst(inst)
        closes_a_loop = isinstance(inst, ir.Jump) and self.blkmap[inst.target].is_terminated
        if closes_a_loop:
            module = self.builder.module
            name = llvm_ir.MetaDataString(module, self.mark)
            mark = module.add_metadata([name, *self.values])
            loop = llvm_ir.MDValue(module, [], name=str(len(module.metadata)))
            loop.operands = (loop, mark)  # a loop is named by a node that contains itself
            self.builder.block.terminator.set_metadata("llvm.loop", loop)


class _MaskedLower(MarkingLower):
    mark = MASKED
    values = (llvm_ir.Constant(llvm_ir.IntType(1), 1),)


@register_pass(mutates_CFG=True, analysis_only=False)
class _MaskedLowering(NativeLowering):
    _name = "masked_native_lowering"

    @property
    def lowering_class(self) -> Any:
        return _MaskedLower


class OwnLowering(CompilerBase):
    """Numba's own pipeline with another last pass."""

    lowering: type[NativeLowering]

    def define_pipelines(self) -> list[Any]:
        """Return the pipeline with its lowering replaced."""
        manager = DefaultPassBuilder.define_nopython_pipeline(self.state)
        manager.passes = [
            (self.lowering if step is NativeLowering else step, text)
            for step, text in manager.passes
        ]
        manager.finalize()
        return [manager]


class WideVectors(OwnLowering):
    """Sets the attribute."""

    lowering = _WideLowering


class MaskedVectors(OwnLowering):
    """Sets the attribute and marks every loop."""

    lowering = _MaskedLowering
