"""Gradients of a few rows: what stochastic optimizers get in place of the whole gradient.

g = pull_back(scale n / batch sum_(i drawn) l'(x_i . w) x_i), an unbiased estimate of the gradient.
A step costs batch times d and p, whatever the number of rows.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import types as numba_types

from optbench.contract import Optimizer
from optbench.contract.probes import MOST_TRIALS
from optbench.engine.compiler.overloads import called, inlined
from optbench.engine.compiler.vectors import LANES
from optbench.engine.compiler.views import by_output
from optbench.engine.data.bands import BAND_ROWS, band_entry
from optbench.engine.data.dense import write_slopes
from optbench.engine.data.layouts import in_bands
from optbench.engine.data.panels import BLOCK_ROWS, PANEL_ROWS
from optbench.engine.evaluation import absolute_sum, end_diverged, map_back, map_forward, scale
from optbench.engine.oracles.declared import (
    PLACES,
    Argument,
    Oracle,
    like_theta,
    mapped,
    one_number,
)
from optbench.engine.oracles.kept import keep, place_aside
from optbench.engine.types import (
    RUNNING,
    Data,
    Kernels,
    Rule,
    Runs,
    Scratch,
    b1,
    call_sampled,
    i8,
    matrix,
    vector,
)
from optbench.engine.units import unit_moves
from optbench.instance import Instance
from optbench.parametrizations import Parametrization
from optbench.random import integer

ROW, PROBE = PLACES["sample_row"], PLACES["probe"]
INDEX, SLOPE = PLACES["sample_index"], PLACES["sample_slope"]
AT_PROBE = PLACES["probe_sample_grad"]
SMALL = 2.0**-300  # a slope that is larger leaves no gradient that needs another unit


class Memory(NamedTuple):
    """How rows are drawn."""

    wanted: bool
    batch: int  # which hyperparameter is the number of rows a sample has
    in_order: bool  # rows are a stream: a sample takes the next ones, not random ones
    at_probe: bool  # their gradient at the probe is wanted too
    own: bool  # an objective of the plug-in's own is evaluated on them
    rows: np.ndarray  # (batch, m): those that it gets
    targets: np.ndarray  # (batch,)

    def with_scratch(self, runs: Runs) -> Memory:
        """Return the same with room for the largest sample of some runs."""
        if not (self.wanted and self.own):
            return self
        most = int(runs.hypers[:, self.batch].max())
        return self._replace(rows=np.zeros((most, self.rows.shape[1])), targets=np.zeros(most))


def memory(instance: Instance, _parametrization: Parametrization, optimizer: Optimizer) -> Memory:
    """Return how an optimizer draws rows; an objective that draws them itself needs nothing."""
    wanted = optimizer.samples and not instance.stochastic
    return Memory(
        wanted,
        list(optimizer.hypers).index("batch") if wanted else -1,
        instance.in_order,
        "probe_sample_grad" in optimizer.needs,
        instance.row is None,
        np.zeros((0, instance.features.shape[1])),
        np.zeros(0),
    )


def penalized(instance: Instance) -> str | None:
    """Say where rows are not all of the objective."""
    if instance.penalty is not None:
        return f"draws rows of the data; {instance.problem} has a penalty beside them"
    return None


def no_samples(
    instance: Instance, _parametrization: Parametrization, _optimizer: Optimizer
) -> str | None:
    """Say where no rows can be drawn."""
    if instance.row is None and not (instance.stochastic or instance.mean_of_rows):
        return f"draws rows of the data; {instance.problem} has an objective of its own"
    return penalized(instance)


def no_samples_known(
    instance: Instance, _parametrization: Parametrization, _optimizer: Optimizer
) -> str | None:
    """Say where the same rows cannot be evaluated twice."""
    if instance.row is None and not instance.mean_of_rows:
        return f"needs the drawn rows; {instance.problem} has an objective of its own"
    return penalized(instance)


def no_slope_known(
    instance: Instance, _parametrization: Parametrization, _optimizer: Optimizer
) -> str | None:
    """Say where a drawn row has no slope."""
    if instance.row is None and instance.mean_of_rows:
        return f"needs the slope of a row; {instance.problem} has an objective of its own"
    if instance.several:
        return f"needs one slope a row; {instance.problem} has a row loss of several outputs"
    return no_samples_known(instance, _parametrization, _optimizer)


def no_row(
    instance: Instance, parametrization: Parametrization, _optimizer: Optimizer
) -> str | None:
    """Say where a drawn row is not a gradient in theta."""
    if instance.row is None and instance.stochastic:
        return f"needs the drawn row; {instance.problem} draws samples of its own"
    if instance.row is None and instance.mean_of_rows:
        own = f"{instance.problem} has an objective of its own"
        return f"needs the drawn row as its gradient; {own}"
    if instance.several:
        several = f"{instance.problem} has a row loss of several outputs"
        return f"needs the drawn row as its gradient; {several}"
    return mapped("the drawn row as its gradient in theta", parametrization) or penalized(instance)


def size_of_row(instance: Instance, _parametrization: Parametrization) -> int:
    """Return how many features a row has."""
    return instance.dimension


def sample_gradients(
    step,
    kernels: Kernels,
    data: Data,
    scratch: Scratch,
    runs: Runs,
    aside: Runs,
    rule: Rule,
    memories,
):
    """Write the gradients of this step's rows at theta; every run draws its own.

    An objective that draws them itself leaves nothing to do.
    """
    memory = memories.sampled_gradient
    if not memory.wanted:
        return
    if memory.at_probe:
        for run in range(runs.theta.shape[0]):
            place_aside(PROBE, run, runs, aside, rule)
        map_forward(kernels, scratch, aside, rule)
    map_forward(kernels, scratch, runs, rule)
    for run in range(runs.theta.shape[0]):
        if runs.status[run] == RUNNING:
            batch = int(runs.hypers[run, memory.batch])
            place = (step - 1) * batch if memory.in_order else -1
            if memory.own:
                take_own(place, batch, run, kernels, data, scratch, runs, aside, rule, memory)
                continue
            low, high, rounds, moved = runs.rng[run, 0], runs.rng[run, 1], 0, True
            while moved and rounds < MOST_TRIALS:
                if rounds > 0:  # the same rows in another unit
                    runs.rng[run, 0], runs.rng[run, 1] = low, high
                    aside.exponents[run] = runs.exponents[run]
                at_probe = memory.at_probe
                slope = take_sample(
                    place, batch, run, kernels, data, scratch, runs, aside, rule, at_probe
                )
                moved = moves(run, slope, runs, rule)
                rounds += 1
    map_back(kernels, scratch, runs, rule)
    if memory.at_probe:
        map_forward(kernels, scratch, aside, rule)  # a pull-back needs what it leaves behind
        map_back(kernels, scratch, aside, rule)
        for run in range(runs.theta.shape[0]):
            keep(aside.gradient[run], AT_PROBE, run, runs, rule)
    end_diverged(step - 1, runs.gradient, runs)  # a sampled gradient that is not finite


@inlined
def moves(run, slope, runs: Runs, rule: Rule):
    """Let a run's unit follow its sample, of whose last row this is the slope; whether it did."""
    if runs.exponents[run] == 0 and abs(slope) > SMALL:
        return False  # nearly always
    size = absolute_sum(runs.gradient_w[run])
    # rows of zeros have no gradient in any unit, and a slope
    return (size != 0.0 or slope == 0.0) and unit_moves(run, size, runs, rule)


