"""Vector registers in generated code: what the tiles of products, slices and matrices share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.core import cgutils

LANES = 8
INT32, INT64, DOUBLE = ir.IntType(32), ir.IntType(64), ir.DoubleType()
VECTOR = ir.VectorType(DOUBLE, LANES)
ZERO = ir.Constant(VECTOR, [0.0] * LANES)
ALIGNMENT = ir.Constant(INT32, 8)


def constant(value: int) -> Any:
    """Return a 64-bit integer."""
    return ir.Constant(INT64, value)


def offset(builder: Any, pointer: Any, *terms: Any) -> Any:
    """Return a pointer moved by the sum of some numbers of elements."""
    for term in terms:
        pointer = builder.gep(pointer, [term])
    return pointer


def data_and_shape(context: Any, builder: Any, kind: Any, value: Any) -> tuple[Any, list[Any]]:
    """Return an array argument's data pointer and shape."""
    array = context.make_array(kind)(context, builder, value)
    return array.data, cgutils.unpack_tuple(builder, array.shape)


def call(builder: Any, name: str, result: Any, arguments: list[Any], **flags: Any) -> Any:
    """Call one of LLVM's own functions."""
    kind = ir.FunctionType(result, [argument.type for argument in arguments])
    function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.{name}")
    return builder.call(function, arguments, **flags)


def load(builder: Any, pointer: Any, mask: Any = None) -> Any:
    """Load eight numbers; where a mask is false, 0."""
    if mask is None:
        return builder.load(builder.bitcast(pointer, VECTOR.as_pointer()), align=8)
    return call(builder, "masked.load.v8f64.p0", VECTOR, [pointer, ALIGNMENT, mask, ZERO])


def store(builder: Any, value: Any, pointer: Any, mask: Any = None) -> None:
    """Store eight numbers; none where a mask is false."""
    if mask is None:
        builder.store(value, builder.bitcast(pointer, VECTOR.as_pointer()), align=8)
    else:
        call(builder, "masked.store.v8f64.p0", ir.VoidType(), [value, pointer, ALIGNMENT, mask])


def splat(builder: Any, scalar: Any, kind: Any = VECTOR) -> Any:
    """Return a vector whose lanes are all ``scalar``."""
    undefined = ir.Constant(kind, ir.Undefined)
    lane = builder.insert_element(undefined, scalar, ir.Constant(INT32, 0))
    zeros = ir.Constant(ir.VectorType(INT32, LANES), [0] * LANES)
    return builder.shuffle_vector(lane, undefined, zeros)


def first_lanes(builder: Any, count: Any) -> Any:
    """Return a mask of the first ``count`` lanes: none below 1, all from 8 on."""
    wide = ir.VectorType(INT64, LANES)
    numbers = ir.Constant(wide, list(range(LANES)))
    return builder.icmp_signed("<", numbers, splat(builder, count, wide))


def shuffle(builder: Any, first: Any, second: Any, lanes: list[int]) -> Any:
    """Return the chosen lanes of two vectors."""
    mask = ir.Constant(ir.VectorType(INT32, len(lanes)), lanes)
    return builder.shuffle_vector(first, second, mask)


def totals_of_zero(builder: Any, count: int) -> list[Any]:
    """Return places of sums, which LLVM keeps in registers."""
    places = [cgutils.alloca_once(builder, VECTOR) for _ in range(count)]
    for place in places:
        builder.store(ZERO, place)
    return places


def add_product(builder: Any, a: Any, b: Any, total: Any) -> None:
    """Emit ``total += a * b`` with one rounding."""
    product = call(builder, f"fma.v{LANES}f64", VECTOR, [a, b, builder.load(total)])
    builder.store(product, total)


def lane_totals(builder: Any, parts: list[Any]) -> Any:
    """Return the vector of the sums over the lanes of eight vectors."""
    # Three times halve the lanes of each sum and join those of two vectors in one.
    for half in (4, 2, 1):
        low = [lane for lane in range(2 * LANES) if not lane & half]
        high = [lane + half for lane in low]
        middle = len(parts) // 2
        parts = [
            builder.fadd(*(shuffle(builder, first, second, chosen) for chosen in (low, high)))
            for first, second in zip(parts[:middle], parts[middle:], strict=True)
        ]
    # the bits of a lane's number are those of its vector in reverse order: undo it
    return shuffle(builder, parts[0], parts[0], [0, 4, 2, 6, 1, 5, 3, 7])


def in_steps(builder: Any, size: Any, step: int, body: Callable[[Any], None]) -> Any:
    """Emit ``body`` for 0, step, ... as often as whole steps fit; return where they end."""
    end = builder.and_(size, constant(-step))
    zero, width = constant(0), constant(step)
    with cgutils.for_range_slice(builder, zero, end, width, intp=INT64) as (start, _):
        body(start)
    return end


def over_vectors(builder: Any, size: Any, body: Callable[[Any, Any], None]) -> None:
    """Emit ``body(start, mask)`` for whole vectors (no mask) and for what is left over."""
    end = in_steps(builder, size, LANES, lambda start: body(start, None))
    left = builder.sub(size, end)
    with builder.if_then(builder.icmp_signed(">", left, constant(0))):
        body(end, first_lanes(builder, left))
