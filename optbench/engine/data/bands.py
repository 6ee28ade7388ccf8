"""Products with wide data, which have no more rows than features: a register holds features.

The data matrix lies in bands of four rows, eight features of each row after the other
(:func:`to_bands`).  Predictions are sums in registers whose lanes are added when a band is through;
the gradient is read, gets a band's rows added, and is written, eight features at a time.  So no
lanes are added for each of many features, few rows are padded, and a band that was read for its
predictions is still in a cache when it is read for the gradient.  As with panels
(:mod:`optbench.engine.data.panels`) a run's bits do not depend on the runs beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from optbench.engine.compiler.overloads import inlined, when_compiled
from optbench.engine.compiler.vectors import (
    LANES,
    ZERO,
    add_product,
    constant,
    data_and_shape,
    in_steps,
    lane_totals,
    load,
    offset,
    over_vectors,
    shuffle,
    splat,
    store,
    totals_of_zero,
)
from optbench.engine.data.panels import aligned_zeros, pad

BAND_ROWS = 4


def to_bands(matrix: np.ndarray) -> np.ndarray:
    """Rearrange a matrix (n, d) into bands, float64 (ceil(n / 4), d padded to 8, 4).

    Number ``32 v + 8 r + l`` of band b is feature ``8 v + l`` of row ``4 b + r``; what is padded
    is 0.
    """
    padded = pad(matrix, BAND_ROWS)
    count, width = len(padded) // BAND_ROWS, padded.shape[1]
    bands = aligned_zeros(count, width, BAND_ROWS)
    tiles = padded.reshape(count, BAND_ROWS, width // LANES, LANES)
    bands[:] = tiles.transpose(0, 2, 1, 3).reshape(count, width, BAND_ROWS)
    return bands


@inlined
def band_entry(bands, band, row, j):  # type: ignore[no-untyped-def]
    """Return feature j of a row of a band: four numbers lie in a row of the array."""
    return bands[band, (j & -LANES) + 2 * row + (j >> 2 & 1), j & 3]


def _reader(
    context: Any, builder: Any, kind: Any, data: Any, band: Any, bands: int
) -> Callable[[Any], list[Any]]:
    """Return what loads eight features, from one on, of each row of some bands."""
    matrix, (_, width, _) = data_and_shape(context, builder, kind, data)
    size = builder.mul(width, constant(BAND_ROWS))
    bases = [
        offset(builder, matrix, builder.mul(builder.add(band, constant(b)), size))
        for b in range(bands)
    ]

    def rows_at(feature: Any) -> list[Any]:
        column = builder.mul(feature, constant(BAND_ROWS))
        places = [
            offset(builder, base, column, constant(r * LANES))
            for base in bases
            for r in range(BAND_ROWS)
        ]
        return [load(builder, place) for place in places]

    return rows_at


def _predictions_intrinsic(runs: int, bands: int) -> Any:
    rows = bands * BAND_ROWS

    @intrinsic
    def tile(
        _context: Any,
        data: Any,
        band: Any,
        w: Any,
        run: Any,
        out: Any,
        place: Any,
        stride: Any,
    ) -> Any:
        integer = types.int64
        signature = types.void(data, integer, w, integer, out, integer, integer)

        def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            rows_at = _reader(context, builder, sig.args[0], args[0], args[1], bands)
            weights, (_, features) = data_and_shape(context, builder, sig.args[2], args[2])
            result, _ = data_and_shape(context, builder, sig.args[4], args[4])
            own = [
                offset(builder, weights, builder.mul(builder.add(args[3], constant(q)), features))
                for q in range(runs)
            ]
            totals = [totals_of_zero(builder, rows) for _ in range(runs)]

            def add(feature: Any, mask: Any) -> None:
                x = rows_at(feature)
                for q in range(runs):
                    weight = load(builder, offset(builder, own[q], feature), mask)
                    for r in range(rows):
                        add_product(builder, weight, x[r], totals[q][r])

            over_vectors(builder, features, add)
            sums = [builder.load(total) for part in totals for total in part]
            sums += [ZERO] * (-len(sums) % LANES)
            for first in range(0, len(sums), LANES):
                found = lane_totals(builder, sums[first : first + LANES])
                for part in range(0, min(LANES, runs * rows - first), rows):
                    q = (first + part) // rows
                    place = builder.add(builder.mul(args[6], constant(q)), args[5])
                    own_rows = shuffle(builder, found, found, list(range(part, part + rows)))
                    target = offset(builder, result, place)
                    target = builder.bitcast(target, own_rows.type.as_pointer())
                    builder.store(own_rows, target, align=8)
            return context.get_dummy_value()

        return signature, codegen

    return tile


def _gradient_intrinsic(runs: int, bands: int) -> Any:
    rows = bands * BAND_ROWS
    # the same sums as band by band, the last one first
    order = [b * BAND_ROWS + r for b in reversed(range(bands)) for r in range(BAND_ROWS)]

    @intrinsic
    def tile(
        _context: Any,
        data: Any,
        band: Any,
        slopes: Any,
        place: Any,
        stride: Any,
        sums: Any,
        run: Any,
        first: Any,
    ) -> Any:
        integer = types.int64
        signature = types.void(data, integer, slopes, integer, integer, sums, integer, first)

        def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            rows_at = _reader(context, builder, sig.args[0], args[0], args[1], bands)
            slope, _ = data_and_shape(context, builder, sig.args[2], args[2])
            total, (_, vectors, _) = data_and_shape(context, builder, sig.args[5], args[5])
            width = builder.mul(vectors, constant(LANES))
            factors = []
            for q in range(runs):
                own = offset(builder, slope, builder.mul(args[4], constant(q)), args[3])
                numbers = [builder.load(offset(builder, own, constant(r))) for r in range(rows)]
                factors.append([splat(builder, number) for number in numbers])
            own = [
                offset(builder, total, builder.mul(builder.add(args[6], constant(q)), width))
                for q in range(runs)
            ]

            def add(feature: Any) -> None:
                x = rows_at(feature)
                for q in range(runs):
                    target = offset(builder, own[q], feature)
                    before = builder.select(args[7], ZERO, load(builder, target))
                    part = cgutils.alloca_once_value(builder, before)
                    for r in order:
                        add_product(builder, factors[q][r], x[r], part)
                    store(builder, builder.load(part), target)

            in_steps(builder, width, LANES, add)
            return context.get_dummy_value()

        return signature, codegen

    return tile


@intrinsic
def _scale_sums(_context: Any, sums: Any, run: Any, scale: Any, out: Any) -> Any:
    signature = types.void(sums, types.int64, types.float64, out)

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        total, (_, vectors, _) = data_and_shape(context, builder, sig.args[0], args[0])
        result, (_, features) = data_and_shape(context, builder, sig.args[3], args[3])
        own = offset(builder, result, builder.mul(args[1], features))
        start = builder.mul(builder.mul(args[1], vectors), constant(LANES))
        factor = splat(builder, args[2])

        def write(feature: Any, mask: Any) -> None:
            found = load(builder, offset(builder, total, start, feature))
            store(builder, builder.fmul(factor, found), offset(builder, own, feature), mask)

        over_vectors(builder, features, write)
        return context.get_dummy_value()

    return signature, codegen


def scale_sums(sums, run, scale, out):  # type: ignore[no-untyped-def]
    """Write ``out[run] = scale * sums[run]``, without the padding."""
    out[run] = scale * sums[run].reshape(-1)[: out.shape[1]]


when_compiled(scale_sums, _scale_sums)


def predictions_tile(runs: int, bands: int) -> Callable[..., None]:
    """Return the tile ``out[place + q stride + i] = w[run + q] . x_i``, rows i of some bands.

    ``tile(data, band, w, run, out, place, stride)``.
    """

    def tile(data, band, w, run, out, place, stride):  # type: ignore[no-untyped-def]
        matrix = rows_of(data[band : band + bands])[:, : w.shape[1]]
        for q in range(runs):
            first = place + q * stride
            out[first : first + bands * BAND_ROWS] = matrix @ w[run + q]

    when_compiled(tile, _predictions_intrinsic(runs, bands))
    return tile


def gradient_tile(runs: int, bands: int) -> Callable[..., None]:
    """Return the tile ``sums[run + q] += sum of slopes[place + q stride + i] x_i``.

    ``tile(data, band, slopes, place, stride, sums, run, first)``: rows i of some bands.
    ``first``: to zero, not to what is there.
    """

    def tile(data, band, slopes, place, stride, sums, run, first):  # type: ignore[no-untyped-def]
        matrix = rows_of(data[band : band + bands])
        for q in range(runs):
            start = place + q * stride
            total = (slopes[start : start + bands * BAND_ROWS] @ matrix).reshape(-1, LANES)
            sums[run + q] = total + (0.0 if first else sums[run + q])

    when_compiled(tile, _gradient_intrinsic(runs, bands))
    return tile


def rows_of(bands: np.ndarray) -> np.ndarray:
    """Return the rows of some bands, each with all its features."""
    tiles = bands.reshape(len(bands), -1, BAND_ROWS, LANES)
    return tiles.transpose(0, 2, 1, 3).reshape(len(bands) * BAND_ROWS, -1)
