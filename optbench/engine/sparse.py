"""Loss and gradient of a batch of runs on CSR data: one pass over the rows a step.

Eight runs at a time lie side by side in a vector register, so that every stored entry of the
matrix is read once for eight runs; what is left over runs alone.  Either way a run's sums are
formed in the order of the entries: its bits do not depend on the batch.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload, register_jitable

from optbench.engine.objective import LN2, add_losses
from optbench.engine.products import (
    _VECTOR,
    BLOCK_ROWS,
    LANES,
    _add_product,
    _array,
    _constant,
    _load,
    _offset,
    _splat,
    _store,
)
from optbench.engine.types import Data, Kernels, Runs, Scratch, call_slopes

STRIDES = 4  # a row's sum is formed in four strides, which hides the latency of an addition


@intrinsic
def _predictions_row(
    _context: Any, values: Any, columns: Any, begin: Any, end: Any, w: Any, out: Any, row: Any
) -> Any:
    signature = types.void(values, columns, types.int64, types.int64, w, out, types.int64)

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        entries, _ = _array(context, builder, sig.args[0], args[0])
        places, _ = _array(context, builder, sig.args[1], args[1])
        weights, _ = _array(context, builder, sig.args[4], args[4])
        result, _ = _array(context, builder, sig.args[5], args[5])
        totals = [cgutils.alloca_once(builder, _VECTOR) for _ in range(STRIDES)]
        for total in totals:
            builder.store(cgutils.get_null_value(_VECTOR), total)

        def add(entry: Any, total: Any) -> None:
            column = builder.zext(builder.load(builder.gep(places, [entry])), entry.type)
            value = _splat(builder, builder.load(builder.gep(entries, [entry])))
            lanes = _load(builder, _offset(builder, weights, builder.mul(column, _constant(LANES))))
            _add_product(builder, value, lanes, total)

        count = builder.sub(args[3], args[2])
        whole = builder.add(args[2], builder.sub(count, builder.urem(count, _constant(STRIDES))))
        with cgutils.for_range_slice(builder, args[2], whole, _constant(STRIDES)) as (entry, _):
            for k, total in enumerate(totals):
                add(builder.add(entry, _constant(k)), total)
        with cgutils.for_range_slice(builder, whole, args[3], _constant(1)) as (entry, _):
            add(entry, totals[0])
        first, second, third, fourth = (builder.load(total) for total in totals)
        value = builder.fadd(builder.fadd(first, second), builder.fadd(third, fourth))
        place = _offset(builder, result, builder.mul(args[6], _constant(LANES)))
        _store(builder, value, place)
        return context.get_dummy_value()

    return signature, codegen


@intrinsic
def _gradient_row(
    _context: Any, values: Any, columns: Any, begin: Any, end: Any, slopes: Any, row: Any, sums: Any
) -> Any:
    signature = types.void(values, columns, types.int64, types.int64, slopes, types.int64, sums)

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        entries, _ = _array(context, builder, sig.args[0], args[0])
        places, _ = _array(context, builder, sig.args[1], args[1])
        slope, _ = _array(context, builder, sig.args[4], args[4])
        lanes, _ = _array(context, builder, sig.args[6], args[6])
        r = _load(builder, _offset(builder, slope, builder.mul(args[5], _constant(LANES))))
        total = cgutils.alloca_once(builder, _VECTOR)
        with cgutils.for_range_slice(builder, args[2], args[3], _constant(1)) as (entry, _):
            column = builder.zext(builder.load(builder.gep(places, [entry])), entry.type)
            value = _splat(builder, builder.load(builder.gep(entries, [entry])))
            place = _offset(builder, lanes, builder.mul(column, _constant(LANES)))
            builder.store(_load(builder, place), total)
            _add_product(builder, value, r, total)
            _store(builder, builder.load(total), place)
        return context.get_dummy_value()

    return signature, codegen


def predictions_row(values, columns, begin, end, w, out, row):
    """Write out[row] = sum over entries of value * w[column], for eight runs."""
    out[row] = values[begin:end] @ w[columns[begin:end]]


def gradient_row(values, columns, begin, end, slopes, row, sums):
    """Add value * slopes[row] to sums[column] for every entry, for eight runs."""
    for entry in range(begin, end):
        sums[columns[entry]] += values[entry] * slopes[row]


@overload(predictions_row, strict=False)
def _jitted_predictions_row(values, columns, begin, end, w, out, row):
    def implementation(values, columns, begin, end, w, out, row):
        _predictions_row(values, columns, begin, end, w, out, row)

    return implementation


@overload(gradient_row, strict=False)
def _jitted_gradient_row(values, columns, begin, end, slopes, row, sums):
    def implementation(values, columns, begin, end, slopes, row, sums):
        _gradient_row(values, columns, begin, end, slopes, row, sums)

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
                    add_losses(run + q, z, targets, kernels, runs)
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
    z = scratch.predictions
    for i in range(rows):
        begin, end = data.starts[first + i], data.starts[first + i + 1]
        if together == LANES:
            weights = scratch.sums[run]
            predictions_row(data.values, data.columns, begin, end, weights, scratch.lanes, i)
        else:
            whole = begin + (end - begin) // STRIDES * STRIDES
            s0, s1, s2, s3 = 0.0, 0.0, 0.0, 0.0
            for e in range(begin, whole, STRIDES):
                s0 += data.values[e] * w[run, data.columns[e]]
                s1 += data.values[e + 1] * w[run, data.columns[e + 1]]
                s2 += data.values[e + 2] * w[run, data.columns[e + 2]]
                s3 += data.values[e + 3] * w[run, data.columns[e + 3]]
            for e in range(whole, end):
                s0 += data.values[e] * w[run, data.columns[e]]
            z[i] = (s0 + s1) + (s2 + s3)
    if together == LANES:
        for q in range(LANES):
            for i in range(rows):
                z[q * BLOCK_ROWS + i] = scratch.lanes[i, q]


@register_jitable
def add_gradient_rows(run, together, first, rows, data: Data, scratch: Scratch, gradient):
    """Add the gradient of some rows: to lanes of eight runs, or to one run's gradient."""
    r = scratch.slopes
    if together == LANES:
        for q in range(LANES):
            for i in range(rows):
                scratch.lanes[i, q] = r[q * BLOCK_ROWS + i]
    for i in range(rows):
        begin, end = data.starts[first + i], data.starts[first + i + 1]
        if together == LANES:
            sums = scratch.sums[run + 1]
            gradient_row(data.values, data.columns, begin, end, scratch.lanes, i, sums)
        else:
            for entry in range(begin, end):
                gradient[run, data.columns[entry]] += data.values[entry] * r[i]
