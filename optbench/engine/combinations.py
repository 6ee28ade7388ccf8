"""What the generated lines around a kernel do for a schedule, clipping and weight decay.

An optimizer without options has the same source, and so the same machine code, as if there were
none of them.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from optbench.contract import Optimizer
from optbench.contract.combinations import CLIPPED, GRADIENTS
from optbench.engine.compiler.overloads import called
from optbench.schedules import FACTORS


@called
def clip_gradient(gradient: np.ndarray, clipped: np.ndarray, limit: float) -> None:
    """Write the gradient, scaled to a norm of ``limit`` where it is longer (as optax does)."""
    total, largest = 0.0, 0.0
    for i in range(gradient.size):
        total += gradient[i] * gradient[i]
        largest = max(largest, abs(gradient[i]))
    norm = math.sqrt(total)
    if math.isinf(norm):  # of the squares
        total = 0.0
        for i in range(gradient.size):
            total += (gradient[i] / largest) ** 2
        norm = largest * math.sqrt(total)
    factor = limit / norm if norm > limit else 1.0
    for i in range(gradient.size):
        clipped[i] = gradient[i] * factor


@called
def shrink(theta: np.ndarray, factor: float) -> None:
    """Multiply theta."""
    for i in range(theta.size):
        theta[i] *= factor


def combination_source(optimizer: Optimizer) -> tuple[list[str], dict[str, str]]:
    """Return lines that come before the call of the kernel, and what replaces its arguments."""
    if optimizer.base is None or optimizer.learning_rate is None:
        return [], {}
    hypers, slots = list(optimizer.hypers), list(optimizer.slots)

    def value(name: str) -> str:
        there = name in hypers and name not in optimizer.base.hypers  # type: ignore[union-attr]
        return f"runs.scaled_hypers[run, {hypers.index(name)}]" if there else "0.0"

    rate = f"runs.scaled_hypers[run, {hypers.index(optimizer.learning_rate)}]"
    parts = f"runs.horizon[run], {value('warmup')}, {value('cooldown')}"
    lines = [f"rate = {rate} * factor(step, {parts})"]
    instead = {optimizer.learning_rate: "rate"}
    if CLIPPED in slots:
        place = slots.index(CLIPPED)
        start, end = (f"rule.offsets[own, {place + k}]" for k in (2, 3))
        lines += [
            f"clipped = runs.state[run, {start}:{end}]",
            f"clip_gradient(runs.gradient[run], clipped, {value('clip')})",
        ]
        instead |= dict.fromkeys(GRADIENTS, "read_only(clipped)")
    if value("weight_decay") != "0.0":
        lines.append(f"shrink(runs.theta[run], 1.0 - rate * {value('weight_decay')})")
    return lines, instead


def combination_names(optimizer: Optimizer) -> dict[str, Any]:
    """Return what these lines call."""
    if optimizer.base is None:
        return {}
    factor = FACTORS[optimizer.schedule]
    return {"factor": factor, "clip_gradient": clip_gradient, "shrink": shrink}