@inlined
def take_sample(
    place,
    batch,
    run,
    kernels: Kernels,
    data: Data,
    scratch: Scratch,
    runs: Runs,
    aside: Runs,
    rule: Rule,
    at_probe,
):
    """Write a run's gradient in the predictor of this step's rows; return the last one's slope."""
    runs.gradient_w[run, :], last, slope = 0.0, 0, 0.0
    if at_probe:
        aside.gradient_w[run, :] = 0.0
    for first in range(0, batch, BLOCK_ROWS):
        rows = min(BLOCK_ROWS, batch - first)
        last = draw(place + first if place >= 0 else -1, rows, run, data, scratch, runs)
        slope = add_sample(rows, run, kernels, data, scratch, runs)
        if at_probe:
            add_sample(rows, run, kernels, data, scratch, aside)
    keep_row(last, slope, run, data, runs, rule)
    factor = data.scale * (data.rows / batch)
    scale(runs.gradient_w[run], factor)
    if at_probe:
        scale(aside.gradient_w[run], factor)
    return slope


@called
def take_own(
    place,
    batch,
    run,
    kernels: Kernels,
    data: Data,
    scratch: Scratch,
    runs: Runs,
    aside: Runs,
    rule: Rule,
    memory: Memory,
):
    """Do the same with an objective of the plug-in's own."""
    last = draw_own(place, batch, run, data, runs, memory)
    given = memory.rows[:batch], memory.targets[:batch], data, scratch
    call_sampled(kernels.sampled, (run, *given, runs))
    if memory.at_probe:
        call_sampled(kernels.sampled, (run, *given, aside))
    keep_row(last, 0.0, run, data, runs, rule)


