"""Loss and gradient of a batch of runs on CSR data, eight runs at a time or one.

128 rows at a time get their predictions and slopes, and the gradient of the columns that are kept
dense; the slopes of all rows then give that of the others (see :mod:`optbench.engine.slices`).
Eight runs lie side by side in a vector register, so that every entry is read once for all of them.
Either way a run's sums are formed in the same order: its bits do not depend on the batch.
"""

from __future__ import annotations

import numpy as np
from numba.extending import register_jitable

from optbench.engine.objective import (
    GROUP,
    LN2,
    _gradient_1x8,
    _gradient_4x4,
    _predictions_1x4,
    _predictions_4x2,
    add_losses,
)
from optbench.engine.products import BLOCK_PANELS, BLOCK_ROWS, LANES, PANEL_ROWS, reduce_lanes
from optbench.engine.slices import slice_product
from optbench.engine.types import Data, Kernels, Runs, Scratch, call_slopes

_product_of_eight, _product_of_one = slice_product(LANES), slice_product(1)


def sparse_objective(want_loss, kernels: Kernels, data: Data, scratch: Scratch, runs: Runs):
    """Evaluate CSR data."""
    count, features = runs.w.shape
    for run in range(count):
        runs.loss[run] = 0.0
        runs.lowest[run] = np.inf
    run = 0
    while run < count:
        together = LANES if run + LANES <= count else 1
        copy_weights(run, together, runs.w, data, scratch)
        for first in range(0, data.rows, BLOCK_ROWS):
            predict_rows(first, together, data, scratch)
            slope_rows(first, run, together, want_loss, kernels, data, scratch, runs)
            if data.panels.shape[0] > 0:
                add_dense_gradient(first, together, data, scratch)
        write_gradient(run, together, data, scratch, runs.gradient_w)
        run += together
    for run in range(count):
        runs.loss[run] *= data.scale
        for j in range(features):
            runs.gradient_w[run, j] *= data.scale


@register_jitable
def copy_weights(run, together, w, data: Data, scratch: Scratch):
    """Copy the runs' weights side by side, those of dense columns run by run; end with zeros."""
    features, padded = w.shape[1], data.targets.size
    weights = scratch.weights
    if together == LANES:
        for j in range(features):
            for q in range(LANES):
                weights[j * LANES + q] = w[run + q, j]
    else:
        for j in range(features):
            weights[j] = w[run, j]
    for q in range(together):
        weights[features * together + q] = 0.0
        scratch.lanes[padded * together + q] = 0.0
        own, chosen = w[run + q], scratch.dense[q]
        for k in range(min(chosen.size, features)):
            chosen[k] = own[data.columns_order[k]]


