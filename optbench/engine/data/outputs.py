"""Loss and gradient of runs with several outputs a row on dense data.

The predictor of a run is a matrix, one row an output.  For the two products with the data its k
rows are what k runs are elsewhere; the row loss between them gets all predictions of a row.  Runs
go one after the other, their outputs four, two or one at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from optbench.engine.compiler.overloads import inlined
from optbench.engine.compiler.views import by_output, part
from optbench.engine.data.blocks import Passes, band_passes, panel_passes
from optbench.engine.data.dense import (
    LN2,
    blocks_pass,
    clear_losses,
    scale_losses,
    span_panels,
    write_slopes,
)
from optbench.engine.data.panels import GROUP
from optbench.engine.types import Data, Kernels, Runs, call_losses


class Place(NamedTuple):
    """Where some outputs have their slopes, and the sums of their gradient."""

    slopes: np.ndarray
    sums: np.ndarray


@inlined
def add_losses_of_outputs(
    run, want_lowest, z, targets, data: Data, kernels: Kernels, runs: Runs, totals
):
    """Add the losses of some rows of a run; keep its lowest margin between classes."""
    losses = kernels.losses if runs.exponents[run] == 0 else kernels.tail_losses
    totals.loss[run] += call_losses(losses, (z, targets, runs.exponents[run] * LN2))
    stride, classes = z.size // data.outputs, data.target_size == 1
    for i in range(targets.size if want_lowest and classes else 0):
        y = int(targets[i])
        if 0 <= y < data.outputs:
            for c in range(data.outputs):
                if c != y:
                    margin = z[y * stride + i] - z[c * stride + i]
                    totals.lowest[run] = min(totals.lowest[run], margin)


def outputs_block(passes: Callable[[int], Passes]) -> Callable[..., Any]:
    """Return the function that takes all outputs of a run over one block of rows."""
    _, size, predict_one, clear, add_one = passes(1)
    predict_two, add_two = passes(2).predict, passes(2).add_gradient
    predict_four, add_four = passes(GROUP).predict, passes(GROUP).add_gradient

    @inlined
    def predict(w, panels, panel, count, first, outputs, z):
        stride, c = count * size, 0
        while c + GROUP <= outputs:
            own = part(z, c * stride, GROUP * stride)
            predict_four(w, panels, panel, count, first + c, own)
            c += GROUP
        if c + 2 <= outputs:
            own = part(z, c * stride, 2 * stride)
            predict_two(w, panels, panel, count, first + c, own)
            c += 2
        if c < outputs:
            predict_one(w, panels, panel, count, first + c, part(z, c * stride, stride))

    @inlined
    def add_gradient(panel, panels, first, data, scratch, at_start, at_end, gradient):
        stride, sums, c = panels * size, scratch.sums, 0
        while c + GROUP <= data.outputs:
            own = Place(part(scratch.slopes, c * stride, GROUP * stride), sums)
            add_four(panel, panels, first + c, data, own, at_start, at_end, gradient)
            c += GROUP
        if c + 2 <= data.outputs:
            own = Place(part(scratch.slopes, c * stride, 2 * stride), sums)
            add_two(panel, panels, first + c, data, own, at_start, at_end, gradient)
            c += 2
        if c < data.outputs:
            own = Place(part(scratch.slopes, c * stride, stride), sums)
            add_one(panel, panels, first + c, data, own, at_start, at_end, gradient)

    @inlined
    def over_block(
        run, panel, panels, at_start, at_end, want_loss, kernels, data, scratch, runs, totals
    ):
        first, stride, width = panel * size, panels * size, data.target_size
        rows = min(stride, data.rows - first)
        z = part(scratch.predictions, 0, data.outputs * stride)
        slopes = part(scratch.slopes, 0, data.outputs * stride)
        w, begin = by_output(runs.w, data.outputs), run * data.outputs
        predict(w, data.panels, panel, panels, begin, data.outputs, z)
        targets = part(data.targets, first * width, stride * width)
        write_slopes(run, z, targets, slopes, kernels, runs)
        if rows < stride:
            for c in range(data.outputs):
                clear(slopes, (c + 1) * stride - size, rows - stride + size)
        if want_loss or runs.needs_loss[run]:
            own = part(targets, 0, rows * width)
            add_losses_of_outputs(run, want_loss, z, own, data, kernels, runs, totals)
        gradient = by_output(totals.gradient, data.outputs)
        add_gradient(panel, panels, begin, data, scratch, at_start, at_end, gradient)

    return over_block


def outputs_pass(passes: Callable[[int], Passes]) -> Callable[..., Any]:
    """Return what evaluates any runs on any blocks."""
    over_blocks = blocks_pass(outputs_block(passes))

    @inlined
    def evaluate_rows(begin, end, want_loss, kernels, data, scratch, runs, totals):
        """Write loss, lowest margin and gradient of some panels, run by run."""
        clear_losses(want_loss, runs, totals)
        span = end - begin if runs.w.shape[0] == 1 else span_panels(data.panels.shape)
        for start in range(begin, end, span):
            stop = min(start + span, end)
            for run in range(runs.w.shape[0]):
                over_blocks(
                    run, start, stop, begin, end, want_loss, kernels, data, scratch, runs, totals
                )
        scale_losses(want_loss, data, runs, totals)

    return evaluate_rows


evaluate_panels_of_outputs = outputs_pass(panel_passes)
evaluate_bands_of_outputs = outputs_pass(band_passes)
