"""The jitted versions of products of matrices: of small networks, and of ``linear_algebra``.

A tile is a vector register of columns, or two, and up to four or eight rows: its sums stay in
registers, and the columns that are left over are a masked vector, so that nothing is done number by
number.  The order of a sum depends on the shapes alone, not on the tile.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.errors import TypingError
from numba.extending import intrinsic, lower_builtin, type_callable

from optbench.engine.compiler.cache import SYMBOLS
from optbench.engine.compiler.linked import declare, emit_call
from optbench.engine.compiler.overloads import when_compiled
from optbench.engine.compiler.vectors import (
    DOUBLE,
    INT64,
    LANES,
    add_product,
    call,
    constant,
    in_steps,
    load,
    over_vectors,
    splat,
    store,
    totals_of_zero,
)
from optbench.engine.compiler.views import view
from optbench.linear_algebra import layers, places, products
from optbench.parametrizations import matrices

PLACE = types.UniTuple(types.intp, 3)(
    types.Array(types.float64, 1, "C", readonly=True),
    types.Array(types.int64, 2, "C", readonly=True),
    types.intp,
)
ROWS = 4  # sums that do not wait for one another


@type_callable(matrices.as_matrix)
def _type_of_matrix(_context: Any) -> Any:
    def typer(vector: Any, rows: Any, columns: Any) -> Any:
        return types.Array(vector.dtype, 2, "C", readonly=not vector.mutable)

    return typer


@lower_builtin(matrices.as_matrix, types.Array, types.Integer, types.Integer)
def _as_matrix(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    vector = context.make_array(signature.args[0])(context, builder, arguments[0])
    return view(context, builder, signature.return_type, vector, vector.data, arguments[1:])


def _compile_view(plain: Any, find: Any, dimensions: int) -> None:
    """Have compiled code make a view of layer k: no function returns one, as nothing is counted."""

    symbol = declare(find, PLACE)

    @type_callable(plain)
    def _type_of_view(_context: Any) -> Any:
        def typer(vector: Any, layers: Any, k: Any) -> Any:
            return types.Array(vector.dtype, dimensions, "C", readonly=not vector.mutable)

        return typer

    @lower_builtin(plain, types.Array, types.Array, types.Integer)
    def _view(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        SYMBOLS[symbol]()
        place = emit_call(context, builder, symbol, PLACE, signature.args, arguments)
        start, *shape = cgutils.unpack_tuple(builder, place)
        vector = context.make_array(signature.args[0])(context, builder, arguments[0])
        data = builder.gep(vector.data, [start])
        kind = signature.return_type
        return view(context, builder, kind, vector, data, shape[-dimensions:])


for _plain, _find, _dimensions in (
    (layers.layer, places.place_of_layer, 2),
    (layers.rows_by_rows, places.place_of_rows_by_rows, 2),
    (layers.columns_by_columns, places.place_of_columns_by_columns, 2),
    (layers.layer_rows, places.place_of_rows, 1),
    (layers.layer_columns, places.place_of_columns, 1),
):
    _compile_view(_plain, _find, _dimensions)


class _Matrix:
    """An array argument: where its numbers are."""

    def __init__(self, context: Any, builder: Any, kind: Any, value: Any) -> None:
        array = context.make_array(kind)(context, builder, value)
        self.builder, self.data = builder, array.data
        self.rows, self.columns = cgutils.unpack_tuple(builder, array.shape)
        one = constant(1)
        self.steps = (self.columns, one) if kind.layout == "C" else (one, self.rows)

    def at(self, row: Any, column: Any) -> Any:
        """Return the address of an entry."""
        places = [
            self.builder.mul(index, step)
            for index, step in zip((row, column), self.steps, strict=True)
        ]
        return self.builder.gep(self.data, [self.builder.add(*places)])


def _over(
    builder: Any, size: Any, heights: tuple[int, ...], body: Callable[[list[Any]], None]
) -> None:
    """Emit ``body(indices)`` for as many at a time as the heights say, the largest first."""
    start: Any = constant(0)
    for height in heights:
        end = builder.and_(size, constant(-height))
        step = constant(height)
        with cgutils.for_range_slice(builder, start, end, step, intp=INT64) as (first, _):
            body([builder.add(first, constant(k)) for k in range(height)])
        start = end


def _over_columns(
    builder: Any, size: Any, width: int, body: Callable[[list[Any], Any], None]
) -> None:
    """Emit ``body(starts, mask)`` for so many vectors at a time, for one, and for the rest."""
    if width == 1:
        over_vectors(builder, size, lambda column, mask: body([column], mask))
        return
    end = in_steps(
        builder,
        size,
        width * LANES,
        lambda column: body([builder.add(column, constant(k * LANES)) for k in range(width)], None),
    )
    rest = builder.sub(size, end)
    over_vectors(builder, rest, lambda column, mask: body([builder.add(end, column)], mask))


def _sums_of_rows(builder: Any, left: _Matrix, right: _Matrix, out: _Matrix, tile: _Tile) -> None:
    """Rows of ``out`` are sums of rows of ``right``."""

    def emit(rows: list[Any], columns: list[Any], mask: Any) -> None:
        totals = [totals_of_zero(builder, len(rows)) for _ in columns]
        with cgutils.for_range(builder, right.rows, intp=INT64) as loop:
            vectors = [load(builder, right.at(loop.index, column), mask) for column in columns]
            for k, row in enumerate(rows):
                factor = splat(builder, builder.load(left.at(row, loop.index)))
                for vector, total in zip(vectors, totals, strict=True):
                    add_product(builder, factor, vector, total[k])
        for column, total in zip(columns, totals, strict=True):
            for k, row in enumerate(rows):
                store(builder, builder.load(total[k]), out.at(row, column), mask)

    def over_columns(rows: list[Any]) -> None:
        _over_columns(
            builder, right.columns, tile.vectors, lambda columns, mask: emit(rows, columns, mask)
        )

    _over(builder, left.rows, tile.rows, over_columns)


def _inner_products(builder: Any, left: _Matrix, right: _Matrix, out: _Matrix, tile: _Tile) -> None:
    """Entries of ``out`` are inner products: both factors are read along the sums."""

    def emit(rows: list[Any], columns: list[Any]) -> None:
        totals = [totals_of_zero(builder, len(columns)) for _ in rows]

        def add(place: Any, mask: Any) -> None:
            vectors = [load(builder, left.at(row, place), mask) for row in rows]
            for k, column in enumerate(columns):
                other = load(builder, right.at(place, column), mask)
                for vector, total in zip(vectors, totals, strict=True):
                    add_product(builder, other, vector, total[k])

        over_vectors(builder, left.columns, add)
        start = ir.Constant(DOUBLE, -0.0)
        for row, sums in zip(rows, totals, strict=True):
            for column, place in zip(columns, sums, strict=True):
                lanes = [start, builder.load(place)]
                total = call(
                    builder, "vector.reduce.fadd.v8f64", DOUBLE, lanes, fastmath=("reassoc",)
                )
                builder.store(total, out.at(row, column))

    def over_columns(rows: list[Any]) -> None:
        _over(builder, right.columns, (ROWS, 1), lambda columns: emit(rows, columns))

    _over(builder, left.rows, tile.inner_rows, over_columns)


class _Tile(NamedTuple):
    """How many entries of a product are summed at once."""

    rows: tuple[int, ...]  # as many as fit of the first, then of the next
    vectors: int  # of columns
    inner_rows: tuple[int, ...]  # of inner products


# Of a small network each product is another place in the code, and its matrices have few rows.
SMALL = _Tile((ROWS, 1), 1, (1,))
# Eight rows by two vectors keep up with a BLAS as far as the second-level cache goes.
LARGE = _Tile((2 * ROWS, ROWS, 1), 2, (ROWS, 1))


def _intrinsic(tile: _Tile) -> Any:
    """Return the product of two matrices with tiles of that size."""

    def multiply(_context: Any, left: Any, right: Any, out: Any) -> Any:
        if (
            out.layout != "C"
            or "A" in (left.layout, right.layout)
            or left.layout == right.layout == "F"
        ):
            raise TypingError(
                "multiply: at most one factor may be a transpose, of a contiguous matrix"
            )

        def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            factors = [
                _Matrix(context, builder, kind, value)
                for kind, value in zip(signature.args, arguments, strict=True)
            ]
            emit = _sums_of_rows if right.layout == "C" else _inner_products
            emit(builder, factors[0], factors[1], factors[2], tile)
            return context.get_dummy_value()

        return types.void(left, right, out), codegen

    return intrinsic(multiply)


when_compiled(matrices.multiply, _intrinsic(SMALL))
when_compiled(products.product, _intrinsic(LARGE))
