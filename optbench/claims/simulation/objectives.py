"""Objectives of claims over given data: squares, exponential losses, linear and ReLU networks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from optbench.elementwise import exp, log1p, sigmoid
from optbench.instance import Instance
from optbench.parametrizations.base import Parametrization, layer_table


def squared_error(prediction: float, target: float) -> tuple[float, float]:
    """Half the squared residual and its derivative."""
    residual = prediction - target
    return 0.5 * residual * residual, residual


def exponential_loss(prediction: float, target: float) -> tuple[float, float]:
    """exp(-margin) and its derivative in the prediction."""
    loss = exp(-prediction * target)
    return loss, -target * loss


def logistic_loss(prediction: float, target: float) -> tuple[float, float]:
    """log(1 + exp(-margin)) and its derivative in the prediction."""
    margin = prediction * target
    return log1p(exp(-abs(margin))) + max(-margin, 0.0), -target * sigmoid(-margin)


LOSSES = {"logistic": logistic_loss, "exponential": exponential_loss}


def regression(
    features: np.ndarray,
    targets: np.ndarray,
    scale: float = 1.0,
    start: np.ndarray | None = None,
    inverse_fisher: np.ndarray | None = None,
) -> Instance:
    """Least squares: scale/2 ||X w - y||^2.

    Parameters
    ----------
    features, targets : ndarray, float64 (n, d) and (n,)
    scale : float
    start : ndarray, float64 (d,), optional
        Predictor to start at.
    inverse_fisher : ndarray, float64 (d, d), optional
        What ``natural_gradient`` multiplies gradients by.

    Returns
    -------
    Instance
    """
    return Instance(
        problem="claim",
        name="regression",
        features=features,
        targets=targets,
        kind="regression",
        row=squared_error,
        scale=scale,
        start=start,
        inverse_fisher=None if inverse_fisher is None else lambda: inverse_fisher,
    )


def classification(rows: np.ndarray, loss: str, separable: bool = True) -> Instance:
    """Mean loss of the margins Z w; on separable data the engine works in the log domain.

    Parameters
    ----------
    rows : ndarray, float64 (n, d)
        Z, rows y_i x_i.
    loss : {"logistic", "exponential"}
    separable : bool

    Returns
    -------
    Instance
    """
    return Instance(
        problem="claim",
        name=loss,
        features=rows,
        targets=np.ones(rows.shape[0]),
        kind="classification" if separable else "nonseparable",
        row=LOSSES[loss],
        scale=1.0 / rows.shape[0],
        exponential_tail=separable,
    )


def network_loss(theta: np.ndarray, data: np.ndarray, gradient: np.ndarray) -> float:
    """scale/2 ||f(A) - B||^2 + decay/2 ||theta||^2 of a network f without biases.

    ``data`` (1, size) holds depth L, samples n, scale, decay, slope of the activation for negative
    numbers (1: linear network), widths d_0..d_L, A (d_0, n), B (d_L, n), and room for the
    activations of all layers and for two layers of their derivatives.
    """
    numbers = data[0]
    depth, samples = int(numbers[0]), int(numbers[1])
    scale, decay, slope = numbers[2], numbers[3], numbers[4]
    inputs = 6 + depth
    outputs = inputs + int(numbers[5]) * samples
    below, above = inputs, outputs + int(numbers[5 + depth]) * samples
    offset, widest = 0, 0
    for layer in range(depth):
        columns, rows = int(numbers[5 + layer]), int(numbers[6 + layer])
        widest = max(widest, rows, columns)
        for i in range(rows):
            row = numbers[above + i * samples : above + (i + 1) * samples]
            row[:] = 0.0
            for j in range(columns):
                weight = theta[offset + i * columns + j]
                other = numbers[below + j * samples : below + (j + 1) * samples]
                for s in range(samples):
                    row[s] += weight * other[s]
            if layer < depth - 1 and slope != 1.0:
                for s in range(samples):
                    row[s] *= 1.0 if row[s] > 0.0 else slope
        below, above = above, above + rows * samples
        offset += rows * columns
    last = int(numbers[5 + depth]) * samples
    derivative, other_side = above, above + widest * samples
    total = 0.0
    for s in range(last):
        residual = numbers[below + s] - numbers[outputs + s]
        total += residual * residual
        numbers[derivative + s] = scale * residual
    top = below
    for back in range(depth):
        layer = depth - 1 - back
        columns, rows = int(numbers[5 + layer]), int(numbers[6 + layer])
        offset -= rows * columns
        below = inputs if layer == 0 else top - columns * samples
        numbers[other_side : other_side + columns * samples] = 0.0
        for i in range(rows):
            sent = numbers[derivative + i * samples : derivative + (i + 1) * samples]
            for j in range(columns):
                weight = theta[offset + i * columns + j]
                other = numbers[below + j * samples : below + (j + 1) * samples]
                back_row = numbers[other_side + j * samples : other_side + (j + 1) * samples]
                product = 0.0
                for s in range(samples):
                    product += sent[s] * other[s]
                    back_row[s] += weight * sent[s]
                gradient[offset + i * columns + j] = product + decay * weight
        if slope != 1.0 and layer > 0:
            for s in range(columns * samples):
                numbers[other_side + s] *= 1.0 if numbers[below + s] > 0.0 else slope
        derivative, other_side = other_side, derivative
        top = below
    weights = 0.0
    for i in range(theta.size):
        weights += theta[i] * theta[i]
    return 0.5 * scale * total + 0.5 * decay * weights
