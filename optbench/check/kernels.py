"""Step one kernel through a problem: compiled, and as plain Python on NumPy arrays."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from optbench.check.outcome import require
from optbench.check.quadratic import LAYERS, SIZE, SIZES, Quadratic
from optbench.contract import Optimizer
from optbench.engine import types
from optbench.engine.bind import bind_update, bounds_checks
from optbench.engine.compiler.calls import entry_point
from optbench.engine.passages import no_passages
from optbench.random import seeded

STEPS = 40
CANARY = 123.456  # in the memory before and behind what a kernel may write


class Steps(NamedTuple):
    """Parameters (steps, p) and slots (steps, s) after each step."""

    theta: np.ndarray
    state: np.ndarray


def offsets(optimizer: Optimizer) -> np.ndarray:
    """Return where each slot starts in a run's state, int64 (slots + 1,)."""
    sizes = [slot.size(SIZES) for slot in optimizer.slots.values()]
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)


def initial_state(optimizer: Optimizer, power: float) -> np.ndarray:
    """Return fresh slots in units of 2**power, float64 (s,)."""
    return np.concatenate(
        [
            np.full(slot.size(SIZES), slot.initial * 2.0 ** (power * slot.degree))
            for slot in optimizer.slots.values()
        ]
        or [np.zeros(0)]
    )


class Bench:
    """Arrays for one compiled update: the run is row 1, ended runs with canaries are around it.

    Parameters
    ----------
    optimizer : Optimizer
        Whose update is stepped.
    problem : Quadratic
        Which gradients it gets.
    """

    def __init__(self, optimizer: Optimizer, problem: Quadratic) -> None:
        self.problem = problem
        self.update = entry_point(bind_update(optimizer))
        state = initial_state(optimizer, problem.power)
        hypers = problem.hypers(optimizer)
        theta = self._rows(problem.start(optimizer))
        gradient = self._rows(np.zeros(SIZE))
        self.runs = types.Runs(
            optimizer=np.zeros(3, np.int64),
            needs_loss=np.ones(3, bool),
            theta=theta,
            w=theta,
            state=self._rows(np.concatenate([np.zeros(2 * SIZE), state])),
            hypers=self._rows(hypers),
            scaled_hypers=self._rows(hypers),
            exponents=np.zeros(3, np.int64),
            status=np.array([types.CONVERGED, types.RUNNING, types.CONVERGED]),
            stopped=np.zeros(3, np.int64),
            rng=np.stack([seeded(seed) for seed in range(3)]),
            loss=np.zeros(3),
            lowest=np.zeros(3),
            gradient_w=gradient,
            gradient=gradient,
            **no_passages(3, np.nan),
        )
        places = 2 * SIZE + offsets(optimizer)
        self.rule = types.Rule(
            updates=np.zeros(1, np.uint64),
            offsets=np.concatenate([[0, SIZE], places])[None],
            slot_degrees=np.zeros((1, len(optimizer.slots)), np.int64),
            hyper_degrees=np.zeros((1, len(optimizer.hypers)), np.int64),
            rescale=np.zeros(1, bool),
            layers=LAYERS.copy(),
            optimal_loss=problem.optimal_loss,
            linear=True,
            stop=np.zeros(1, np.int64),
        )
        self.natural, self.row, self.slots = np.split(self.runs.state[1], [SIZE, 2 * SIZE])

    @staticmethod
    def _rows(values: np.ndarray) -> np.ndarray:
        rows = np.full((3, values.size), CANARY)
        rows[1] = values
        return rows

    def step(self, step: int, gradient: np.ndarray) -> None:
        """Take one step from this gradient."""
        self.runs.gradient[1] = gradient
        self.natural[:] = self.problem.inverse_fisher @ gradient
        self.row[:] = self.problem.sample(self.runs.theta[1], step)[0]
        self.runs.loss[1] = self.problem.loss(self.runs.theta[1])
        self.update(step, 1, self.runs, self.rule)
        failed = self.runs.status[1] == types.FAILED
        require(not failed, f"the compiled kernel raises, or indexes outside, in step {step}")


def gradient(optimizer: Optimizer, problem: Quadratic, theta: np.ndarray, step: int) -> np.ndarray:
    """Return the gradient that an optimizer asks for: of the objective or of a row."""
    return problem.sample(theta, step)[1] if optimizer.samples else problem.gradient(theta)


def compiled_path(optimizer: Optimizer, problem: Quadratic, steps: int = STEPS) -> Steps:
    """Step the compiled update."""
    bench = Bench(optimizer, problem)
    theta, state = [], []
    for step in range(1, steps + 1):
        bench.step(step, gradient(optimizer, problem, bench.runs.theta[1], step))
        theta.append(bench.runs.theta[1].copy())
        state.append(bench.slots.copy())
    return Steps(np.array(theta), np.array(state))


def plain_path(optimizer: Optimizer, problem: Quadratic, steps: int = STEPS) -> Steps:
    """Step the kernel as plain Python; what it may not write is read-only.

    Raises
    ------
    Exception
        Whatever the kernel raises: IndexError for an index outside, ValueError for a write into
        a read-only array.
    """
    theta = problem.start(optimizer)
    state = initial_state(optimizer, problem.power)
    places = offsets(optimizer)
    slots: dict[str, Any] = {}
    for k, (name, slot) in enumerate(optimizer.slots.items()):
        view = state[places[k] : places[k + 1]]
        slots[name] = view.reshape(slot.extent(SIZES))
    hypers = optimizer.given(problem.hypers(optimizer))
    layers = LAYERS.copy()
    layers.setflags(write=False)
    fixed = {
        "layers": layers,
        "optimal_loss": problem.optimal_loss,
        "rng": seeded(1),
    }
    path = Steps(np.empty((steps, SIZE)), np.empty((steps, state.size)))
    for step in range(1, steps + 1):
        whole = problem.gradient(theta)
        row, sample = problem.sample(theta, step)
        arrays = {
            "grad": whole,
            "natural_grad": problem.inverse_fisher @ whole,
            "sample_grad": sample,
            "sample_row": row,
        }
        for array in arrays.values():
            array.setflags(write=False)
        oracle = {"theta": theta, "step": step, "loss": problem.loss(theta)}
        given = oracle | arrays | fixed | slots | hypers
        with bounds_checks(True):  # of helpers that the plug-in compiles itself
            optimizer(*(given[name] for name in optimizer.arguments))
        path.theta[step - 1], path.state[step - 1] = theta, state
    return path
