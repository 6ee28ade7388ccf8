"""Step an optimizer's kernels through the small problem as plain Python on NumPy arrays."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import numpy as np

from optbench.contract import Optimizer, Slot
from optbench.contract.combinations import CLIPPED, GRADIENTS, added
from optbench.contract.probes import MOST_TRIALS
from optbench.random import seeded
from optbench.rehearsal.quadratic import (
    LAYERS,
    ROWS,
    SIZE,
    SIZES,
    TARGETS,
    Quadratic,
    clip,
    no_penalty,
)
from optbench.schedules import FACTORS

STEPS = 40


class Steps(NamedTuple):
    """Parameters (steps, p), slots (steps, s) and outputs, if any, after each step."""

    theta: np.ndarray
    state: np.ndarray
    output: np.ndarray


def offsets(optimizer: Optimizer) -> np.ndarray:
    """Return where each slot starts in a run's slots, int64 (slots + 1,)."""
    sizes = [slot.size(SIZES) for slot in optimizer.slots.values()]
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)


def initial_slots(optimizer: Optimizer, power: float) -> list[Slot]:
    """Return the slots with their first numbers in units of 2**power."""
    return [
        dataclasses.replace(slot, initial=slot.initial * 2.0 ** (power * slot.degree))
        for slot in optimizer.slots.values()
    ]


def found_at(optimizer: Optimizer, problem: Quadratic, theta: np.ndarray, step: int) -> Any:
    """Return what is known at theta when a step begins, by name."""
    whole = problem.gradient(theta)
    row, sample = problem.sample(theta, step)
    return {
        "grad": whole,
        "smooth_grad": whole,
        "prox": no_penalty,
        "bounded_set": clip,
        "loss": problem.loss(theta),
        "natural_grad": problem.inverse_fisher @ whole,
        "sample_grad": sample,
        "sample_row": row,
        "sample_index": (step - 1) % ROWS,
        "sample_slope": problem.slope(theta, step),
    }


def plain_path(
    optimizer: Optimizer, problem: Quadratic, steps: int = STEPS, options_from: int = 1
) -> Steps:
    """Step the kernels as plain Python; what they may not write is read-only.

    Parameters
    ----------
    optimizer : Optimizer
    problem : Quadratic
    steps : int
        How many.
    options_from : int
        The step from which on a combined optimizer's options count.

    Raises
    ------
    Exception
        Whatever a kernel raises: IndexError for an index outside, ValueError for a write into
        a read-only array.
    """
    theta = problem.start(optimizer)
    places = offsets(optimizer)
    state = np.empty(places[-1])
    slots: dict[str, Any] = {}
    for k, (name, slot) in enumerate(
        zip(optimizer.slots, initial_slots(optimizer, problem.power), strict=True)
    ):
        view = state[places[k] : places[k + 1]]
        view[:] = slot.initial
        slots[name] = view.reshape(slot.extent(SIZES))
    given: dict[str, Any] = {
        "theta": theta,
        "layers": LAYERS.copy(),
        "features": problem.features,
        "targets": TARGETS.copy(),
        "cost": problem.cost,
        "optimal_loss": problem.optimal_loss,
        "rng": seeded(1),
        "horizon": STEPS,
        "probe": theta.copy(),
        "probe_grad": np.zeros(SIZE),
        "probe_loss": 0.0,
        "hessian_vector": np.zeros(SIZE),
        "output": theta.copy(),
        **slots,
        **optimizer.given(problem.hypers(optimizer)),
    }
    path: list[tuple[np.ndarray, ...]] = []
    kept = given["output"] if "output" in optimizer.needs else np.zeros(0)
    own = dict(given)
    for step in range(1, steps + 1):
        given |= {"step": step, **found_at(optimizer, problem, theta, step)}
        combined = optimizer.base is not None and step >= options_from
        if combined:
            _schedule(optimizer, step, own, given)
        _plain_trials(optimizer, problem, given)
        given["probe_sample_grad"] = problem.sample(given["probe"], step)[1]
        if combined:
            _clip_and_decay(optimizer, given)
        _call(optimizer.kernel, optimizer.arguments, given, {"theta", "output", "rng", *slots})
        path.append((theta.copy(), state.copy(), kept.copy()))
    return Steps(*(np.array(part) for part in zip(*path, strict=True)))


def _schedule(optimizer: Optimizer, step: int, own: dict[str, Any], given: dict[str, Any]) -> None:
    """Give a combined optimizer its rate of this step."""
    rate = optimizer.learning_rate or ""
    parts = (given.get(name, 0.0) for name in ("warmup", "cooldown"))
    given[rate] = own[rate] * FACTORS[optimizer.schedule](step, STEPS, *parts)


def _clip_and_decay(optimizer: Optimizer, given: dict[str, Any]) -> None:
    """Do what comes before the kernel of a combined optimizer."""
    if CLIPPED in optimizer.slots:
        for name in set(GRADIENTS) & set(optimizer.arguments):
            norm = np.linalg.norm(given[name])
            given[CLIPPED][:] = given[name] * (given["clip"] / norm if norm > given["clip"] else 1)
            given[name] = given[CLIPPED]
    if "weight_decay" in added(optimizer):
        given["theta"] *= 1.0 - given[optimizer.learning_rate or ""] * given["weight_decay"]


def _plain_trials(optimizer: Optimizer, problem: Quadratic, given: dict[str, Any]) -> None:
    if optimizer.probe is None:
        return
    writes = {"probe", "rng", *optimizer.slots}
    for trial in range(1, MOST_TRIALS + 1):
        given["trial"] = trial
        wrote = _call(optimizer.probe, optimizer.probe_arguments, given, writes)
        if not wrote and "trial" in optimizer.probe_arguments:
            return
        given["probe_grad"] = problem.gradient(given["probe"])
        given["probe_loss"] = problem.loss(given["probe"])
        given["hessian_vector"] = problem.product(given["probe"])
        if "trial" not in optimizer.probe_arguments:
            return


def _call(kernel: Any, names: tuple[str, ...], given: dict[str, Any], writes: set[str]) -> Any:
    """Call a kernel as plain Python; what it does not write is read only meanwhile."""
    arrays = {name: given[name] for name in names if isinstance(given[name], np.ndarray)}
    for name, array in arrays.items():
        array.flags.writeable = name in writes
    try:
        return kernel(*(given[name] for name in names))
    finally:
        for array in arrays.values():
            array.flags.writeable = True
