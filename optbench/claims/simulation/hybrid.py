"""Muon on some layers, Signum on the others: momentum steepest descent in the larger norm."""

from __future__ import annotations

from typing import Any

import numpy as np

from optbench import Hyper, Slot, optimizer
from optbench.linear_algebra import layer, polar


@optimizer(
    reference="Gronich, Vardi 2026, arXiv:2602.16340",
    homogeneous=True,
    symmetries=(),
    default=False,
)
def hybrid(
    theta: Any,
    grad: Any,
    step: Any,
    layers: Any,
    average: Any = Slot(degree=1),
    direction: Any = Slot(),
    work: Any = Slot(shape=(3, "theta")),
    learning_rate: Any = Hyper(tune="log", low=0.0),
    momentum: Any = Hyper(0.95, low=0.0, high=1.0),
    muon_first: Any = Hyper(1, low=0, high=1, integer=True),
    decay: Any = Hyper(0.5, low=0.0, high=1.0),
) -> None:
    """Muon with exact singular vectors on the first layer or on the others, else Signum."""
    for i in range(theta.size):
        average[i] = momentum * average[i] + (1.0 - momentum) * grad[i]
        direction[i] = average[i]
    rate = learning_rate * step ** (-decay)
    for k in range(layers.shape[0]):
        start = layers[k, 0]
        end = start + layers[k, 1] * layers[k, 2]
        if (k == 0) == (muon_first == 1):
            polar(layer(direction, layers, k), work)
        else:
            for i in range(start, end):
                direction[i] = np.sign(direction[i])
        for i in range(start, end):
            theta[i] -= rate * direction[i]
