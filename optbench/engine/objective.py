"""Loss and gradient of a batch of runs on dense data: one pass over the matrix a step.

loss(w) = scale * sum_i l((X w)_i, target_i);  gradient = scale * X^T l'(X w).
A run with exponent e > 0 gets both in units of 2**-e, from the tail l(m) = exp(-m) of the loss.
"""

from __future__ import annotations

import numpy as np
from numba.extending import register_jitable

from optbench.engine.products import (
    GROUP,
    PANEL_ROWS,
    block_panels,
    gradient_tile,
    predictions_tile,
    reduce_lanes,
)
from optbench.engine.types import Data, Kernels, Runs, Scratch, call_losses, call_slopes
from optbench.engine.vectors import LANES
from optbench.engine.views import part

LN2 = 0.6931471805599453
# A span of blocks stays in the second-level cache while every group of runs reads it.
SPAN_NUMBERS = 2**16

predictions_4x2 = predictions_tile(4, 2)
predictions_4x1 = predictions_tile(4, 1)
predictions_1x4 = predictions_tile(1, 4)
predictions_1x1 = predictions_tile(1, 1)
gradient_4x4 = gradient_tile(4, 4)
gradient_1x8 = gradient_tile(1, 8)


@register_jitable
def evaluate_rows(
    begin,
    end,
    want_loss,
    kernels: Kernels,
    data: Data,
    scratch: Scratch,
    runs: Runs,
    loss,
    lowest,
    gradient,
):
    """Write loss, lowest margin and gradient of some panels, four runs at a time."""
    count, width = runs.w.shape[0], data.panels.shape[1]
    for run in range(count):
        loss[run] = 0.0
        lowest[run] = np.inf
    block = block_panels(width)
    span = end - begin
    if count > GROUP:
        span = max(SPAN_NUMBERS // (PANEL_ROWS * width), block) // block * block
    for start in range(begin, end, span):
        stop = min(start + span, end)
        run = 0
        while run < count:
            together = GROUP if run + GROUP <= count else 1
            for panel in range(start, stop, block):
                some = min(block, stop - panel)
                first, last = panel == begin, panel + some == end
                predict_block(runs.w, data, panel, some, run, together, scratch.predictions)
                slope_block(panel, some, run, together, kernels, data, scratch, runs)
                if want_loss:
                    rows = min(some * PANEL_ROWS, data.rows - panel * PANEL_ROWS)
                    targets = part(data.targets, panel * PANEL_ROWS, rows)
                    for q in range(together):
                        z = part(scratch.predictions, q * some * PANEL_ROWS, rows)
                        add_losses(run + q, z, targets, kernels, runs, loss, lowest)
                add_gradient_block(panel, some, run, together, data, scratch, first, last, gradient)
            run += together
    for run in range(count):
        loss[run] *= data.scale


@register_jitable
def predict_block(w, data: Data, panel, panels, run, together, z):
    """Write the predictions of a block of rows, for four runs or one.

    The last tile reaches back where panels are left over: it writes the same numbers again.
    """
    stride = panels * PANEL_ROWS
    if together == GROUP:
        if panels == 1:
            predictions_4x1(data.panels, panel, w, run, z, 0, stride)
        else:
            for place in range(0, panels, 2):
                p = min(place, panels - 2)
                predictions_4x2(data.panels, panel + p, w, run, z, p * PANEL_ROWS, stride)
    elif panels < 4:
        for p in range(panels):
            predictions_1x1(data.panels, panel + p, w, run, z, p * PANEL_ROWS, stride)
    else:
        for place in range(0, panels, 4):
            p = min(place, panels - 4)
            predictions_1x4(data.panels, panel + p, w, run, z, p * PANEL_ROWS, stride)


@register_jitable
def slope_block(
    panel, panels, run, together, kernels: Kernels, data: Data, scratch: Scratch, runs: Runs
):
    """Write the slopes of a block of rows, for four runs or one."""
    first, stride = panel * PANEL_ROWS, panels * PANEL_ROWS
    rows = min(stride, data.rows - first)
    near = True
    for q in range(together):
        near = near and runs.exponents[run + q] == 0
    if near and together == GROUP:
        size, targets = GROUP * stride, part(data.repeated, GROUP * first, GROUP * stride)
        z, slopes = part(scratch.predictions, 0, size), part(scratch.slopes, 0, size)
        call_slopes(kernels.slopes, (z, targets, 0.0, slopes))
    else:
        for q in range(together):
            near = runs.exponents[run + q] == 0
            unit = runs.exponents[run + q] * LN2
            targets = part(data.targets, first, stride)
            z = part(scratch.predictions, q * stride, stride)
            slopes = part(scratch.slopes, q * stride, stride)
            call_slopes(kernels.slopes if near else kernels.tail_slopes, (z, targets, unit, slopes))
    if rows < stride:
        for q in range(together):
            for i in range(q * stride + rows, (q + 1) * stride):
                scratch.slopes[i] = 0.0


@register_jitable
def add_losses(run, z, targets, kernels: Kernels, runs: Runs, loss, lowest):
    """Add the losses of some rows of a run, and keep its lowest margin."""
    losses = kernels.losses if runs.exponents[run] == 0 else kernels.tail_losses
    loss[run] += call_losses(losses, (z, targets, runs.exponents[run] * LN2))
    for i in range(z.size):
        lowest[run] = min(lowest[run], z[i] * targets[i])


@register_jitable
def add_gradient_block(
    panel, panels, run, together, data: Data, scratch: Scratch, first, last, gradient
):
    """Add a block of rows to the lane sums of four runs or one; after the last, add the lanes.

    One block alone keeps no sums for later: those of all features have the same place.
    """
    slopes, sums, features = scratch.slopes, scratch.sums, gradient.shape[1]
    for j in range(0, data.panels.shape[1], LANES):
        place = 0 if first and last else j
        if together == GROUP:
            half = place + LANES // 2
            gradient_4x4(data.panels, panel, panels, j, slopes, run, sums, place, first)
            gradient_4x4(data.panels, panel, panels, j + LANES // 2, slopes, run, sums, half, first)
        else:
            gradient_1x8(data.panels, panel, panels, j, slopes, run, sums, place, first)
        if last:
            for q in range(together):
                reduce_lanes(sums, run + q, place)
                totals = sums[run + q, place]
                own = part(gradient[run + q], j, min(LANES, features - j))
                for f in range(own.size):
                    own[f] = data.scale * totals[f]
