"""Loss and gradient of a batch of runs on CSR data, eight runs at a time or one.

128 rows at a time get their predictions and slopes, and the gradient of the columns that are kept
dense; the slopes of all rows then give that of the others (see :mod:`optbench.engine.slices`).
Eight runs lie side by side in a vector register, so that every entry is read once for all of them.
Either way a run's sums are formed in the same order: its bits do not depend on the batch.
"""

from __future__ import annotations

from optbench.engine.blocks import (
    add_features_of_four,
    add_features_of_one,
    predict_four,
    predict_one,
)
from optbench.engine.objective import add_losses, clear_losses, scale_losses, write_slopes
from optbench.engine.overloads import inlined
from optbench.engine.products import BLOCK_PANELS, BLOCK_ROWS, GROUP, PANEL_ROWS, add_lanes
from optbench.engine.slices import slices_product, transpose
from optbench.engine.types import Data, Kernels, Runs, Scratch
from optbench.engine.vectors import LANES

_product_of_eight, _product_of_one = slices_product(LANES), slices_product(1)


def sparse_objective(want_loss, kernels: Kernels, data: Data, scratch: Scratch, runs: Runs):
    """Evaluate CSR data."""
    count = runs.w.shape[0]
    clear_losses(want_loss, runs, runs)
    others = count - count % LANES
    for run in range(0, others, LANES):
        evaluate_runs(run, LANES, want_loss, kernels, data, scratch, runs)
    for run in range(others, count):
        evaluate_runs(run, 1, want_loss, kernels, data, scratch, runs)
    scale_losses(want_loss, data, runs, runs)


@inlined
def evaluate_runs(
    run, together, want_loss, kernels: Kernels, data: Data, scratch: Scratch, runs: Runs
):
    """Evaluate eight runs or one: compiled apart, since ``together`` is a number at each place."""
    copy_weights(run, together, runs.w, data, scratch)
    for first in range(0, data.rows, BLOCK_ROWS):
        predict_rows(first, together, data, scratch)
        slope_rows(first, run, together, want_loss, kernels, data, scratch, runs)
        if data.panels.shape[0] > 0:
            add_dense_gradient(first, together, data, scratch)
    write_gradient(run, together, data, scratch, runs.gradient_w)


@inlined
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


@inlined
def predict_rows(first, together, data: Data, scratch: Scratch):
    """Write the predictions of 128 rows, run by run, to ``scratch.predictions``.

    The part of the columns that are not kept dense is in place of the slopes meanwhile.
    """
    rows, z, weights = data.by_row, scratch.predictions, scratch.weights
    values, indices, starts = rows.values, rows.indices, rows.starts
    begin, end, others = first // LANES, (first + BLOCK_ROWS) // LANES, scratch.slopes
    if together == LANES:
        sums = scratch.lanes[first * LANES :]
        _product_of_eight(values, indices, starts, begin, end, weights, sums)
        for i in range(0, BLOCK_ROWS, LANES):
            transpose(sums, i * LANES, LANES, others, i, BLOCK_ROWS)
    else:
        _product_of_one(values, indices, starts, begin, end, weights, others)
    if data.panels.shape[0] > 0:
        panel = first // PANEL_ROWS
        if together == LANES:
            for q in range(0, LANES, GROUP):
                own = z[q * BLOCK_ROWS :]
                predict_four(scratch.dense, data.panels, panel, BLOCK_PANELS, q, own)
        else:
            predict_one(scratch.dense, data.panels, panel, BLOCK_PANELS, 0, z)
        for i in range(together * BLOCK_ROWS):
            z[i] += others[i]
    else:
        for i in range(together * BLOCK_ROWS):
            z[i] = others[i]


@inlined
def slope_rows(
    first, run, together, want_loss, kernels: Kernels, data: Data, scratch: Scratch, runs
):
    """Write the slopes of 128 rows, run by run and side by side; add their losses if wanted."""
    rows = min(BLOCK_ROWS, data.rows - first)
    targets = data.targets[first : first + rows]
    lanes = scratch.lanes[first * together : (first + BLOCK_ROWS) * together]
    for q in range(together):
        z = scratch.predictions[q * BLOCK_ROWS : q * BLOCK_ROWS + rows]
        slopes = scratch.slopes[q * BLOCK_ROWS : (q + 1) * BLOCK_ROWS] if together > 1 else lanes
        write_slopes(run + q, z, targets, slopes[:rows], kernels, runs)
        slopes[rows:] = 0.0
        if want_loss or runs.needs_loss[run + q]:
            add_losses(run + q, want_loss, z, targets, kernels, runs, runs)
    if together == LANES:
        for i in range(0, BLOCK_ROWS, LANES):
            transpose(scratch.slopes, i, BLOCK_ROWS, lanes, i * LANES, LANES)


@inlined
def add_dense_gradient(first, together, data: Data, scratch: Scratch):
    """Add 128 rows to the lane sums of the columns that are kept dense."""
    panels, panel, sums = data.panels, first // PANEL_ROWS, scratch.sums
    begins, ends = first == 0, first + BLOCK_ROWS >= data.rows
    for j in range(0, panels.shape[1], LANES):
        if together == LANES:
            for q in range(0, LANES, GROUP):
                slopes = scratch.slopes[q * BLOCK_ROWS :]
                add_features_of_four(panels, panel, BLOCK_PANELS, j, slopes, q, sums, j, begins)
        else:
            slopes = scratch.lanes[first : first + BLOCK_ROWS]
            add_features_of_one(panels, panel, BLOCK_PANELS, j, slopes, 0, sums, j, begins)
        if ends:
            for q in range(together):
                add_lanes(sums, q, j, data.scale, scratch.dense, q, j)


@inlined
def write_gradient(run, together, data: Data, scratch: Scratch, gradient):
    """Write the gradient of the dense columns and of the slices of the others."""
    columns, order, sums = data.by_column, data.columns_order, scratch.weights
    dense = min(data.panels.shape[1], gradient.shape[1])
    for q in range(together):
        own = gradient[run + q]
        for k in range(dense):
            own[order[k]] = scratch.dense[q, k]
    others, last = order[dense:], columns.starts.size - 1
    values, indices, starts = columns.values, columns.indices, columns.starts
    if together == LANES:
        _product_of_eight(values, indices, starts, 0, last, scratch.lanes, sums)
        for q in range(LANES):
            own = gradient[run + q]
            for k in range(others.size):
                own[others[k]] = data.scale * sums[k * LANES + q]
    else:
        _product_of_one(values, indices, starts, 0, last, scratch.lanes, sums)
        own = gradient[run]
        for k in range(others.size):
            own[others[k]] = data.scale * sums[k]
