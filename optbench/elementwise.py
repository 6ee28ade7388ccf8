"""Elementary functions for kernels: ``math`` in plain Python, vectorised polynomials when jitted.

``from optbench.elementwise import exp, log, log1p, sigmoid, sinh`` in a plug-in: the plain versions
below run in a debugger and with ``NUMBA_DISABLE_JIT=1``; inside a compiled kernel
:mod:`optbench.engine.compiler.vectorised` replaces them by polynomials that vectorise.
"""

from __future__ import annotations

import math


def exp(x: float) -> float:
    """Return e**x; inf on overflow, never an exception."""
    return math.exp(x) if x < 709.79 else (math.inf if x == x else x)


def log(x: float) -> float:
    """Return the natural logarithm; -inf at 0, nan below."""
    if x > 0.0:
        return math.log(x)
    return -math.inf if x == 0.0 else math.nan


def log1p(x: float) -> float:
    """Return log(1 + x), accurate for small x; -inf at -1, nan below."""
    if x > -1.0:
        return math.log1p(x)
    return -math.inf if x == -1.0 else math.nan


def sinh(x: float) -> float:
    """Return the hyperbolic sine, accurate for small x; infinite beyond 709.78."""
    return math.sinh(x) if abs(x) < 709.78 else (math.copysign(math.inf, x) if x == x else x)


def sigmoid(x: float) -> float:
    """Return 1 / (1 + e**-x) with full relative accuracy for x > -708."""
    return 1.0 / (1.0 + exp(-x))
