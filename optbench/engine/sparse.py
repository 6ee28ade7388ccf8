"""Loss and gradient of a batch of runs on CSR data: one pass over the rows a step.

Eight runs at a time lie side by side in a vector register, so that every stored entry of the
matrix is read once for eight runs; what is left over runs alone.  Either way a run's sums are
formed in the order of the entries: its bits do not depend on the batch.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload, register_jitable

from optbench.engine.objective import LN2, add_losses
from optbench.engine.products import BLOCK_ROWS, LANES, _array, _constant, _splat
from optbench.engine.types import Data, Kernels, Runs, Scratch, call_slopes

STRIDES = 4  # a row's sum is formed in four strides, which hides the latency of an addition


def _kind(lanes: int) -> Any:
    return ir.DoubleType() if lanes == 1 else ir.VectorType(ir.DoubleType(), lanes)


def _fma(builder: Any, a: Any, b: Any, c: Any) -> Any:
    name = "llvm.fma.f64" if a.type == ir.DoubleType() else f"llvm.fma.v{a.type.count}f64"
    function = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(a.type, [a.type] * 3), name
    )
    return builder.call(function, [a, b, c])


def _place(builder: Any, base: Any, index: Any, lanes: int) -> Any:
    """Return the address of the numbers of all lanes at an index."""
    place = builder.gep(base, [builder.mul(index, _constant(lanes))])
    return builder.bitcast(place, _kind(lanes).as_pointer())


def _entry(builder: Any, values: Any, columns: Any, entry: Any, lanes: int) -> tuple[Any, Any]:
    """Return an entry's value in every lane, and its column."""
    value = builder.load(builder.gep(values, [entry]))
    column = builder.zext(builder.load(builder.gep(columns, [entry])), entry.type)
    return (value if lanes == 1 else _splat(builder, value)), column


def _predictions_intrinsic(lanes: int) -> Any:
    @intrinsic
    def product(
        _context: Any, values: Any, columns: Any, begin: Any, end: Any, w: Any, out: Any, row: Any
    ) -> Any:
        signature = types.void(values, columns, types.int64, types.int64, w, out, types.int64)

        def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            entries, places, weights, result = (
                _array(context, builder, sig.args[k], args[k])[0] for k in (0, 1, 4, 5)
            )
            totals = [cgutils.alloca_once(builder, _kind(lanes)) for _ in range(STRIDES)]
            for total in totals:
                builder.store(cgutils.get_null_value(_kind(lanes)), total)

            def add(entry: Any, total: Any) -> None:
                value, column = _entry(builder, entries, places, entry, lanes)
                weight = builder.load(_place(builder, weights, column, lanes), align=8)
                builder.store(_fma(builder, value, weight, builder.load(total)), total)

            count = builder.sub(args[3], args[2])
            left = builder.urem(count, _constant(STRIDES))
            whole = builder.add(args[2], builder.sub(count, left))
            with cgutils.for_range_slice(builder, args[2], whole, _constant(STRIDES)) as (entry, _):
                for k, total in enumerate(totals):
                    add(builder.add(entry, _constant(k)), total)
            with cgutils.for_range_slice(builder, whole, args[3], _constant(1)) as (entry, _):
                add(entry, totals[0])
            first, second, third, fourth = (builder.load(total) for total in totals)
            value = builder.fadd(builder.fadd(first, second), builder.fadd(third, fourth))
            builder.store(value, _place(builder, result, args[6], lanes), align=8)
            return context.get_dummy_value()

        return signature, codegen

    return product


def _gradient_intrinsic(lanes: int) -> Any:
    @intrinsic
    def update(
        _context: Any,
        values: Any,
        columns: Any,
        begin: Any,
        end: Any,
        slopes: Any,
        row: Any,
        sums: Any,
    ) -> Any:
        signature = types.void(values, columns, types.int64, types.int64, slopes, types.int64, sums)

        def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            entries, places, slope, totals = (
                _array(context, builder, sig.args[k], args[k])[0] for k in (0, 1, 4, 6)
            )
            r = builder.load(_place(builder, slope, args[5], lanes), align=8)
            with cgutils.for_range_slice(builder, args[2], args[3], _constant(1)) as (entry, _):
                value, column = _entry(builder, entries, places, entry, lanes)
                place = _place(builder, totals, column, lanes)
                builder.store(_fma(builder, value, r, builder.load(place, align=8)), place, align=8)
            return context.get_dummy_value()

        return signature, codegen

    return update


_row_of_eight, _row_of_one = _predictions_intrinsic(LANES), _predictions_intrinsic(1)
_update_of_eight, _update_of_one = _gradient_intrinsic(LANES), _gradient_intrinsic(1)


