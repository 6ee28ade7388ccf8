"""Gradients of a few rows: what stochastic optimizers get in place of the whole gradient.

g = pull_back(scale n / batch sum_(i drawn) l'(x_i . w) x_i), an unbiased estimate of the gradient.
A step costs batch times d and p, whatever the number of rows.
"""

from __future__ import annotations

from typing import NamedTuple

from numba import types as numba_types

from optbench.contract import Optimizer
from optbench.engine.compiler.overloads import called
from optbench.engine.compiler.vectors import LANES
from optbench.engine.compiler.views import by_output
from optbench.engine.data.bands import BAND_ROWS, band_entry
from optbench.engine.data.dense import write_slopes
from optbench.engine.data.layouts import in_bands
from optbench.engine.data.panels import BLOCK_ROWS, PANEL_ROWS
from optbench.engine.evaluation import end_diverged
from optbench.engine.oracles.declared import PLACES, Argument, Oracle
from optbench.engine.types import (
    RUNNING,
    Data,
    Kernels,
    Rule,
    Runs,
    Scratch,
    b1,
    call_forward,
    call_pull_back,
    i8,
)
from optbench.instance import Instance
from optbench.parametrizations import Parametrization
from optbench.random import integer

ROW = PLACES["sample_row"]


class Memory(NamedTuple):
    """How rows are drawn."""

    wanted: bool
    batch: int  # which hyperparameter is the number of rows a sample has
    in_order: bool  # rows are a stream: a sample takes the next ones, not random ones

    def with_scratch(self) -> Memory:
        """Return the same: nothing is written."""
        return self


def memory(instance: Instance, _parametrization: Parametrization, optimizer: Optimizer) -> Memory:
    """Return how an optimizer draws rows; an objective that draws them itself needs nothing."""
    wanted = optimizer.samples and not instance.stochastic
    return Memory(
        wanted, list(optimizer.hypers).index("batch") if wanted else -1, instance.in_order
    )


def no_samples(
    instance: Instance, _parametrization: Parametrization, _optimizer: Optimizer
) -> str | None:
    """Say where no rows can be drawn."""
    if instance.row is None and not instance.stochastic:
        return f"draws rows of the data; {instance.problem} has an objective of its own"
    return None


def no_row(
    instance: Instance, parametrization: Parametrization, _optimizer: Optimizer
) -> str | None:
    """Say where a drawn row is not a gradient in theta."""
    if instance.row is None and instance.stochastic:
        return f"needs the drawn row; {instance.problem} draws samples of its own"
    if instance.several:
        several = f"{instance.problem} has a row loss of several outputs"
        return f"needs the drawn row as its gradient; {several}"
    if not parametrization.linear:
        name = parametrization.name.partition(":")[0]
        return f"needs the drawn row as its gradient in theta; the {name} parametrization maps it"
    return None


def size_of_row(instance: Instance, _parametrization: Parametrization) -> int:
    """Return how many features a row has."""
    return instance.dimension


@called
def work(
    step, kernels: Kernels, data: Data, scratch: Scratch, runs: Runs, aside, rule: Rule, memories
):
    """Draw a sample where it is asked for, and end runs whose sampled gradient is not finite."""
    if memories.sampled_gradient.wanted:
        sample_gradients(step, kernels, data, scratch, runs, rule, memories.sampled_gradient)
        end_diverged(step - 1, runs.gradient, runs)


@called
def sample_gradients(
    step,
    kernels: Kernels,
    data: Data,
    scratch: Scratch,
    runs: Runs,
    rule: Rule,
    memory: Memory,
):
    """Write the gradients of this step's rows at theta; every run draws its own."""
    if not rule.linear:
        call_forward(kernels.forward, (runs.theta, rule.layers, scratch.pullback, runs.w))
    for run in range(runs.theta.shape[0]):
        if runs.status[run] == RUNNING:
            batch = int(runs.hypers[run, memory.batch])
            runs.gradient_w[run, :], last = 0.0, 0
            for first in range(0, batch, BLOCK_ROWS):
                rows = min(BLOCK_ROWS, batch - first)
                place = (step - 1) * batch + first if memory.in_order else -1
                if data.several:
                    last = add_outputs(place, rows, run, kernels, data, scratch, runs)
                else:
                    last = add_sample(place, rows, run, kernels, data, scratch, runs)
            own = runs.optimizer[run]
            row = runs.state[run, rule.offsets[own, ROW] : rule.offsets[own, ROW + 1]]
            if row.size > 0:
                row[:] = 0.0
                add_row(last, 1.0, data, row)
            for j in range(runs.gradient_w.shape[1]):
                runs.gradient_w[run, j] *= data.scale * (data.rows / batch)
    if not rule.linear:
        call_pull_back(
            kernels.pull_back,
            (runs.theta, rule.layers, scratch.pullback, runs.gradient_w, runs.gradient),
        )


