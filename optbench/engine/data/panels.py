"""Register-blocked products with the data matrix: the two inner kernels of every dense run.

The data matrix lies in panels of 16 rows, feature by feature (:func:`to_panels`): a tile reads it
as one stream of whole cache lines, each vector register holds ``LANES`` rows of one feature, and
sums stay in registers.  Four or eight panels are a block, which stays in a cache between the
predictions and the gradient, so that the matrix is read once a step.  Each run's sums are formed
in the same order whatever runs are beside it: a run's bits do not depend on the batch, the chunk
or the threads.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from optbench.engine.compiler.overloads import when_compiled
from optbench.engine.compiler.vectors import (
    LANES,
    ZERO,
    add_product,
    constant,
    data_and_shape,
    first_lanes,
    lane_totals,
    load,
    offset,
    splat,
    store,
    totals_of_zero,
)

PANEL_ROWS = 16
BLOCK_PANELS = 8
BLOCK_ROWS = PANEL_ROWS * BLOCK_PANELS
VECTORS = PANEL_ROWS // LANES
CACHE_LINE = 64
TILE_FEATURES = 8
GROUP = 4  # runs that are evaluated together


def aligned_zeros(*shape: int) -> np.ndarray:
    """Return float64 zeros that start on a cache line: a vector never straddles two."""
    size = math.prod(shape)
    raw = np.zeros(size + CACHE_LINE // 8)
    start = (-raw.ctypes.data % CACHE_LINE) // 8
    return raw[start : start + size].reshape(shape)


def to_panels(matrix: np.ndarray) -> np.ndarray:
    """Rearrange a matrix (n, d) into panels, float64 (ceil(n / 16), d padded to 8, 16).

    Rows and features are padded with zeros, so that no tile has a remainder.
    """
    padded = pad(matrix, PANEL_ROWS)
    count, width = len(padded) // PANEL_ROWS, padded.shape[1]
    panels = aligned_zeros(count, width, PANEL_ROWS)
    panels[:] = padded.reshape(count, PANEL_ROWS, width).transpose(0, 2, 1)
    return panels


def pad(matrix: np.ndarray, size: int) -> np.ndarray:
    """Return a matrix with zeros after its rows, to whole panels of ``size``, and its features."""
    rows, features = matrix.shape
    padded = np.zeros((-(-rows // size) * size, padded_features(features)))
    padded[:rows, :features] = matrix
    return padded


def padded_features(features: int) -> int:
    """Return the number of features rounded up to whole gradient tiles."""
    return -(-features // TILE_FEATURES) * TILE_FEATURES


def _predictions_intrinsic(runs: int, panels: int) -> Any:
    vectors = [(p, v) for p in range(panels) for v in range(VECTORS)]

    @intrinsic
    def tile(
        _context: Any, data: Any, panel: Any, w: Any, run: Any, out: Any, row: Any, stride: Any
    ) -> Any:
        integer = types.int64
        signature = types.void(data, integer, w, integer, out, integer, integer)

        def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            matrix, (_, width, _) = data_and_shape(context, builder, sig.args[0], args[0])
            weights, (_, features) = data_and_shape(context, builder, sig.args[2], args[2])
            result, _ = data_and_shape(context, builder, sig.args[4], args[4])
            size = builder.mul(width, constant(PANEL_ROWS))
            bases = [
                offset(builder, matrix, builder.mul(builder.add(args[1], constant(p)), size))
                for p in range(panels)
            ]
            rows = [
                offset(builder, weights, builder.mul(builder.add(args[3], constant(q)), features))
                for q in range(runs)
            ]
            totals = [totals_of_zero(builder, len(vectors)) for _ in range(runs)]
            with cgutils.for_range(builder, features) as loop:
                column = builder.mul(loop.index, constant(PANEL_ROWS))
                x = [
                    load(builder, offset(builder, bases[p], column, constant(v * LANES)))
                    for p, v in vectors
                ]
                for q in range(runs):
                    weight = splat(builder, builder.load(builder.gep(rows[q], [loop.index])))
                    for k in range(len(vectors)):
                        add_product(builder, weight, x[k], totals[q][k])
            for q in range(runs):
                row = builder.add(args[5], builder.mul(args[6], constant(q)))
                for k in range(len(vectors)):
                    place = offset(builder, result, row, constant(k * LANES))
                    store(builder, builder.load(totals[q][k]), place)
            return context.get_dummy_value()

        return signature, codegen

    return tile


def _gradient_intrinsic(runs: int, features: int) -> Any:
    @intrinsic
    def tile(
        _context: Any,
        data: Any,
        panel: Any,
        panels: Any,
        j: Any,
        slopes: Any,
        run: Any,
        sums: Any,
        place: Any,
        first: Any,
    ) -> Any:
        integer = types.int64
        signature = types.void(
            data, integer, integer, integer, slopes, integer, sums, integer, first
        )

        def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            matrix, (_, dimension, _) = data_and_shape(context, builder, sig.args[0], args[0])
            slope, _ = data_and_shape(context, builder, sig.args[4], args[4])
            lanes, _ = data_and_shape(context, builder, sig.args[6], args[6])
            size = builder.mul(dimension, constant(PANEL_ROWS))
            stride = builder.mul(args[2], constant(PANEL_ROWS))
            column = builder.mul(args[3], constant(PANEL_ROWS))
            base = offset(builder, matrix, builder.mul(args[1], size), column)
            places: list[list[Any]] = []
            totals = [totals_of_zero(builder, features) for _ in range(runs)]
            for q in range(runs):
                row = builder.mul(builder.add(args[5], constant(q)), dimension)
                start = builder.mul(builder.add(row, args[7]), constant(LANES))
                places.append(
                    [offset(builder, lanes, start, constant(f * LANES)) for f in range(features)]
                )
            with builder.if_then(builder.not_(args[8])):
                for q in range(runs):
                    for f in range(features):
                        builder.store(load(builder, places[q][f]), totals[q][f])
            with cgutils.for_range(builder, args[2]) as loop:
                panel = offset(builder, base, builder.mul(loop.index, size))
                row = builder.mul(loop.index, constant(PANEL_ROWS))
                for v in range(VECTORS):
                    x = [
                        load(builder, offset(builder, panel, constant(f * PANEL_ROWS + v * LANES)))
                        for f in range(features)
                    ]
                    for q in range(runs):
                        place = builder.mul(stride, constant(q))
                        r = load(builder, offset(builder, slope, row, place, constant(v * LANES)))
                        for f in range(features):
                            add_product(builder, r, x[f], totals[q][f])
            for q in range(runs):
                for f in range(features):
                    store(builder, builder.load(totals[q][f]), places[q][f])
            return context.get_dummy_value()

        return signature, codegen

    return tile


@intrinsic
def _add_lanes(
    _context: Any, sums: Any, run: Any, place: Any, scale: Any, out: Any, row: Any, j: Any
) -> Any:
    integer = types.int64
    signature = types.void(sums, integer, integer, types.float64, out, integer, integer)

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        lanes, (_, dimension, _) = data_and_shape(context, builder, sig.args[0], args[0])
        result, (_, features) = data_and_shape(context, builder, sig.args[4], args[4])
        feature = builder.add(builder.mul(args[1], dimension), args[2])
        start = offset(builder, lanes, builder.mul(feature, constant(LANES)))
        parts = [load(builder, offset(builder, start, constant(f * LANES))) for f in range(LANES)]
        total = builder.fmul(lane_totals(builder, parts), splat(builder, args[3]))
        own = offset(builder, result, builder.mul(args[5], features), args[6])
        store(builder, total, own, first_lanes(builder, builder.sub(features, args[6])))
        return context.get_dummy_value()

    return signature, codegen


def add_lanes(sums, run, place, scale, out, row, j):  # type: ignore[no-untyped-def]
    """Write ``out[row, j + f] = scale * sums[run, place + f].sum()``: eight features, or fewer."""
    lanes = sums[run, place : place + LANES]
    halves = lanes[:, :4] + lanes[:, 4:]
    quarters = halves[:, :2] + halves[:, 2:]
    own = out[row, j : j + LANES]
    own[:] = scale * (quarters[:, 0] + quarters[:, 1])[: own.size]


when_compiled(add_lanes, _add_lanes)


@intrinsic
def _clear_rows(_context: Any, slopes: Any, panel: Any, rows: Any) -> Any:
    signature = types.void(slopes, types.int64, types.int64)

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        data, _ = data_and_shape(context, builder, sig.args[0], args[0])
        for first in range(0, PANEL_ROWS, LANES):
            own = offset(builder, data, args[1], constant(first))
            kept = first_lanes(builder, builder.sub(args[2], constant(first)))
            store(builder, builder.select(kept, load(builder, own), ZERO), own)
        return context.get_dummy_value()

    return signature, codegen


def clear_rows(slopes, panel, rows):  # type: ignore[no-untyped-def]
    """Write zeros after the first rows of the panel that begins at ``panel``."""
    slopes[panel + rows : panel + PANEL_ROWS] = 0.0


when_compiled(clear_rows, _clear_rows)


def predictions_tile(runs: int, panels: int) -> Callable[..., None]:
    """Return the tile ``out[row + q stride + i] = w[run + q] . x_i``, rows i of some panels.

    ``tile(data, panel, w, run, out, row, stride)``: ``data`` are panels, ``out`` is a vector.
    """

    def tile(data, panel, w, run, out, row, stride):  # type: ignore[no-untyped-def]
        for q in range(runs):
            for p in range(panels):
                first = row + q * stride + p * PANEL_ROWS
                out[first : first + PANEL_ROWS] = w[run + q] @ data[panel + p, : w.shape[1]]

    when_compiled(tile, _predictions_intrinsic(runs, panels))
    return tile


def gradient_tile(runs: int, features: int) -> Callable[..., None]:
    """Return the tile ``sums[run + q, place + f, lane] += sum over rows of slopes[q] x_{j + f}``.

    ``tile(data, panel, panels, j, slopes, run, sums, place, first)`` adds ``panels`` panels, whose
    slopes lie run after run; row i is added to lane ``i % 8``.  ``first``: to zero, not to what is
    there.
    """

    def tile(data, panel, panels, j, slopes, run, sums, place, first):  # type: ignore[no-untyped-def]
        x = data[panel : panel + panels, j : j + features].reshape(panels, features, -1, LANES)
        r = slopes[: runs * panels * PANEL_ROWS].reshape(runs, panels, -1, LANES)
        totals = sums[run : run + runs, place : place + features]
        totals[:] = np.einsum("pfvl,qpvl->qfl", x, r) + (0.0 if first else totals)

    when_compiled(tile, _gradient_intrinsic(runs, features))
    return tile
