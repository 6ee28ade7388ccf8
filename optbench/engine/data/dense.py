"""Loss and gradient of a batch of runs on dense data: one pass over the matrix a step.

loss(w) = scale * sum_i l((X w)_i, target_i);  gradient = scale * X^T l'(X w).
A run with exponent e > 0 gets both in units of 2**-e, from the tail l(m) = exp(-m) of the loss.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from optbench.engine.compiler.overloads import inlined
from optbench.engine.compiler.views import part
from optbench.engine.data.blocks import Passes, band_passes, panel_passes
from optbench.engine.data.layouts import block_panels
from optbench.engine.data.panels import GROUP
from optbench.engine.types import Data, Kernels, Runs, Scratch, call_losses, call_slopes

LN2 = 0.6931471805599453
# A span of blocks stays in the second-level cache while every group of runs reads it.
SPAN_NUMBERS = 2**16


class Totals(NamedTuple):
    """Where the sums over some rows are written."""

    loss: np.ndarray  # (K,)
    lowest: np.ndarray  # (K,)
    gradient: np.ndarray  # (K, d)


@inlined
def write_slopes(run, z, targets, slopes, kernels: Kernels, runs: Runs):
    """Write the slopes of some rows of a run, in its unit: past float64's range those of a tail."""
    kernel = kernels.slopes if runs.exponents[run] == 0 else kernels.tail_slopes
    call_slopes(kernel, (z, targets, runs.exponents[run] * LN2, slopes))


@inlined
def slopes_of_run(run, place, first, stride, kernels: Kernels, data: Data, scratch: Scratch, runs):
    """Write a run's slopes of a block of rows, from ``place`` on."""
    z, slopes = part(scratch.predictions, place, stride), part(scratch.slopes, place, stride)
    write_slopes(run, z, part(data.targets, first, stride), slopes, kernels, runs)


@inlined
def slopes_of_one(run, first, stride, kernels: Kernels, data: Data, scratch: Scratch, runs: Runs):
    """Write the slopes of a block of rows for one run."""
    slopes_of_run(run, 0, first, stride, kernels, data, scratch, runs)


@inlined
def slopes_of_four(run, first, stride, kernels: Kernels, data: Data, scratch: Scratch, runs: Runs):
    """Write the slopes of a block of rows for four runs: at once if all are in one unit."""
    near = True
    for q in range(GROUP):
        near = near and runs.exponents[run + q] == 0
    if near:
        size, targets = GROUP * stride, part(data.repeated, GROUP * first, GROUP * stride)
        z, slopes = part(scratch.predictions, 0, size), part(scratch.slopes, 0, size)
        call_slopes(kernels.slopes, (z, targets, 0.0, slopes))
    else:
        for q in range(GROUP):
            slopes_of_run(run + q, q * stride, first, stride, kernels, data, scratch, runs)


@inlined
def clear_losses(want_loss, runs: Runs, totals):
    """Begin the sums of losses that are wanted or needed."""
    for run in range(totals.loss.size):
        if want_loss or runs.needs_loss[run]:
            totals.loss[run], totals.lowest[run] = 0.0, np.inf


@inlined
def scale_losses(want_loss, data: Data, runs: Runs, totals):
    """Multiply the sums of losses by the scale of the objective, which ends them."""
    for run in range(totals.loss.size):
        if want_loss or runs.needs_loss[run]:
            totals.loss[run] *= data.scale


@inlined
def add_losses(run, want_lowest, z, targets, kernels: Kernels, runs: Runs, totals):
    """Add the losses of some rows of a run; keep its lowest margin, which only records need."""
    losses = kernels.losses if runs.exponents[run] == 0 else kernels.tail_losses
    totals.loss[run] += call_losses(losses, (z, targets, runs.exponents[run] * LN2))
    for i in range(z.size if want_lowest else 0):
        totals.lowest[run] = min(totals.lowest[run], z[i] * targets[i])


def block_pass(passes: Passes, take_slopes: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function that takes some runs over one block of rows."""
    together, size, predict, clear, add_gradient = passes

    @inlined
    def over_block(
        run, panel, panels, at_start, at_end, want_loss, kernels, data, scratch, runs, totals
    ):
        z, slopes = scratch.predictions, scratch.slopes
        first, stride = panel * size, panels * size
        rows = min(stride, data.rows - first)
        predict(runs.w, data.panels, panel, panels, run, z)
        take_slopes(run, first, stride, kernels, data, scratch, runs)
        for q in range(together):
            if rows < stride:
                clear(slopes, (q + 1) * stride - size, rows - stride + size)
            if want_loss or runs.needs_loss[run + q]:
                own, targets = part(z, q * stride, rows), part(data.targets, first, rows)
                add_losses(run + q, want_loss, own, targets, kernels, runs, totals)
        add_gradient(panel, panels, run, data, scratch, at_start, at_end, totals.gradient)

    return over_block


def blocks_pass(over_block: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function that takes some runs over several blocks of rows."""

    @inlined
    def over_blocks(run, start, stop, begin, end, want_loss, kernels, data, scratch, runs, totals):
        block = block_panels(data.panels.shape)
        for panel in range(start, stop, block):
            panels = min(block, stop - panel)
            at_start, at_end = panel == begin, panel + panels == end
            over_block(
                run,
                panel,
                panels,
                at_start,
                at_end,
                want_loss,
                kernels,
                data,
                scratch,
                runs,
                totals,
            )

    return over_blocks


@inlined
def evaluate_block(
    over_block,
    want_loss,
    kernels: Kernels,
    data: Data,
    scratch: Scratch,
    runs: Runs,
    totals: Totals,
):
    """Write loss, lowest margin and gradient of one run where all rows are one block.

    Without loops over runs and blocks a small problem's step takes 0.75 of the time.
    """
    clear_losses(want_loss, runs, totals)
    panels = data.panels.shape[0]
    over_block(0, 0, panels, True, True, want_loss, kernels, data, scratch, runs, totals)
    scale_losses(want_loss, data, runs, totals)


@inlined
def span_panels(shape):
    """Return how many panels or bands a span has."""
    _, width, size = shape
    block = block_panels(shape)
    return max(SPAN_NUMBERS // (size * width), block) // block * block


def rows_pass(passes: Callable[[int], Passes]) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Return what takes one run over one block, and what evaluates any runs on any blocks."""
    block_of_four = block_pass(passes(GROUP), slopes_of_four)
    block_of_one = block_pass(passes(1), slopes_of_one)
    take_four, take_one = blocks_pass(block_of_four), blocks_pass(block_of_one)

    @inlined
    def evaluate_rows(begin, end, want_loss, kernels, data, scratch, runs, totals):
        """Write loss, lowest margin and gradient of some panels, four runs at a time."""
        count = runs.w.shape[0]
        clear_losses(want_loss, runs, totals)
        span = end - begin
        if count > GROUP:
            span = span_panels(data.panels.shape)
        others = count - count % GROUP
        start = begin
        while start < end:
            stop = min(start + span, end)
            for run in range(0, others, GROUP):
                take_four(
                    run, start, stop, begin, end, want_loss, kernels, data, scratch, runs, totals
                )
            for run in range(others, count):
                take_one(
                    run, start, stop, begin, end, want_loss, kernels, data, scratch, runs, totals
                )
            start = stop
        scale_losses(want_loss, data, runs, totals)

    return block_of_one, evaluate_rows


block_of_panels, evaluate_panels = rows_pass(panel_passes)
block_of_bands, evaluate_bands = rows_pass(band_passes)