@register_jitable
def predict_rows(first, together, data: Data, scratch: Scratch):
    """Write the predictions of 128 rows, run by run, to ``scratch.predictions``."""
    rows, z = data.by_row, scratch.predictions
    values, indices, weights = rows.values, rows.indices, scratch.weights
    panel, slices = first // PANEL_ROWS, BLOCK_ROWS // LANES
    starts = rows.starts[first // LANES : first // LANES + slices + 1]
    sums = scratch.lanes[first * together : (first + BLOCK_ROWS) * together]
    if data.panels.shape[0] == 0:
        z[: together * BLOCK_ROWS] = 0.0
    if together == LANES:
        if data.panels.shape[0] > 0:
            for q in range(0, LANES, GROUP):
                for p in range(0, BLOCK_PANELS, 2):
                    row = q * BLOCK_ROWS + p * PANEL_ROWS
                    _predictions_4x2(
                        data.panels, panel + p, scratch.dense, q, z, row, BLOCK_ROWS
                    )
        for k in range(slices):
            out = sums[k * LANES * LANES : (k + 1) * LANES * LANES]
            _product_of_eight(values, indices, starts[k], starts[k + 1], weights, out)
        for q in range(LANES):
            own = z[q * BLOCK_ROWS : (q + 1) * BLOCK_ROWS]
            for i in range(BLOCK_ROWS):
                own[i] += sums[i * LANES + q]
    else:
        if data.panels.shape[0] > 0:
            for p in range(0, BLOCK_PANELS, 4):
                _predictions_1x4(
                    data.panels, panel + p, scratch.dense, 0, z, p * PANEL_ROWS, BLOCK_ROWS
                )
        for k in range(slices):
            out = sums[k * LANES : (k + 1) * LANES]
            _product_of_one(values, indices, starts[k], starts[k + 1], weights, out)
        for i in range(BLOCK_ROWS):
            z[i] += sums[i]


@register_jitable
def slope_rows(
    first, run, together, want_loss, kernels: Kernels, data: Data, scratch: Scratch, runs
):
    """Write the slopes of 128 rows, run by run and side by side; add their losses if wanted."""
    rows = min(BLOCK_ROWS, data.rows - first)
    targets = data.targets[first : first + rows]
    lanes = scratch.lanes[first * together : (first + BLOCK_ROWS) * together]
    for q in range(together):
        near = runs.exponents[run + q] == 0
        unit = runs.exponents[run + q] * LN2
        kernel = kernels.slopes if near else kernels.tail_slopes
        z = scratch.predictions[q * BLOCK_ROWS : q * BLOCK_ROWS + rows]
        slopes = scratch.slopes[q * BLOCK_ROWS : (q + 1) * BLOCK_ROWS]
        call_slopes(kernel, (z, targets, unit, slopes[:rows]))
        slopes[rows:] = 0.0
        if want_loss:
            add_losses(run + q, z, targets, kernels, runs)
    if together == LANES:
        for q in range(LANES):
            own = scratch.slopes[q * BLOCK_ROWS : (q + 1) * BLOCK_ROWS]
            for i in range(BLOCK_ROWS):
                lanes[i * LANES + q] = own[i]
    else:
        for i in range(BLOCK_ROWS):
            lanes[i] = scratch.slopes[i]


@register_jitable
def add_dense_gradient(first, together, data: Data, scratch: Scratch):
    """Add 128 rows to the lane sums of the columns that are kept dense."""
    panel, sums = first // PANEL_ROWS, scratch.sums
    begins, ends = first == 0, first + BLOCK_ROWS >= data.rows
    for j in range(0, data.panels.shape[1], LANES):
        if together == LANES:
            for q in range(0, LANES, GROUP):
                r = scratch.slopes[q * BLOCK_ROWS :]
                _gradient_4x4(data.panels, panel, BLOCK_PANELS, j, r, q, sums, begins)
                _gradient_4x4(data.panels, panel, BLOCK_PANELS, j + 4, r, q, sums, begins)
        else:
            _gradient_1x8(data.panels, panel, BLOCK_PANELS, j, scratch.slopes, 0, sums, begins)
        if ends:
            for q in range(together):
                reduce_lanes(sums, q, j)


@register_jitable
def write_gradient(run, together, data: Data, scratch: Scratch, gradient):
    """Write the gradient of the dense columns and of the slices of the others."""
    columns, lanes, out = data.by_column, scratch.lanes, scratch.predictions[: LANES * LANES]
    features, dense = gradient.shape[1], min(data.panels.shape[1], gradient.shape[1])
    for q in range(together):
        own = gradient[run + q]
        for k in range(dense):
            own[data.columns_order[k]] = scratch.sums[q, k // LANES * LANES, k % LANES]
    for k in range(columns.starts.size - 1):
        begin, end = columns.starts[k], columns.starts[k + 1]
        places = data.columns_order[dense + k * LANES : min(dense + (k + 1) * LANES, features)]
        if together == LANES:
            _product_of_eight(columns.values, columns.indices, begin, end, lanes, out)
            for i in range(places.size):
                for q in range(LANES):
                    gradient[run + q, places[i]] = out[i * LANES + q]
        else:
            _product_of_one(columns.values, columns.indices, begin, end, lanes, out)
            for i in range(places.size):
                gradient[run, places[i]] = out[i]
