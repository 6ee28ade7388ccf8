"""Hessian-vector products: H v = scale X^T diag(l''(X w)) X v, of a batch of runs.

They are an evaluation of two outputs a row with predictions X w and X v, whose slopes are 0 and
l''(x_i . w) x_i . v: both go over the data together, and what serves several outputs serves them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from optbench.engine.compiler.overloads import inlined
from optbench.engine.data.dense import Totals
from optbench.engine.data.outputs import evaluate_bands_of_outputs, evaluate_panels_of_outputs
from optbench.engine.data.sparse import evaluate_outputs
from optbench.engine.types import Data, Kernels, Scratch, Slices


class Curved(NamedTuple):
    """The kernels of the two outputs; there is no loss."""

    slopes: int
    tail_slopes: int
    losses: int
    tail_losses: int


class Paired(NamedTuple):
    """The data with two outputs a row, whatever its row loss takes."""

    panels: np.ndarray
    by_row: Slices
    by_column: Slices
    columns_order: np.ndarray
    targets: np.ndarray
    rows: int
    scale: float
    outputs: int
    target_size: int


@inlined
def curved(kernels: Kernels):
    """Return the kernels of the two outputs."""
    return Curved(kernels.curvatures, kernels.tail_curvatures, kernels.losses, kernels.tail_losses)


@inlined
def paired(data: Data):
    """Return the data of the two outputs."""
    return Paired(
        data.panels,
        data.by_row,
        data.by_column,
        data.columns_order,
        data.targets,
        data.rows,
        data.scale,
        2,
        1,
    )


@inlined
def dense_product(evaluate_rows, kernels: Kernels, data: Data, scratch: Scratch):
    """Multiply on dense data, by one thread."""
    pairs, panels = scratch.pairs, data.panels.shape[0]
    totals = Totals(pairs.loss, pairs.lowest, pairs.gradient_w)
    evaluate_rows(0, panels, False, curved(kernels), paired(data), scratch, pairs, totals)


def panels_product(kernels: Kernels, data: Data, scratch: Scratch):
    """Multiply on dense data in panels."""
    dense_product(evaluate_panels_of_outputs, kernels, data, scratch)


def bands_product(kernels: Kernels, data: Data, scratch: Scratch):
    """Multiply on dense data in bands."""
    dense_product(evaluate_bands_of_outputs, kernels, data, scratch)


def sparse_product(kernels: Kernels, data: Data, scratch: Scratch):
    """Multiply on CSR data."""
    evaluate_outputs(False, curved(kernels), paired(data), scratch, scratch.pairs)
