"""Proximal steps: what an optimizer that asks for ``prox`` calls in its kernel.

``from optbench.proximal import apply_prox`` in a plug-in; compiled kernels call the prox of the
instance by its address.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def apply_prox(
    prox: Callable[[np.ndarray, float], None], point: np.ndarray, step_size: float
) -> None:
    """Replace a point v by argmin_u  penalty(u) + |u - v|^2 / (2 step_size)."""
    prox(point, step_size)