@called
def add_sample(place, rows, run, kernels: Kernels, data: Data, scratch: Scratch, runs: Runs):
    """Draw at most 128 rows, or take those from ``place`` on, and add their gradients.

    Return the last row's number.
    """
    z, drawn = scratch.predictions[:BLOCK_ROWS], scratch.predictions[BLOCK_ROWS : 2 * BLOCK_ROWS]
    targets, slopes = scratch.targets, scratch.slopes
    for i in range(rows):
        row = (place + i) % data.rows if place >= 0 else integer(runs.rng[run], data.rows)
        drawn[i] = row
        targets[i] = data.row_targets[row]
        z[i] = predict_row(row, runs.w[run], data)
    write_slopes(run, z[:rows], targets[:rows], slopes[:rows], kernels, runs)
    for i in range(rows):
        add_row(int(drawn[i]), slopes[i], data, runs.gradient_w[run])
    return int(drawn[rows - 1])


@called
def add_outputs(place, rows, run, kernels: Kernels, data: Data, scratch: Scratch, runs: Runs):
    """Do the same where the row loss takes several outputs."""
    outputs, width, numbers = data.outputs, data.target_size, data.outputs * BLOCK_ROWS
    z, drawn = scratch.predictions[:numbers], scratch.predictions[numbers:]
    targets, slopes = scratch.targets, scratch.slopes[:numbers]
    w, gradient = by_output(runs.w, outputs), by_output(runs.gradient_w, outputs)
    for i in range(rows):
        row = (place + i) % data.rows if place >= 0 else integer(runs.rng[run], data.rows)
        drawn[i] = row
        eight = i // LANES * LANES * width  # as in ``data.targets``: eight rows side by side
        for c in range(width):
            targets[eight + c * LANES + i % LANES] = data.row_targets[row * width + c]
        for c in range(outputs):
            z[c * BLOCK_ROWS + i] = predict_row(row, w[run * outputs + c], data)
    write_slopes(run, z, targets[: rows * width], slopes, kernels, runs)
    for i in range(rows):
        for c in range(outputs):
            slope = slopes[c * BLOCK_ROWS + i]
            add_row(int(drawn[i]), slope, data, gradient[run * outputs + c])
    return int(drawn[rows - 1])


@called
def predict_row(row, w, data: Data):
    """Return x_row . w."""
    total, panels = 0.0, data.panels
    if data.starts.size > 0:
        for entry in range(data.starts[row], data.starts[row + 1]):
            total += data.values[entry] * w[data.columns[entry]]
    elif in_bands(panels):
        band, place = row // BAND_ROWS, row % BAND_ROWS
        for j in range(w.size):
            total += band_entry(panels, band, place, j) * w[j]
    else:
        panel, lane = row // PANEL_ROWS, row % PANEL_ROWS
        for j in range(w.size):
            total += panels[panel, j, lane] * w[j]
    return total


@called
def add_row(row, factor, data: Data, out):
    """Add factor x_row to ``out``."""
    panels = data.panels
    if data.starts.size > 0:
        for entry in range(data.starts[row], data.starts[row + 1]):
            out[data.columns[entry]] += factor * data.values[entry]
    elif in_bands(panels):
        band, place = row // BAND_ROWS, row % BAND_ROWS
        for j in range(out.size):
            out[j] += factor * band_entry(panels, band, place, j)
    else:
        panel, lane = row // PANEL_ROWS, row % PANEL_ROWS
        for j in range(out.size):
            out[j] += factor * panels[panel, j, lane]


ORACLE = Oracle(
    arguments={
        "sample_grad": Argument(
            "read_only(runs.gradient[run])", like_theta=True, missing=no_samples
        ),
        "sample_row": Argument("read_only({kept})", kept=size_of_row, missing=no_row),
    },
    work=work,
    memory=memory,
    memory_type=numba_types.NamedTuple([b1, i8, b1], Memory),
)