def predictions_row(values, columns, begin, end, w, out, row):
    """Write out[row] = sum over entries of value * w[column], for eight runs or one."""
    out[row] = values[begin:end] @ w[columns[begin:end]]


def gradient_row(values, columns, begin, end, slopes, row, sums):
    """Add value * slopes[row] to sums[column] for every entry, for eight runs or one."""
    for entry in range(begin, end):
        sums[columns[entry]] += values[entry] * slopes[row]


@overload(predictions_row, strict=False)
def _jitted_predictions_row(values, columns, begin, end, w, out, row):
    jitted = _row_of_eight if w.ndim == 2 else _row_of_one

    def implementation(values, columns, begin, end, w, out, row):
        jitted(values, columns, begin, end, w, out, row)

    return implementation


@overload(gradient_row, strict=False)
def _jitted_gradient_row(values, columns, begin, end, slopes, row, sums):
    jitted = _update_of_eight if sums.ndim == 2 else _update_of_one

    def implementation(values, columns, begin, end, slopes, row, sums):
        jitted(values, columns, begin, end, slopes, row, sums)

    return implementation


def sparse_objective(want_loss, kernels: Kernels, data: Data, scratch: Scratch, runs: Runs):
    """Evaluate CSR data, 128 rows at a time, each batch of runs while those rows are in cache."""
    count, features = runs.w.shape
    gradient = runs.gradient_w
    for run in range(count):
        runs.loss[run] = 0.0
        runs.lowest[run] = np.inf
    run = 0
    while run < count:
        together = LANES if run + LANES <= count else 1
        if together == LANES:
            weights, sums = scratch.sums[run], scratch.sums[run + 1]
            for j in range(features):
                for q in range(LANES):
                    weights[j, q] = runs.w[run + q, j]
                    sums[j, q] = 0.0
        else:
            gradient[run, :] = 0.0
        for first in range(0, data.rows, BLOCK_ROWS):
            rows = min(BLOCK_ROWS, data.rows - first)
            predict_rows(run, together, first, rows, runs.w, data, scratch)
            targets = data.targets[first : first + rows]
            for q in range(together):
                place = slice(q * BLOCK_ROWS, q * BLOCK_ROWS + rows)
                near = runs.exponents[run + q] == 0
                unit = runs.exponents[run + q] * LN2
                slopes = kernels.slopes if near else kernels.tail_slopes
                z = scratch.predictions[place]
                call_slopes(slopes, (z, targets, unit, scratch.slopes[place]))
                if want_loss:
                    add_losses(run + q, z, targets, kernels, runs, runs.loss, runs.lowest)
            add_gradient_rows(run, together, first, rows, data, scratch, gradient)
        if together == LANES:
            for q in range(LANES):
                for j in range(features):
                    gradient[run + q, j] = sums[j, q]
        run += together
    for run in range(count):
        runs.loss[run] *= data.scale
        for j in range(features):
            gradient[run, j] *= data.scale


@register_jitable
def predict_rows(run, together, first, rows, w, data: Data, scratch: Scratch):
    """Write the predictions of some rows, run by run, to ``scratch.predictions``."""
    values, columns, starts = data.values, data.columns, data.starts[first : first + rows + 1]
    z, lanes = scratch.predictions, scratch.lanes
    if together == LANES:
        weights = scratch.sums[run]
        for i in range(rows):
            predictions_row(values, columns, starts[i], starts[i + 1], weights, lanes, i)
        for q in range(LANES):
            own = z[q * BLOCK_ROWS : q * BLOCK_ROWS + rows]
            for i in range(rows):
                own[i] = lanes[i, q]
    else:
        for i in range(rows):
            predictions_row(values, columns, starts[i], starts[i + 1], w[run], z, i)


@register_jitable
def add_gradient_rows(run, together, first, rows, data: Data, scratch: Scratch, gradient):
    """Add the gradient of some rows: to lanes of eight runs, or to one run's gradient."""
    values, columns, starts = data.values, data.columns, data.starts[first : first + rows + 1]
    r, lanes = scratch.slopes, scratch.lanes
    if together == LANES:
        for q in range(LANES):
            own = r[q * BLOCK_ROWS : q * BLOCK_ROWS + rows]
            for i in range(rows):
                lanes[i, q] = own[i]
        sums = scratch.sums[run + 1]
        for i in range(rows):
            gradient_row(values, columns, starts[i], starts[i + 1], lanes, i, sums)
    else:
        for i in range(rows):
            gradient_row(values, columns, starts[i], starts[i + 1], r, i, gradient[run])
