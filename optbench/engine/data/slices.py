"""Sparse matrices in slices of eight rows side by side, and the one product the engine takes.

A slice holds the k-th entries of its eight rows next to each other and is as long as its longest
row: sums stay in registers, and a row's is formed in the order of its entries.  Rows are sorted
by length, so that little is filled up: at most eight times the longest row in all.  What is filled
up has the value 0 and reads a number that is always 0: an infinite weight does not reach a row
that has no entry there.  Columns with many entries are kept dense instead, zeros and all.

A step takes both products as sums, X w of slices of rows and X^T r of slices of columns: a second
copy of the matrix costs less than sums in memory, where each addition waits for an earlier store.
Gathers of whole vectors took twice the time of eight loads: processors that are protected against
leaks by gathers fetch number by number, and slowly.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from optbench.engine.compiler.overloads import when_compiled
from optbench.engine.compiler.vectors import (
    INT32,
    LANES,
    VECTOR,
    ZERO,
    add_product,
    constant,
    data_and_shape,
    load,
    offset,
    shuffle,
    splat,
    store,
    totals_of_zero,
)
from optbench.engine.data.panels import BLOCK_ROWS, aligned_zeros, padded_features, to_panels
from optbench.engine.types import Slices

if TYPE_CHECKING:
    from scipy.sparse import csr_array

# A slice of columns is kept dense where 8 longest + entries, which its sparse products take,
# exceeds this many numbers a row: a dense number costs half of a sparse one, and has no index.
DENSE = 6


def no_slices() -> Slices:
    """Return slices of nothing, for data that is dense."""
    return Slices(np.zeros(0), np.zeros(0, np.uint32), np.zeros(0, np.int64))


def to_slices(matrix: csr_array, rows: int, dummy: int) -> Slices:
    """Arrange the rows of a CSR matrix in slices.

    Parameters
    ----------
    matrix : csr_array, shape (n, d)
        Rows by falling length; entries may be in any order and occur twice.
    rows : int
        Number of rows to fill up to with empty ones, a multiple of 8.
    dummy : int
        Index of the number that is always 0.
    """
    lengths = np.zeros(rows, np.int64)
    lengths[: matrix.shape[0]] = np.diff(matrix.indptr)
    starts = np.concatenate([[0], np.cumsum(LANES * lengths.reshape(-1, LANES).max(axis=1))])
    entry = np.arange(matrix.data.size)
    row = np.repeat(np.arange(rows), lengths)
    places = starts[row // LANES] + LANES * (entry - matrix.indptr[row]) + row % LANES
    values = aligned_zeros(int(starts[-1]))
    indices = np.full(values.size, dummy, np.uint32)
    values[places] = matrix.data
    indices[places] = matrix.indices
    return Slices(values, indices, starts)


def split(features: csr_array) -> tuple[np.ndarray, np.ndarray, np.ndarray, Slices, Slices]:
    """Arrange CSR data for both products.

    Returns
    -------
    rows, columns : ndarray, int64 (n,), uint32 (d,)
        The order of the rows of all that follows, and that of the columns.
    panels : ndarray
        The first columns, which are kept dense (see :func:`optbench.engine.data.panels.to_panels`).
    by_row, by_column : Slices
        The other columns, and the same transposed; ``by_row`` has indices of the data's columns.
    """
    from scipy.sparse import csr_array

    n, d = features.shape
    padded = -(-n // BLOCK_ROWS) * BLOCK_ROWS
    transposed = csr_array(features.T)
    lengths = np.diff(transposed.indptr)
    columns = np.argsort(-lengths, kind="stable")
    dense = dense_columns(lengths[columns], padded)
    others = columns[dense:]
    rest = csr_array(transposed[others].T)
    rows = np.argsort(-np.diff(rest.indptr), kind="stable")
    rest = rest[rows]
    panels = np.zeros((0, 0, 0))
    if dense > 0:
        numbers = np.zeros((padded, dense))
        numbers[:n] = transposed[columns[:dense]].toarray()[:, rows].T
        panels = to_panels(numbers)
    renamed = csr_array((rest.data, others[rest.indices], rest.indptr), shape=(n, d))
    by_row = to_slices(renamed, padded, dummy=d)
    by_column = to_slices(csr_array(rest.T), padded_features(others.size), dummy=padded)
    return rows, columns.astype(np.uint32), panels, by_row, by_column


def dense_columns(lengths: np.ndarray, rows: int) -> int:
    """Return how many columns are kept dense, of those given by their falling lengths."""
    padded = np.zeros(padded_features(lengths.size), np.int64)
    padded[: lengths.size] = lengths
    slices = padded.reshape(-1, LANES)
    numbers = LANES * slices[:, 0] + slices.sum(axis=1)
    return min(LANES * int(np.count_nonzero(numbers > DENSE * rows)), lengths.size)


def _product_intrinsic(runs: int) -> Any:
    @intrinsic
    def product(
        _context: Any,
        values: Any,
        indices: Any,
        starts: Any,
        first: Any,
        last: Any,
        source: Any,
        out: Any,
    ) -> Any:
        integer = types.int64
        signature = types.void(values, indices, starts, integer, integer, source, out)

        def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            entries, places, ends, numbers, result = (
                data_and_shape(context, builder, sig.args[k], args[k])[0] for k in (0, 1, 2, 5, 6)
            )
            # eight rows of one run, or eight runs of each row
            totals = totals_of_zero(builder, runs)
            with cgutils.for_range_slice(builder, args[3], args[4], constant(1)) as (k, _):
                begin, end = (builder.load(offset(builder, ends, k, constant(i))) for i in (0, 1))
                for total in totals:
                    builder.store(ZERO, total)
                with cgutils.for_range_slice(builder, begin, end, constant(LANES)) as (entry, _):
                    _add_entries(builder, entries, places, entry, numbers, totals)
                row = builder.mul(builder.sub(k, args[3]), constant(LANES * runs))
                for i, total in enumerate(totals):
                    place = offset(builder, result, row, constant(i * LANES))
                    store(builder, builder.load(total), place)
            return context.get_dummy_value()

        return signature, codegen

    return product


def _add_entries(
    builder: Any, values: Any, indices: Any, entry: Any, source: Any, totals: list[Any]
) -> None:
    """Add eight entries, one of each row, times the numbers at their indices."""
    places = [
        builder.zext(builder.load(offset(builder, indices, entry, constant(k))), entry.type)
        for k in range(LANES)
    ]
    if len(totals) == 1:
        gathered = ir.Constant(VECTOR, ir.Undefined)
        for k in range(LANES):
            number = builder.load(builder.gep(source, [places[k]]))
            gathered = builder.insert_element(gathered, number, ir.Constant(INT32, k))
        add_product(builder, load(builder, builder.gep(values, [entry])), gathered, totals[0])
    else:
        for k in range(LANES):
            value = builder.load(offset(builder, values, entry, constant(k)))
            place = builder.gep(source, [builder.mul(places[k], constant(LANES))])
            add_product(builder, splat(builder, value), load(builder, place), totals[k])


def slices_product(runs: int) -> Callable[..., None]:
    """Return the product ``out[i, q] = sum over entries of row i of value * source[index, q]``.

    ``product(values, indices, starts, first, last, source, out)``: ``out`` begins with the rows of
    slice ``first``; the runs q of ``source`` and ``out``, one or eight, lie side by side.
    """

    def product(values, indices, starts, first, last, source, out):  # type: ignore[no-untyped-def]
        numbers = source[: source.size // runs * runs].reshape(-1, runs)
        for k in range(first, last):
            entries, row = slice(starts[k], starts[k + 1]), (k - first) * LANES * runs
            terms = values[entries, None] * numbers[indices[entries]]
            sums = terms.reshape(-1, LANES, runs).sum(axis=0)
            out[row : row + LANES * runs] = sums.ravel()

    when_compiled(product, _product_intrinsic(runs))
    return product


@intrinsic
def _transpose(
    _context: Any, source: Any, row: Any, stride: Any, out: Any, place: Any, step: Any
) -> Any:
    integer = types.int64
    signature = types.void(source, integer, integer, out, integer, integer)

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        numbers, result = (
            data_and_shape(context, builder, sig.args[k], args[k])[0] for k in (0, 3)
        )
        steps = [constant(k) for k in range(LANES)]
        rows = [
            load(builder, offset(builder, numbers, args[1], builder.mul(args[2], k))) for k in steps
        ]
        # exchange the quarters off the diagonal of blocks of 2, 4 and 8
        for half in (1, 2, 4):
            low = [lane if not lane & half else LANES + lane - half for lane in range(LANES)]
            high = [lane + half if not lane & half else LANES + lane for lane in range(LANES)]
            for k in (k for k in range(LANES) if not k & half):
                pair = rows[k], rows[k + half]
                rows[k], rows[k + half] = (shuffle(builder, *pair, mask) for mask in (low, high))
        for k, vector in zip(steps, rows, strict=True):
            store(builder, vector, offset(builder, result, args[4], builder.mul(args[5], k)))
        return context.get_dummy_value()

    return signature, codegen


def transpose(source, row, stride, out, place, step):  # type: ignore[no-untyped-def]
    """Write eight rows of eight numbers transposed.

    They begin at ``row`` and lie ``stride`` apart in ``source``; in ``out`` at ``place``, ``step``
    apart.
    """
    for k in range(LANES):
        numbers = source[row + k : row + k + LANES * stride : stride]
        out[place + k * step : place + k * step + LANES] = numbers


when_compiled(transpose, _transpose)
