"""What the generated lines around a kernel do for a schedule, clipping and weight decay.

An optimizer without options has the same source, and so the same machine code, as if there were
none of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from optbench.contract import Optimizer
from optbench.contract.combinations import CLIPPED, GRADIENTS, added
from optbench.engine.compiler.overloads import called
from optbench.engine.evaluation import scale
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


def combination_source(
    optimizer: Optimizer, in_probe: bool, passed: Callable[[Optimizer, str, bool], str]
) -> tuple[list[str], dict[str, str]]:
    """Return lines that come before the call of a kernel, and what replaces its arguments.

    Parameters
    ----------
    optimizer : Optimizer
    in_probe : bool
        Whether the kernel is the one that writes probes: it gets the rate of the step.
    passed : callable
        Returns the expression that finds a hyperparameter or a slot.
    """
    if optimizer.base is None or optimizer.learning_rate is None:
        return [], {}
    given = added(optimizer)
    values = {
        name: passed(optimizer, name, in_probe) if name in given else "0.0"
        for name in ("warmup", "cooldown", "clip", "weight_decay")
    }
    rate = passed(optimizer, optimizer.learning_rate, in_probe)
    parts = f"runs.horizon[run], {values['warmup']}, {values['cooldown']}"
    lines = [f"rate = {rate} * factor(step, {parts})"]
    instead = {optimizer.learning_rate: "rate"}
    if in_probe:
        return lines, instead
    if "clip" in given:
        lines += [
            f"clipped = {passed(optimizer, CLIPPED, in_probe)}",
            f"clip_gradient(runs.gradient[run], clipped, {values['clip']})",
        ]
        instead |= dict.fromkeys(GRADIENTS, "read_only(clipped)")
    if "weight_decay" in given:
        lines.append(f"scale(runs.theta[run], 1.0 - rate * {values['weight_decay']})")
    return lines, instead


def combination_names(optimizer: Optimizer) -> dict[str, Any]:
    """Return what these lines call."""
    if optimizer.base is None:
        return {}
    factor = FACTORS[optimizer.schedule]
    return {"factor": factor, "clip_gradient": clip_gradient, "scale": scale}
