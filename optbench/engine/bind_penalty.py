"""Compile the penalty of an instance, and its prox."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba

from optbench.engine import types
from optbench.engine.bind import bounds_checks, define, jitted
from optbench.engine.compiler.blame import compile_errors
from optbench.engine.compiler.cache import KernelId, compile_kernel, kernel_id, once
from optbench.engine.compiler.views import read_only

_PENALTY = """
def penalty(w, grad):
    return kernel(read_only(w), grad)
"""
_PROX = """
def prox(point, step_size):
    kernel(point, step_size)
"""


def bind_penalty(kernel: Callable[..., float]) -> Any:
    """Compile ``penalty(w, grad) -> value``."""
    return _bound(kernel, "penalty", kernel_id(kernel))


def bind_prox(kernel: Callable[..., None]) -> Any:
    """Compile ``prox(point, step_size)``."""
    return _bound(kernel, "prox", kernel_id(kernel))


@once
def _bound(plain: Callable[..., Any], name: str, own: KernelId) -> Any:
    kernel = plain if numba.config.DISABLE_JIT else jitted(plain)
    source, signature = {
        "penalty": (_PENALTY, types.penalty_s),
        "prox": (_PROX, types.prox_s),
    }[name]
    function = define(source, name, plain.__name__, kernel=kernel, read_only=read_only)
    with compile_errors(f"{name} {plain.__name__!r}", plain), bounds_checks(True):
        return compile_kernel(function, signature, kernel=own, from_python=False)
