"""Register-blocked products with the data matrix: the two inner kernels of every dense run.

The data matrix lies in panels of 64 rows, feature by feature (:func:`to_panels`), so that one
vector register holds ``LANES`` rows of one feature.  A tile multiplies a few runs with a few
vectors of rows and keeps its sums in registers.  Each run's sums are formed in the same order
whatever runs are beside it: a run's bits do not depend on the batch, the chunk or the threads.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload

LANES = 8
PANEL_ROWS = 64

_VECTOR = ir.VectorType(ir.DoubleType(), LANES)
_INT64 = ir.IntType(64)


def to_panels(matrix: np.ndarray) -> np.ndarray:
    """Rearrange a matrix (n, d) into panels, float64 (ceil(n / 64), d, 64), padded with zeros."""
    rows, features = matrix.shape
    count = -(-rows // PANEL_ROWS)
    padded = np.zeros((count * PANEL_ROWS, features))
    padded[:rows] = matrix
    return np.ascontiguousarray(padded.reshape(count, PANEL_ROWS, features).transpose(0, 2, 1))


def _constant(value: int) -> Any:
    return ir.Constant(_INT64, value)


def _offset(builder: Any, pointer: Any, *terms: Any) -> Any:
    for term in terms:
        pointer = builder.gep(pointer, [term])
    return pointer


def _load(builder: Any, pointer: Any) -> Any:
    return builder.load(builder.bitcast(pointer, _VECTOR.as_pointer()), align=8)


def _store(builder: Any, value: Any, pointer: Any) -> None:
    builder.store(value, builder.bitcast(pointer, _VECTOR.as_pointer()), align=8)


def _splat(builder: Any, scalar: Any) -> Any:
    undefined = ir.Constant(_VECTOR, ir.Undefined)
    lane = builder.insert_element(undefined, scalar, ir.Constant(ir.IntType(32), 0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
    return builder.shuffle_vector(lane, undefined, zeros)


def _add_product(builder: Any, a: Any, b: Any, total: Any) -> None:
    """Emit ``total += a * b`` with one rounding; ``total`` is promoted to a register."""
    name = f"llvm.fma.v{LANES}f64"
    kind = ir.FunctionType(_VECTOR, [_VECTOR] * 3)
    fma = cgutils.get_or_insert_function(builder.module, kind, name)
    builder.store(builder.call(fma, [a, b, builder.load(total)]), total)


def _array(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    return context.make_array(kind)(context, builder, value)


def _predictions_intrinsic(runs: int, vectors: int) -> Any:
    @intrinsic  # type: ignore[untyped-decorator]
    def tile(_context: Any, panels: Any, panel: Any, row: Any, w: Any, run: Any, out: Any) -> Any:
        signature = types.void(panels, types.int64, types.int64, w, types.int64, out)

        def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            data = _array(context, builder, sig.args[0], args[0])
            weights = _array(context, builder, sig.args[3], args[3]).data
            result = _array(context, builder, sig.args[5], args[5]).data
            features = cgutils.unpack_tuple(builder, data.shape)[1]
            width = _constant(PANEL_ROWS)
            start = builder.mul(builder.mul(args[1], features), width)
            base = _offset(builder, data.data, start, args[2])
            rows = [
                _offset(builder, weights, builder.mul(builder.add(args[4], _constant(q)), features))
                for q in range(runs)
            ]
            totals = [
                [cgutils.alloca_once(builder, _VECTOR) for _ in range(vectors)] for _ in range(runs)
            ]
            for total in (total for row in totals for total in row):
                builder.store(ir.Constant(_VECTOR, [0.0] * LANES), total)
            with cgutils.for_range(builder, features) as loop:
                feature = _offset(builder, base, builder.mul(loop.index, width))
                x = [
                    _load(builder, _offset(builder, feature, _constant(v * LANES)))
                    for v in range(vectors)
                ]
                for q in range(runs):
                    weight = _splat(builder, builder.load(builder.gep(rows[q], [loop.index])))
                    for v in range(vectors):
                        _add_product(builder, weight, x[v], totals[q][v])
            for q in range(runs):
                target = _offset(builder, result, args[2], _constant(q * PANEL_ROWS))
                for v in range(vectors):
                    value = builder.load(totals[q][v])
                    _store(builder, value, _offset(builder, target, _constant(v * LANES)))
            return context.get_dummy_value()

        return signature, codegen

    return tile


def _gradient_intrinsic(runs: int, features: int) -> Any:
    @intrinsic  # type: ignore[untyped-decorator]
    def tile(
        _context: Any, panels: Any, panel: Any, j: Any, rows: Any, slopes: Any, run: Any, out: Any
    ) -> Any:
        integer = types.int64
        signature = types.void(panels, integer, integer, integer, slopes, integer, out)

        def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            data = _array(context, builder, sig.args[0], args[0])
            slope = _array(context, builder, sig.args[4], args[4]).data
            sums = _array(context, builder, sig.args[6], args[6]).data
            dimension = cgutils.unpack_tuple(builder, data.shape)[1]
            width = _constant(PANEL_ROWS)
            first = builder.add(builder.mul(args[1], dimension), args[2])
            base = _offset(builder, data.data, builder.mul(first, width))
            places: list[list[Any]] = []
            totals: list[list[Any]] = []
            for q in range(runs):
                row = builder.mul(builder.add(args[5], _constant(q)), dimension)
                start = builder.mul(builder.add(row, args[2]), _constant(LANES))
                places.append(
                    [_offset(builder, sums, start, _constant(f * LANES)) for f in range(features)]
                )
                totals.append([cgutils.alloca_once(builder, _VECTOR) for _ in range(features)])
                for f in range(features):
                    builder.store(_load(builder, places[q][f]), totals[q][f])
            count = builder.udiv(args[3], _constant(LANES))
            with cgutils.for_range(builder, count) as loop:
                row = builder.mul(loop.index, _constant(LANES))
                x = [
                    _load(builder, _offset(builder, base, _constant(f * PANEL_ROWS), row))
                    for f in range(features)
                ]
                for q in range(runs):
                    r = _load(builder, _offset(builder, slope, _constant(q * PANEL_ROWS), row))
                    for f in range(features):
                        _add_product(builder, r, x[f], totals[q][f])
            for q in range(runs):
                for f in range(features):
                    _store(builder, builder.load(totals[q][f]), places[q][f])
            return context.get_dummy_value()

        return signature, codegen

    return tile


def predictions_tile(runs: int, vectors: int) -> Callable[..., None]:
    """Return the tile ``out[q, row:row + 8 vectors] = sum_j w[run + q, j] x_j`` for q < runs."""

    def tile(
        panels: np.ndarray, panel: int, row: int, w: np.ndarray, run: int, out: np.ndarray
    ) -> None:
        stop = row + vectors * LANES
        out[:runs, row:stop] = w[run : run + runs] @ panels[panel, :, row:stop]

    jitted = _predictions_intrinsic(runs, vectors)

    @overload(tile, strict=False)
    def _tile(panels: Any, panel: Any, row: Any, w: Any, run: Any, out: Any) -> Any:
        def implementation(
            panels: np.ndarray, panel: int, row: int, w: np.ndarray, run: int, out: np.ndarray
        ) -> None:
            jitted(panels, panel, row, w, run, out)

        return implementation

    return tile


def gradient_tile(runs: int, features: int) -> Callable[..., None]:
    """Return the tile ``sums[run + q, j + f, lane] += sum over rows of slope[q] * x_{j + f}``.

    Row ``i`` of the panel is added to lane ``i % 8``; ``rows`` is a multiple of 8.
    """

    def tile(
        panels: np.ndarray,
        panel: int,
        j: int,
        rows: int,
        slopes: np.ndarray,
        run: int,
        sums: np.ndarray,
    ) -> None:
        x = panels[panel, j : j + features, :rows].reshape(features, -1, LANES)
        r = slopes[:runs, :rows].reshape(runs, -1, LANES)
        sums[run : run + runs, j : j + features] += np.einsum("fbl,qbl->qfl", x, r)

    jitted = _gradient_intrinsic(runs, features)

    @overload(tile, strict=False)
    def _tile(
        panels: Any, panel: Any, j: Any, rows: Any, slopes: Any, run: Any, sums: Any
    ) -> Any:
        def implementation(
            panels: np.ndarray,
            panel: int,
            j: int,
            rows: int,
            slopes: np.ndarray,
            run: int,
            sums: np.ndarray,
        ) -> None:
            jitted(panels, panel, j, rows, slopes, run, sums)

        return implementation

    return tile
