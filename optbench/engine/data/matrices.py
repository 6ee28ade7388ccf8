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
from numba.extending import intrinsic, lower_builtin, type_callable

from optbench.engine.compiler.overloads import when_compiled
from optbench.engine.compiler.vectors import (
    DOUBLE,
    INT64,
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
from optbench.parametrizations import matrices

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


def _over_rows(builder: Any, size: Any, body: Callable[[list[Any]], None]) -> None:
    """Emit ``body(rows)`` for four rows at a time and one by one for what is left over."""

    def four(start: Any) -> None:
        body([builder.add(start, constant(row)) for row in range(ROWS)])

    end = in_steps(builder, size, ROWS, four)
    with cgutils.for_range(builder, size, start=end, intp=INT64) as loop:
        body([loop.index])


def _sums_of_rows(builder: Any, left: _Matrix, right: _Matrix, out: _Matrix) -> None:
    """Rows of ``out`` are sums of rows of ``right``."""

    def tile(rows: list[Any], column: Any, mask: Any) -> None:
        totals = totals_of_zero(builder, len(rows))
        with cgutils.for_range(builder, right.rows, intp=INT64) as loop:
            vector = load(builder, right.at(loop.index, column), mask)
            for row, total in zip(rows, totals, strict=True):
                factor = splat(builder, builder.load(left.at(row, loop.index)))
                add_product(builder, factor, vector, total)
        for row, total in zip(rows, totals, strict=True):
            store(builder, builder.load(total), out.at(row, column), mask)

    _over_rows(
        builder,
        left.rows,
        lambda rows: over_vectors(
            builder, right.columns, lambda column, mask: tile(rows, column, mask)
        ),
    )


def _inner_products(builder: Any, left: _Matrix, right: _Matrix, out: _Matrix) -> None:
    """Entries of ``out`` are inner products: both factors are read along the sums."""

    def tile(row: Any, columns: list[Any]) -> None:
        totals = totals_of_zero(builder, len(columns))

        def add(place: Any, mask: Any) -> None:
            vector = load(builder, left.at(row, place), mask)
            for column, total in zip(columns, totals, strict=True):
                add_product(builder, load(builder, right.at(place, column), mask), vector, total)

        over_vectors(builder, left.columns, add)
        start = ir.Constant(DOUBLE, -0.0)
        for column, total in zip(columns, totals, strict=True):
            lanes = [start, builder.load(total)]
            total = call(builder, "vector.reduce.fadd.v8f64", DOUBLE, lanes, fastmath=("reassoc",))
            builder.store(total, out.at(row, column))

    with cgutils.for_range(builder, left.rows, intp=INT64) as loop:
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


when_compiled(matrices.multiply, _multiply)
