"""Loss and gradient of a batch of runs on dense data: one pass over the matrix a step.

loss(w) = scale * sum_i l((X w)_i, target_i);  gradient = scale * X^T l'(X w).
A run with exponent e > 0 gets both in units of 2**-e, from the tail l(m) = exp(-m) of the loss.
"""

from __future__ import annotations

import numpy as np
from numba.extending import register_jitable

from optbench.engine.products import (
    BLOCK_PANELS,
    BLOCK_ROWS,
    PANEL_ROWS,
    gradient_tile,
    predictions_tile,
)
from optbench.engine.types import Data, Kernels, Runs, Scratch, call_losses, call_slopes

LN2 = 0.6931471805599453

_predictions_4x1 = predictions_tile(4, 1)
_predictions_1x4 = predictions_tile(1, 4)
_predictions_1x1 = predictions_tile(1, 1)
_gradient_4x4 = gradient_tile(4, 4)
_gradient_1x8 = gradient_tile(1, 8)


def dense_objective(want_loss, kernels: Kernels, data: Data, scratch: Scratch, state: Runs):
    """Evaluate dense data, four runs at a time: each block of the matrix is read once."""
    w, gradient, exponents = state.w, state.gradient_w, state.exponents
    loss, lowest = state.loss, state.lowest
    runs, features = w.shape
    z, sums = scratch.predictions, scratch.sums
    sums[:] = 0.0
    for run in range(runs):
        loss[run] = 0.0
        lowest[run] = np.inf
    for panel in range(0, data.panels.shape[0], BLOCK_PANELS):
        first = panel * PANEL_ROWS
        panels = min(BLOCK_PANELS, data.panels.shape[0] - panel)
        rows = min(BLOCK_ROWS, data.rows - first)
        run = 0
        while run < runs:
            together = 4 if run + 4 <= runs else 1
            predict_block(w, data, panel, panels, run, together, z)
            for q in range(together):
                near = exponents[run + q] == 0
                unit = exponents[run + q] * LN2
                wanted = slope_rows(q, first, rows, near, unit, want_loss, kernels, data, scratch)
                loss[run + q] += wanted
                for i in range(rows, panels * PANEL_ROWS):
                    scratch.slopes[q, i] = 0.0
                if want_loss:
                    low = lowest_margin(q, first, rows, data, scratch)
                    lowest[run + q] = min(lowest[run + q], low)
            add_gradient_block(data, panel, panels, run, together, scratch)
            run += together
    for run in range(runs):
        loss[run] *= data.scale
        for j in range(features):
            even = (sums[run, j, 0] + sums[run, j, 4]) + (sums[run, j, 2] + sums[run, j, 6])
            odd = (sums[run, j, 1] + sums[run, j, 5]) + (sums[run, j, 3] + sums[run, j, 7])
            gradient[run, j] = data.scale * (even + odd)


@register_jitable
def predict_block(w, data: Data, panel, panels, run, together, z):
    """Write the predictions of a block of rows, for four runs or one."""
    if together == 4:
        for p in range(panels):
            _predictions_4x1(data.panels, panel + p, w, run, z, p * PANEL_ROWS)
    elif panels == BLOCK_PANELS:
        _predictions_1x4(data.panels, panel, w, run, z, 0)
    else:
        for p in range(panels):
            _predictions_1x1(data.panels, panel + p, w, run, z, p * PANEL_ROWS)


@register_jitable
def add_gradient_block(data: Data, panel, panels, run, together, scratch: Scratch):
    """Add a block of rows to the lane sums of four runs or one."""
    width = data.panels.shape[1]
    if together == 4:
        for j in range(0, width, 4):
            _gradient_4x4(data.panels, panel, panels, j, scratch.slopes, run, scratch.sums)
    else:
        for j in range(0, width, 8):
            _gradient_1x8(data.panels, panel, panels, j, scratch.slopes, run, scratch.sums)


@register_jitable
def slope_rows(
    q, first, rows, near, unit, want_loss, kernels: Kernels, data: Data, scratch: Scratch
):
    """Write the slopes of some rows of one run to ``scratch``; return their loss if wanted."""
    z, targets = scratch.predictions[q, :rows], data.targets[first : first + rows]
    slopes = kernels.slopes if near else kernels.tail_slopes
    call_slopes(slopes, (z, targets, unit, scratch.slopes[q, :rows]))
    if not want_loss:
        return 0.0
    losses = kernels.losses if near else kernels.tail_losses
    return call_losses(losses, (z, targets, unit))


@register_jitable
def lowest_margin(q, first, rows, data: Data, scratch: Scratch):
    """Smallest prediction times target of some rows of one run."""
    low = np.inf
    for i in range(rows):
        low = min(low, scratch.predictions[q, i] * data.targets[first + i])
    return low
