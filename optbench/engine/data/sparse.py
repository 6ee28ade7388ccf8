"""Loss and gradient of a batch of runs on CSR data, eight runs at a time or one.

128 rows at a time get their predictions and slopes, and the gradient of the columns that are kept
dense; the slopes of all rows then give that of the others (see :mod:`optbench.engine.data.slices`).
Eight runs lie side by side in a vector register, so that every entry is read once for all of them.
Either way a run's sums are formed in the same order: its bits do not depend on the batch.  Of
several outputs a row, those of one run take the places of runs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from optbench.engine.compiler.overloads import inlined
from optbench.engine.compiler.vectors import LANES
from optbench.engine.compiler.views import by_output, part
from optbench.engine.data.blocks import (
    add_features_of_four,
    add_features_of_one,
    predict_four,
    predict_one,
)
from optbench.engine.data.dense import add_losses, clear_losses, scale_losses, write_slopes
from optbench.engine.data.outputs import add_losses_of_outputs
from optbench.engine.data.panels import BLOCK_PANELS, BLOCK_ROWS, GROUP, PANEL_ROWS, add_lanes
from optbench.engine.data.slices import slices_product, transpose
from optbench.engine.types import Data, Kernels, Runs, Scratch

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


class Share(NamedTuple):
    """The working memory of eight outputs, or of one: as :class:`Scratch` is that of runs."""

    weights: np.ndarray
    lanes: np.ndarray
    dense: np.ndarray
    sums: np.ndarray
    predictions: np.ndarray
    slopes: np.ndarray


def each_share(act: Callable[..., Any]) -> Callable[..., Any]:
    """Return what does something for the outputs of a run, eight at a time and one by one.

    ``act(first, output, together, matrix, data, share)``: ``output`` numbers those of all runs.
    """

    @inlined
    def act_on(c, together, first, run, matrix, data, scratch):
        rows = (data.by_row.starts.size - 1) * LANES + 1
        features = scratch.weights.size // data.outputs
        share = Share(
            part(scratch.weights, c * features, together * features),
            part(scratch.lanes, c * rows, together * rows),
            scratch.dense[c : c + together],
            scratch.sums[c : c + together],
            part(scratch.predictions, c * BLOCK_ROWS, together * BLOCK_ROWS),
            part(scratch.slopes, c * BLOCK_ROWS, together * BLOCK_ROWS),
        )
        act(first, run * data.outputs + c, together, matrix, data, share)

    @inlined
    def over_outputs(first, run, matrix, data, scratch):
        others = data.outputs - data.outputs % LANES
        for c in range(0, others, LANES):
            act_on(c, LANES, first, run, matrix, data, scratch)
        for c in range(others, data.outputs):
            act_on(c, 1, first, run, matrix, data, scratch)

    return over_outputs


@each_share
@inlined
def copy_outputs(_first, output, together, w, data, share):
    """Copy the weights of some outputs."""
    copy_weights(output, together, w, data, share)


@each_share
@inlined
def predict_outputs(first, _output, together, _w, data, share):
    """Write the predictions of 128 rows."""
    predict_rows(first, together, data, share)


@each_share
@inlined
def take_slopes(first, _output, together, _w, data, share):
    """Copy the slopes of 128 rows to those of all, and add the gradient of dense columns."""
    if together == LANES:
        slopes_side_by_side(first, share)
    else:
        lanes = part(share.lanes, first, BLOCK_ROWS)
        for i in range(BLOCK_ROWS):
            lanes[i] = share.slopes[i]
    if data.panels.shape[0] > 0:
        add_dense_gradient(first, together, data, share)


@each_share
@inlined
def write_outputs(_first, output, together, gradient, data, share):
    """Write the gradient of some outputs."""
    write_gradient(output, together, data, share, gradient)


def sparse_outputs_objective(want_loss, kernels: Kernels, data: Data, scratch: Scratch, runs: Runs):
    """Evaluate several outputs on CSR data."""
    evaluate_outputs(want_loss, kernels, data, scratch, runs)


@inlined
def evaluate_outputs(want_loss, kernels: Kernels, data: Data, scratch: Scratch, runs: Runs):
    """Evaluate several outputs on CSR data, run by run."""
    clear_losses(want_loss, runs, runs)
    w, gradient = by_output(runs.w, data.outputs), by_output(runs.gradient_w, data.outputs)
    for run in range(runs.w.shape[0]):
        copy_outputs(0, run, w, data, scratch)
        for first in range(0, data.rows, BLOCK_ROWS):
            predict_outputs(first, run, w, data, scratch)
            slope_outputs(first, run, want_loss, kernels, data, scratch, runs)
            take_slopes(first, run, w, data, scratch)
        write_outputs(0, run, gradient, data, scratch)
    scale_losses(want_loss, data, runs, runs)


@inlined
def slope_outputs(first, run, want_loss, kernels: Kernels, data: Data, scratch: Scratch, runs):
    """Write the slopes of 128 rows, output by output; add their losses if wanted."""
    rows, width = min(BLOCK_ROWS, data.rows - first), data.target_size
    size = data.outputs * BLOCK_ROWS
    z, slopes = part(scratch.predictions, 0, size), part(scratch.slopes, 0, size)
    targets = part(data.targets, first * width, rows * width)
    write_slopes(run, z, targets, slopes, kernels, runs)
    for c in range(data.outputs):
        part(slopes, c * BLOCK_ROWS, BLOCK_ROWS)[rows:] = 0.0
    if want_loss or runs.needs_loss[run]:
        add_losses_of_outputs(run, want_loss, z, targets, data, kernels, runs, runs)


@inlined
def slopes_side_by_side(first, scratch):
    """Copy the slopes of 128 rows of eight runs, which lie run by run."""
    lanes = scratch.lanes[first * LANES : (first + BLOCK_ROWS) * LANES]
    for i in range(0, BLOCK_ROWS, LANES):
        transpose(scratch.slopes, i, BLOCK_ROWS, lanes, i * LANES, LANES)


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
def copy_weights(run, together, w, data: Data, scratch: Scratch | Share):
    """Copy the runs' weights side by side, those of dense columns run by run; end with zeros."""
    features, padded = w.shape[1], (data.by_row.starts.size - 1) * LANES
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
def predict_rows(first, together, data: Data, scratch: Scratch | Share):
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
        slopes_side_by_side(first, scratch)


@inlined
def add_dense_gradient(first, together, data: Data, scratch: Scratch | Share):
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
def write_gradient(run, together, data: Data, scratch: Scratch | Share, gradient):
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
