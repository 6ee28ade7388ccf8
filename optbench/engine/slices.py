"""Sparse matrices in slices of eight rows side by side, and the one product the engine takes.

A slice holds the k-th entries of its eight rows next to each other and is as long as its longest
row: sums stay in registers, and a row's is formed in the order of its entries.  Rows are sorted
by length, so that little is filled up: at most eight times the longest row in all.  What is filled
up has the value 0 and reads a number that is always 0: an infinite weight does not reach a row
that has no entry there.

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
from numba.extending import intrinsic, overload

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
    _totals,
    aligned_zeros,
    to_panels,
)
from optbench.engine.types import Slices

if TYPE_CHECKING:
    from scipy.sparse import csr_array

# A slice of columns is kept dense where 8 longest + entries, which its sparse products take,
# exceeds this many numbers a row: a dense number costs half of a sparse one, and has no index.
DENSE = 4


def no_slices() -> Slices:
    """Return slices of nothing, for data that is dense."""
    return Slices(np.zeros(0), np.zeros(0, np.uint32), np.zeros(0, np.int64))


def by_length(lengths: np.ndarray) -> np.ndarray:
    """Return rows, the longest first and equal ones in their order."""
    return np.argsort(-lengths, kind="stable")


def to_slices(matrix: csr_array, order: np.ndarray, padded: int, dummy: int) -> Slices:
    """Arrange the rows of a CSR matrix in slices.

    Parameters
    ----------
    matrix : csr_array, shape (n, d)
        Entries may be in any order and occur twice.
    order : ndarray, int64 (n,)
        Its rows, in the order in which they are wanted.
    padded : int
        Number of rows to fill up to with empty ones, a multiple of 8.
    dummy : int
        Index of the number that is always 0.
    """
    lengths = np.diff(matrix.indptr).astype(np.int64)
    sorted_lengths = np.zeros(padded, np.int64)
    sorted_lengths[: order.size] = lengths[order]
    longest = sorted_lengths.reshape(-1, LANES).max(axis=1)
    starts = np.concatenate([[0], np.cumsum(LANES * longest)])
    rank = np.empty(order.size, np.int64)
    rank[order] = np.arange(order.size)
    first = starts[rank // LANES] + rank % LANES - LANES * matrix.indptr[:-1].astype(np.int64)
    places = np.repeat(first, lengths) + LANES * np.arange(matrix.data.size)
    values = aligned_zeros(int(starts[-1]))
    indices = np.full(values.size, dummy, np.uint32)
    values[places] = matrix.data
    indices[places] = matrix.indices
    return Slices(values, indices, starts)


def split(features: csr_array) -> tuple[np.ndarray, np.ndarray, np.ndarray, Slices, Slices]:
    """Arrange CSR data for both products.

    Returns
    -------
    rows, columns : ndarray, int64 (n,), (d,)
        The order of each; numbers below are places in it, except for the indices of columns.
    panels : ndarray
        The first columns, which are dense (see :func:`optbench.engine.products.to_panels`).
    by_row, by_column : Slices
        The other columns, and the same transposed.
    """
    from scipy.sparse import csr_array

    n, d = features.shape
    padded = -(-n // BLOCK_ROWS) * BLOCK_ROWS
    transposed = csr_array(features.T)
    lengths = np.diff(transposed.indptr)
    columns = by_length(lengths)
    dense = dense_columns(lengths[columns], padded)
    others = columns[dense:]
    lengths = np.where(np.isin(np.arange(d), others), lengths, 0)
    kept = np.repeat(lengths > 0, np.diff(transposed.indptr))
    starts = np.concatenate([[0], np.cumsum(lengths)])
    rest = csr_array((transposed.data[kept], transposed.indices[kept], starts), shape=(d, n))
    straight = csr_array(rest.T)
    rows = by_length(np.diff(straight.indptr))
    panels = np.zeros((0, 0, 0))
    if dense > 0:
        numbers = np.zeros((padded, dense))
        numbers[:n] = transposed[columns[:dense]].toarray()[:, rows].T
        panels = to_panels(numbers)
    # places in the order of rows, ascending: slopes are then read from the first to the last
    ranked = csr_array(straight[rows].T)
    size = -(-others.size // LANES) * LANES
    return (
        rows,
        columns,
        panels,
        to_slices(straight, rows, padded, dummy=d),
        to_slices(ranked[others], np.arange(others.size), size, dummy=padded),
    )


def dense_columns(lengths: np.ndarray, rows: int) -> int:
    """Return how many columns are kept dense, of those given by their falling lengths."""
    padded = np.zeros(-(-lengths.size // LANES) * LANES, np.int64)
    padded[: lengths.size] = lengths
    slices = padded.reshape(-1, LANES)
    numbers = LANES * slices[:, 0] + slices.sum(axis=1)
    return min(LANES * int(np.count_nonzero(numbers > DENSE * rows)), lengths.size)


def _gather(builder: Any, indices: Any, entry: Any, source: Any) -> Any:
    """Return the numbers at eight indices: eight loads."""
    vector = ir.Constant(_VECTOR, ir.Undefined)
    for k in range(LANES):
        index = builder.load(_offset(builder, indices, entry, _constant(k)))
        number = builder.load(builder.gep(source, [builder.zext(index, entry.type)]))
        vector = builder.insert_element(vector, number, ir.Constant(ir.IntType(32), k))
    return vector


def _slice_intrinsic(runs: int) -> Any:
    @intrinsic
    def product(
        _context: Any, values: Any, indices: Any, begin: Any, end: Any, source: Any, out: Any
    ) -> Any:
        signature = types.void(values, indices, types.int64, types.int64, source, out)

        def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            entries, places, numbers, result = (
                _array(context, builder, sig.args[k], args[k])[0] for k in (0, 1, 4, 5)
            )
            totals = _totals(builder, runs)  # eight rows of one run, or eight runs of each row
            for total in totals:
                builder.store(ir.Constant(_VECTOR, [0.0] * LANES), total)
            with cgutils.for_range_slice(builder, args[2], args[3], _constant(LANES)) as (entry, _):
                if runs == 1:
                    value = _load(builder, builder.gep(entries, [entry]))
                    gathered = _gather(builder, places, entry, numbers)
                    _add_product(builder, value, gathered, totals[0])
                else:
                    for k in range(LANES):
                        value = builder.load(_offset(builder, entries, entry, _constant(k)))
                        index = builder.load(_offset(builder, places, entry, _constant(k)))
                        place = builder.mul(builder.zext(index, entry.type), _constant(LANES))
                        number = _load(builder, builder.gep(numbers, [place]))
                        _add_product(builder, _splat(builder, value), number, totals[k])
            for k, total in enumerate(totals):
                _store(builder, builder.load(total), _offset(builder, result, _constant(k * LANES)))
            return context.get_dummy_value()

        return signature, codegen

    return product


def slice_product(runs: int) -> Callable[..., None]:
    """Return the tile ``out[i, q] = sum over entries of row i of value * source[index, q]``.

    ``tile(values, indices, begin, end, source, out)``: the slice lies from ``begin`` to ``end``;
    the eight rows i and the runs q, one or eight, of ``source`` and ``out`` lie in vectors.
    """

    def tile(values, indices, begin, end, source, out):  # type: ignore[no-untyped-def]
        x = values[begin:end].reshape(-1, LANES, 1)
        numbers = source[: source.size // runs * runs].reshape(-1, runs)[indices[begin:end]]
        out[: LANES * runs] = (x * numbers.reshape(-1, LANES, runs)).sum(axis=0).ravel()

    jitted = _slice_intrinsic(runs)

    @overload(tile, strict=False)
    def _tile(values, indices, begin, end, source, out):  # type: ignore[no-untyped-def]
        def implementation(values, indices, begin, end, source, out):  # type: ignore[no-untyped-def]
            jitted(values, indices, begin, end, source, out)

        return implementation

    return tile
