"""The jitted versions of :mod:`optbench.parametrizations.matrices`.

A tile is one vector register of columns and up to four rows: its sums stay in registers, and the
columns that are left over are a masked vector, so that nothing is done number by number.  The
order of a sum depends on the shapes alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.errors import TypingError
from numba.extending import intrinsic, lower_builtin, overload, type_callable
from numba.np.arrayobj import populate_array

from optbench.parametrizations import matrices

LANES = 8
ROWS = 4  # sums that do not wait for one another

_INT64, _INT32, _DOUBLE = ir.IntType(64), ir.IntType(32), ir.DoubleType()
_VECTOR, _MASK = ir.VectorType(_DOUBLE, LANES), ir.VectorType(ir.IntType(1), LANES)
_ZERO = ir.Constant(_VECTOR, [0.0] * LANES)
_ALIGNMENT = ir.Constant(_INT32, 8)


@type_callable(matrices.as_matrix)
def _type_of_matrix(_context: Any) -> Any:
    def typer(vector: Any, rows: Any, columns: Any) -> Any:
        return types.Array(vector.dtype, 2, "C")

    return typer


@lower_builtin(matrices.as_matrix, types.Array, types.Integer, types.Integer)
def _as_matrix(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    vector = context.make_array(signature.args[0])(context, builder, arguments[0])
    result = context.make_array(signature.return_type)(context, builder)
    size = context.get_constant(types.intp, 8)
    populate_array(
        result,
        data=vector.data,
        shape=arguments[1:],
        strides=[builder.mul(arguments[2], size), size],
        itemsize=size,
        meminfo=vector.meminfo,
    )
    return result._getvalue()


class _Matrix:
    """An array argument: where its numbers are."""

    def __init__(self, context: Any, builder: Any, kind: Any, value: Any) -> None:
        array = context.make_array(kind)(context, builder, value)
        self.builder, self.data = builder, array.data
        self.rows, self.columns = cgutils.unpack_tuple(builder, array.shape)
        one = ir.Constant(_INT64, 1)
        self.steps = (self.columns, one) if kind.layout == "C" else (one, self.rows)

    def at(self, row: Any, column: Any) -> Any:
        """Return the address of an entry."""
        places = [
            self.builder.mul(index, step)
            for index, step in zip((row, column), self.steps, strict=True)
        ]
        return self.builder.gep(self.data, [self.builder.add(*places)])


def _call(builder: Any, name: str, result: Any, arguments: list[Any], **flags: Any) -> Any:
    kind = ir.FunctionType(result, [argument.type for argument in arguments])
    function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.{name}")
    return builder.call(function, arguments, **flags)


def _splat(builder: Any, scalar: Any, kind: Any = _VECTOR) -> Any:
    lane = builder.insert_element(ir.Constant(kind, ir.Undefined), scalar, ir.Constant(_INT32, 0))
    zeros = ir.Constant(ir.VectorType(_INT32, LANES), [0] * LANES)
    return builder.shuffle_vector(lane, lane, zeros)


def _load(builder: Any, place: Any, mask: Any) -> Any:
    if mask is None:
        return builder.load(builder.bitcast(place, _VECTOR.as_pointer()), align=8)
    return _call(builder, "masked.load.v8f64.p0", _VECTOR, [place, _ALIGNMENT, mask, _ZERO])


def _store(builder: Any, value: Any, place: Any, mask: Any) -> None:
    if mask is None:
        builder.store(value, builder.bitcast(place, _VECTOR.as_pointer()), align=8)
    else:
        _call(builder, "masked.store.v8f64.p0", ir.VoidType(), [value, place, _ALIGNMENT, mask])


def _add_product(builder: Any, a: Any, b: Any, total: Any) -> None:
    builder.store(_call(builder, "fma.v8f64", _VECTOR, [a, b, builder.load(total)]), total)


def _totals(builder: Any, count: int) -> list[Any]:
    places = [cgutils.alloca_once(builder, _VECTOR) for _ in range(count)]
    for place in places:
        builder.store(_ZERO, place)
    return places


def _in_steps(builder: Any, size: Any, step: int, body: Callable[[Any], None]) -> Any:
    """Emit ``body`` for 0, step, ... as often as whole steps fit; return where they end."""
    end = builder.and_(size, ir.Constant(_INT64, -step))
    zero, width = ir.Constant(_INT64, 0), ir.Constant(_INT64, step)
    with cgutils.for_range_slice(builder, zero, end, width, intp=_INT64) as (start, _):
        body(start)
    return end


def _over_vectors(builder: Any, size: Any, body: Callable[[Any, Any], None]) -> None:
    """Emit ``body(start, mask)`` for whole vectors (no mask) and for what is left over."""
    end = _in_steps(builder, size, LANES, lambda start: body(start, None))
    left = builder.sub(size, end)
    with builder.if_then(builder.icmp_signed(">", left, ir.Constant(_INT64, 0))):
        indices = ir.VectorType(_INT64, LANES)
        lanes = ir.Constant(indices, list(range(LANES)))
        body(end, builder.icmp_signed("<", lanes, _splat(builder, left, indices)))


def _over_rows(builder: Any, size: Any, body: Callable[[list[Any]], None]) -> None:
    """Emit ``body(rows)`` for four rows at a time and one by one for what is left over."""

    def four(start: Any) -> None:
        body([builder.add(start, ir.Constant(_INT64, row)) for row in range(ROWS)])

    end = _in_steps(builder, size, ROWS, four)
    with cgutils.for_range(builder, size, start=end, intp=_INT64) as loop:
        body([loop.index])


def _sums_of_rows(builder: Any, left: _Matrix, right: _Matrix, out: _Matrix) -> None:
    """Rows of ``out`` are sums of rows of ``right``."""

    def tile(rows: list[Any], column: Any, mask: Any) -> None:
        totals = _totals(builder, len(rows))
        with cgutils.for_range(builder, right.rows, intp=_INT64) as loop:
            vector = _load(builder, right.at(loop.index, column), mask)
            for row, total in zip(rows, totals, strict=True):
                factor = _splat(builder, builder.load(left.at(row, loop.index)))
                _add_product(builder, factor, vector, total)
        for row, total in zip(rows, totals, strict=True):
            _store(builder, builder.load(total), out.at(row, column), mask)

    _over_rows(
        builder,
        left.rows,
        lambda rows: _over_vectors(
            builder, right.columns, lambda column, mask: tile(rows, column, mask)
        ),
    )


def _inner_products(builder: Any, left: _Matrix, right: _Matrix, out: _Matrix) -> None:
    """Entries of ``out`` are inner products: both factors are read along the sums."""

    def tile(row: Any, columns: list[Any]) -> None:
        totals = _totals(builder, len(columns))

        def add(place: Any, mask: Any) -> None:
            vector = _load(builder, left.at(row, place), mask)
            for column, total in zip(columns, totals, strict=True):
                _add_product(builder, _load(builder, right.at(place, column), mask), vector, total)

        _over_vectors(builder, left.columns, add)
        start = ir.Constant(_DOUBLE, -0.0)
        for column, total in zip(columns, totals, strict=True):
            lanes = [start, builder.load(total)]
            total = _call(
                builder, "vector.reduce.fadd.v8f64", _DOUBLE, lanes, fastmath=("reassoc",)
            )
            builder.store(total, out.at(row, column))

    with cgutils.for_range(builder, left.rows, intp=_INT64) as loop:
        _over_rows(builder, right.columns, lambda columns: tile(loop.index, columns))


@intrinsic
def _multiply(_context: Any, left: Any, right: Any, out: Any) -> Any:
    if (
        out.layout != "C"
        or "A" in (left.layout, right.layout)
        or left.layout == right.layout == "F"
    ):
        raise TypingError("multiply: at most one factor may be a transpose, of a contiguous matrix")

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        factors = [
            _Matrix(context, builder, kind, value)
            for kind, value in zip(signature.args, arguments, strict=True)
        ]
        emit = _sums_of_rows if right.layout == "C" else _inner_products
        emit(builder, *factors)
        return context.get_dummy_value()

    return types.void(left, right, out), codegen


@overload(matrices.multiply, strict=False)
def _jitted_multiply(left: Any, right: Any, out: Any) -> Any:
    def implementation(left: Any, right: Any, out: Any) -> None:
        _multiply(left, right, out)

    return implementation
