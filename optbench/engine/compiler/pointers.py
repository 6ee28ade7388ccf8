"""Pass the loop's named tuples by address: a call costs a pointer, not a hundred numbers.

Numba passes a named tuple of arrays field by field, and each array as seven or nine numbers.  A
:class:`PointerTo` a named tuple reads like the tuple in kernels (``runs.theta``); Python passes
the tuple itself.  Its memory is written once, when Python calls, so that LLVM may keep what it
has read.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.datamodel import models
from numba.core.imputils import impl_ret_borrowed, lower_getattr_generic
from numba.core.typing.templates import AttributeTemplate, infer_getattr
from numba.extending import NativeValue, register_model, unbox


class PointerTo(types.Type):
    """The type of a named tuple that is passed by address."""

    def __init__(self, pointed: Any) -> None:
        self.pointed = pointed
        super().__init__(f"PointerTo({pointed})")


@register_model(PointerTo)
class _PointerModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        pointed = manager.lookup(kind.pointed).get_value_type()
        super().__init__(manager, kind, pointed.as_pointer())


@infer_getattr
class _Fields(AttributeTemplate):
    key = PointerTo

    def generic_resolve(self, kind: Any, name: str) -> Any:
        tuple_type = kind.pointed
        if name in tuple_type.fields:
            return tuple_type[tuple_type.fields.index(name)]
        return None


@lower_getattr_generic(PointerTo)
def _field(context: Any, builder: Any, kind: Any, pointer: Any, name: str) -> Any:
    index = kind.pointed.fields.index(name)
    value = _load(builder, cgutils.gep_inbounds(builder, pointer, 0, index))
    return impl_ret_borrowed(context, builder, kind.pointed[index], value)


def _load(builder: Any, pointer: Any) -> Any:
    """Load number by number, each marked as never changing."""
    kind = pointer.type.pointee
    if not isinstance(kind, ir.Aggregate):
        number = builder.load(pointer)
        number.set_metadata("invariant.load", builder.module.add_metadata([]))
        return number
    value = ir.Constant(kind, ir.Undefined)
    for k in range(len(kind)):
        part = _load(builder, cgutils.gep_inbounds(builder, pointer, 0, k))
        value = builder.insert_value(value, part, k)
    return value


@unbox(PointerTo)
def _unbox(kind: Any, value: Any, c: Any) -> Any:
    native = c.unbox(kind.pointed, value)
    place = cgutils.alloca_once_value(c.builder, native.value)
    return NativeValue(place, is_error=native.is_error, cleanup=native.cleanup)
