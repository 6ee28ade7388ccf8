"""Penalties in an evaluation, and their prox in an optimizer's kernel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba.extending import overload

from optbench.engine.compiler.overloads import INLINED, called
from optbench.engine.oracles.declared import PLACES
from optbench.engine.oracles.kept import keep
from optbench.engine.types import Kernels, Rule, Runs, call_penalty, call_prox
from optbench.proximal import apply_prox

SMOOTH = PLACES["smooth_grad"]


@called
def add_penalties(want_loss, kernels: Kernels, runs: Runs, rule: Rule):
    """Keep the gradients of the smooth part where they are asked for; add those of the penalty."""
    for run in range(runs.w.shape[0]):
        if runs.state.shape[1] > 0:  # beside theta nobody keeps it
            keep(runs.gradient_w[run], SMOOTH, run, runs, rule)
        if kernels.penalty != 0:
            value = call_penalty(kernels.penalty, (runs.w[run], runs.gradient_w[run]))
            if want_loss or runs.needs_loss[run]:
                runs.loss[run] += value


@overload(apply_prox, strict=False, jit_options=INLINED)
def _apply_prox(_prox: Any, _point: Any, _step_size: Any) -> Callable[..., Any]:
    return lambda _prox, _point, _step_size: call_prox(_prox, (_point, _step_size))
