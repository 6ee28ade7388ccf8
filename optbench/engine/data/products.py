"""Products with the data matrix for optimizers that ask for it, one run at a time.

``product(which, data, scratch, given, out)``, of one kind for each layout.  ``which`` says what is
written: A x, A^T y, or sums of absolute values by row or by column, for which nothing is given.
Rows are in the order of the data.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from optbench.engine.compiler.cache import compile_kernel, once
from optbench.engine.compiler.overloads import inlined
from optbench.engine.compiler.views import part
from optbench.engine.data.bands import BAND_ROWS, band_entry
from optbench.engine.data.blocks import Passes, band_passes, panel_passes
from optbench.engine.data.layouts import block_panels
from optbench.engine.data.panels import PANEL_ROWS
from optbench.engine.types import Data, Scratch, product_s
from optbench.linear_algebra.features import ABSOLUTE_TIMES, TIMES, TRANSPOSED_TIMES
from optbench.parametrizations.matrices import as_matrix


class Unscaled(NamedTuple):
    """Data whose gradient is a product and nothing else."""

    panels: np.ndarray
    scale: float


def block_times(passes: Passes) -> Callable[..., None]:
    """Return what writes A x for dense data in one layout."""
    size, predict = passes.size, passes.predict

    @inlined
    def times(data: Data, scratch: Scratch, x: np.ndarray, out: np.ndarray) -> None:
        count, z = data.panels.shape[0], scratch.predictions
        weights, block = as_matrix(x, 1, x.size), block_panels(data.panels.shape)
        for panel in range(0, count, block):
            panels, first = min(block, count - panel), panel * size
            predict(weights, data.panels, panel, panels, 0, z)
            own = part(out, first, min(panels * size, data.rows - first))
            for i in range(own.size):
                own[i] = z[i]

    return times


def block_transposed(passes: Passes) -> Callable[..., None]:
    """Return what writes A^T y for dense data in one layout."""
    size, add_gradient = passes.size, passes.add_gradient

    @inlined
    def transposed_times(data: Data, scratch: Scratch, y: np.ndarray, out: np.ndarray) -> None:
        count, slopes = data.panels.shape[0], scratch.slopes
        product, block = as_matrix(out, 1, out.size), block_panels(data.panels.shape)
        plain = Unscaled(data.panels, 1.0)
        for panel in range(0, count, block):
            panels, first = min(block, count - panel), panel * size
            own = part(y, first, min(panels * size, data.rows - first))
            for i in range(own.size):
                slopes[i] = own[i]
            for i in range(own.size, panels * size):
                slopes[i] = 0.0
            ends = panel + panels == count
            add_gradient(panel, panels, 0, plain, scratch, panel == 0, ends, product)

    return transposed_times


@inlined
def panel_entry(panels: np.ndarray, row: int, j: int) -> float:
    """Return feature j of a row of data in panels."""
    number: float = panels[row // PANEL_ROWS, j, row % PANEL_ROWS]
    return number


@inlined
def entry_of_bands(bands: np.ndarray, row: int, j: int) -> float:
    """Return feature j of a row of data in bands."""
    number: float = band_entry(bands, row // BAND_ROWS, row % BAND_ROWS, j)
    return number


@inlined
def raw_entry(panels: np.ndarray, row: int, j: int) -> float:
    """Return feature j of a row of a raw matrix."""
    number: float = panels[0, row, j]
    return number


@inlined
def absolute(
    entry: Callable[..., float],
    which: int,
    data: Data,
    columns: int,
    given: np.ndarray,
    out: np.ndarray,
) -> None:
    """Write |A| x or |A|^T y for dense data, entry by entry."""
    out[:] = 0.0
    for row in range(data.rows):
        for j in range(columns):
            size = abs(entry(data.panels, row, j))
            if which == ABSOLUTE_TIMES:
                out[row] += size * given[j]
            else:
                out[j] += size * given[row]


panels_times = block_times(panel_passes(1))
panels_transposed_times = block_transposed(panel_passes(1))
bands_times = block_times(band_passes(1))
bands_transposed_times = block_transposed(band_passes(1))


def dense_product(which, data: Data, scratch: Scratch, given, out):
    """Multiply with data in panels."""
    if which == TIMES:
        panels_times(data, scratch, given, out)
    elif which == TRANSPOSED_TIMES:
        panels_transposed_times(data, scratch, given, out)
    else:
        columns = given.size if which == ABSOLUTE_TIMES else out.size
        absolute(panel_entry, which, data, columns, given, out)


def wide_product(which, data: Data, scratch: Scratch, given, out):
    """Multiply with data in bands."""
    if which == TIMES:
        bands_times(data, scratch, given, out)
    elif which == TRANSPOSED_TIMES:
        bands_transposed_times(data, scratch, given, out)
    else:
        columns = given.size if which == ABSOLUTE_TIMES else out.size
        absolute(entry_of_bands, which, data, columns, given, out)


def sparse_product(which, data: Data, scratch: Scratch, given, out):
    """Multiply with CSR data."""
    values, columns, starts = data.values, data.columns, data.starts
    out[:] = 0.0
    if which == TIMES:
        for row in range(data.rows):
            total = 0.0
            for entry in range(starts[row], starts[row + 1]):
                total += values[entry] * given[columns[entry]]
            out[row] = total
    elif which == TRANSPOSED_TIMES:
        for row in range(data.rows):
            for entry in range(starts[row], starts[row + 1]):
                out[columns[entry]] += values[entry] * given[row]
    else:
        for row in range(data.rows):
            for entry in range(starts[row], starts[row + 1]):
                size, j = abs(values[entry]), columns[entry]
                if which == ABSOLUTE_TIMES:
                    out[row] += size * given[j]
                else:
                    out[j] += size * given[row]


def own_product(which, data: Data, scratch: Scratch, given, out):
    """Multiply with the raw matrix of an objective of the plug-in's own."""
    matrix = data.panels[0]
    if which == TIMES:
        for row in range(out.size):
            total = 0.0
            for j in range(given.size):
                total += matrix[row, j] * given[j]
            out[row] = total
    elif which == TRANSPOSED_TIMES:
        out[:] = 0.0
        for row in range(given.size):
            for j in range(out.size):
                out[j] += matrix[row, j] * given[row]
    else:
        columns = given.size if which == ABSOLUTE_TIMES else out.size
        absolute(raw_entry, which, data, columns, given, out)


PRODUCTS = {
    "dense": dense_product,
    "wide": wide_product,
    "sparse": sparse_product,
    "own": own_product,
}


@once
def bind_product(kind: str) -> Any:
    """Compile the product of one layout: a key of ``PRODUCTS``."""
    flags = {"contract", "reassoc"}
    return compile_kernel(PRODUCTS[kind], product_s, fastmath=flags, from_python=False)
