"""w = theta: the trained parameters are the predictor."""

from __future__ import annotations

import numpy as np

from optbench.parametrizations.base import Parametrization, layer_table


def linear(dimension: int) -> Parametrization:
    """Build w = theta for a predictor of ``dimension`` numbers: starts at zero."""

    def initial(w: np.ndarray | None, generator: np.random.Generator) -> np.ndarray:
        return np.zeros(dimension) if w is None else w.copy()

    return Parametrization(
        name="linear",
        formula="w = theta",
        forward=None,
        pull_back=None,
        layers=layer_table((1, dimension)),
        initial=initial,
        parameters=dimension,
        weight_matrices=True,
        cost=lambda w: float(w @ w),
    )
