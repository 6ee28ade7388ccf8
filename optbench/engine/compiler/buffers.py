"""Arrays on the stack, and eight rows of several outputs moved there and back.

The row loss of several outputs reads and writes a few numbers a row.  Their places are on the
stack, of a size that is known: LLVM keeps them in registers, of eight rows at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, lower_builtin, type_callable
from numba.np.arrayobj import populate_array

from optbench.engine.compiler.overloads import when_compiled
from optbench.engine.compiler.vectors import (
    DOUBLE,
    LANES,
    constant,
    data_and_shape,
    first_lanes,
    load,
    offset,
    store,
)


def stack_vector(size: int) -> Callable[[], np.ndarray]:
    """Return what makes a vector of ``size`` numbers that lives as long as its caller runs."""

    def make() -> np.ndarray:
        return np.zeros(size)

    kind = types.Array(types.float64, 1, "C")

    @type_callable(make)
    def _type(_context: Any) -> Any:
        return lambda: kind

    @lower_builtin(make)
    def _lower(context: Any, builder: Any, _signature: Any, _arguments: Any) -> Any:
        data = cgutils.alloca_once(builder, DOUBLE, size=constant(size))
        result, item = context.make_array(kind)(context, builder), constant(8)
        nobody = ir.Constant(cgutils.voidptr_t, None)
        populate_array(
            result, data=data, shape=[constant(size)], strides=[item], itemsize=item, meminfo=nobody
        )
        return result._getvalue()

    return make


def _mover(outputs: int, inward: bool) -> Any:
    @intrinsic
    def move(_context: Any, source: Any, place: Any, stride: Any, rows: Any, block: Any) -> Any:
        integer = types.int64
        signature = types.void(source, integer, integer, integer, block)

        def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            far, _ = data_and_shape(context, builder, sig.args[0], args[0])
            near, _ = data_and_shape(context, builder, sig.args[4], args[4])
            mask = first_lanes(builder, args[3])
            for c in range(outputs):
                skipped = builder.mul(args[2], constant(c))
                there, here = offset(builder, far, args[1], skipped), constant(c * LANES)
                if inward:
                    store(builder, load(builder, there, mask), offset(builder, near, here))
                else:
                    store(builder, load(builder, offset(builder, near, here)), there, mask)
            return context.get_dummy_value()

        return signature, codegen

    return move


def movers(outputs: int) -> tuple[Callable[..., None], Callable[..., None]]:
    """Return what copies eight rows of each output to a block, and back.

    ``read(vector, place, stride, rows, block)``: those of output c begin at ``place + c stride`` of
    ``vector`` and at ``8 c`` of the block.  Of fewer ``rows`` the rest is 0 in the block, and is
    not written back.
    """

    def read(vector, place, stride, rows, block):  # type: ignore[no-untyped-def]
        for c in range(outputs):
            own, first = block[c * LANES : (c + 1) * LANES], place + c * stride
            own[:rows], own[rows:] = vector[first : first + min(rows, LANES)], 0.0

    def write(vector, place, stride, rows, block):  # type: ignore[no-untyped-def]
        for c in range(outputs):
            count, first = min(rows, LANES), place + c * stride
            vector[first : first + count] = block[c * LANES : c * LANES + count]

    when_compiled(read, _mover(outputs, inward=True))
    when_compiled(write, _mover(outputs, inward=False))
    return read, write
