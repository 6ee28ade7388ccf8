"""By how much a parametrization multiplies the curvature of the loss where a run starts.

The Hessian in theta is J^T H J, with J = dw/dtheta and the Hessian H in w, plus a term that
vanishes with the gradient: its largest eigenvalue is at most ||J||^2 times that of H.
"""

from __future__ import annotations

import numpy as np

from optbench.engine.bind import bind_parametrization
from optbench.study import Cell

ITERATIONS = 20  # of the power method; one is enough where all coordinates start alike
PROBE = 1e-4  # of theta, relative: central differences are exact where w is quadratic in theta


def stretch_at_start(cell: Cell) -> float:
    """Return ||J||_2^2 at the start: 8 alpha^2 for u o u - v o v from u = v = alpha."""
    made = cell.parametrization
    if made.linear:
        return 1.0
    forward, pull_back = bind_parametrization(made)
    generator = np.random.default_rng(0)
    theta = made.initial(cell.instance.start, generator)[None, :]
    scratch = np.zeros((1, made.scratch))
    tangent = np.zeros_like(theta)
    along = generator.standard_normal((1, cell.instance.dimension))
    ends = np.zeros_like(along), np.zeros_like(along)
    probe = PROBE * float(np.max(np.abs(theta)))
    found = 0.0
    for _ in range(ITERATIONS):
        along /= np.linalg.norm(along)
        forward(theta, made.layers, scratch, ends[0])  # the pull-back reads what it leaves behind
        pull_back(theta, made.layers, scratch, along, tangent)
        length = float(np.linalg.norm(tangent))
        if length == 0.0 or probe == 0.0:
            break
        found = length**2
        move = probe / length * tangent
        for sign, end in zip((1.0, -1.0), ends, strict=True):
            forward(theta + sign * move, made.layers, scratch, end)
        along = ends[0] - ends[1]
        if not np.any(along):
            break
    return found