@called
def keep_row(last, slope, run, data: Data, runs: Runs, rule: Rule):
    """Keep features, number and slope of the last drawn row where they are asked for."""
    state, own = runs.state[run], rule.offsets[runs.optimizer[run]]
    row = state[own[ROW] : own[ROW + 1]]
    if row.size > 0:
        row[:] = 0.0
        add_row(last, 1.0, data, row)
    if own[INDEX + 1] > own[INDEX]:
        state[own[INDEX]] = last
    if own[SLOPE + 1] > own[SLOPE]:
        state[own[SLOPE]] = slope


@called
def draw_own(place, batch, run, data: Data, runs: Runs, memory: Memory):
    """Copy drawn rows, or those from ``place`` on, for an objective of the plug-in's own."""
    row = 0
    for i in range(batch):
        row = (place + i) % data.rows if place >= 0 else integer(runs.rng[run], data.rows)
        memory.targets[i] = data.row_targets[row]
        for j in range(memory.rows.shape[1]):
            memory.rows[i, j] = data.panels[0, row, j]
    return row


@called
def draw(place, rows, run, data: Data, scratch: Scratch, runs: Runs):
    """Draw at most 128 rows, or take those from ``place`` on; return the last row's number."""
    width = data.target_size
    targets, drawn = scratch.targets, scratch.predictions[data.outputs * BLOCK_ROWS :]
    for i in range(rows):
        row = (place + i) % data.rows if place >= 0 else integer(runs.rng[run], data.rows)
        drawn[i] = row
        if width == 1:
            targets[i] = data.row_targets[row]
        else:
            eight = i // LANES * LANES * width  # as in ``data.targets``: eight rows side by side
            for c in range(width):
                targets[eight + c * LANES + i % LANES] = data.row_targets[row * width + c]
    return int(drawn[rows - 1])


@called
def add_rows(rows, run, kernels: Kernels, data: Data, scratch: Scratch, runs: Runs):
    """Add the gradients of the drawn rows; return the slope of the last one."""
    z, drawn = scratch.predictions[:rows], scratch.predictions[BLOCK_ROWS : 2 * BLOCK_ROWS]
    slopes = scratch.slopes[:rows]
    for i in range(rows):
        z[i] = predict_row(int(drawn[i]), runs.w[run], data)
    write_slopes(run, z, scratch.targets[:rows], slopes, kernels, runs)
    for i in range(rows):
        add_row(int(drawn[i]), slopes[i], data, runs.gradient_w[run])
    return slopes[rows - 1]


@called
def add_outputs(rows, run, kernels: Kernels, data: Data, scratch: Scratch, runs: Runs):
    """Do the same where the row loss takes several outputs; return the largest slope of the last
    row."""
    outputs, numbers = data.outputs, data.outputs * BLOCK_ROWS
    z, drawn = scratch.predictions[:numbers], scratch.predictions[numbers:]
    slopes = scratch.slopes[:numbers]
    w, gradient = by_output(runs.w, outputs), by_output(runs.gradient_w, outputs)
    for i in range(rows):
        for c in range(outputs):
            z[c * BLOCK_ROWS + i] = predict_row(int(drawn[i]), w[run * outputs + c], data)
    write_slopes(run, z, scratch.targets[: rows * data.target_size], slopes, kernels, runs)
    for i in range(rows):
        for c in range(outputs):
            slope = slopes[c * BLOCK_ROWS + i]
            add_row(int(drawn[i]), slope, data, gradient[run * outputs + c])
    largest = 0.0
    for c in range(outputs):
        largest = max(largest, abs(slopes[c * BLOCK_ROWS + rows - 1]))
    return largest


@called
def add_sample(rows, run, kernels: Kernels, data: Data, scratch: Scratch, runs: Runs):
    """Add the gradients of the drawn rows, whatever their loss takes."""
    if data.several:
        return add_outputs(rows, run, kernels, data, scratch, runs)
    return add_rows(rows, run, kernels, data, scratch, runs)


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
        "sample_index": Argument("int({kept}[0])", kept=one_number, missing=no_samples_known),
        "sample_slope": Argument("{kept}[0]", kept=one_number, degree=1, missing=no_slope_known),
        "probe_sample_grad": Argument(
            "read_only({kept})",
            kept=like_theta,
            degree=1,
            like_theta=True,
            missing=no_samples_known,
        ),
    },
    work=sample_gradients,
    memory=memory,
    memory_type=numba_types.NamedTuple([b1, i8, b1, b1, b1, matrix, vector], Memory),
)
