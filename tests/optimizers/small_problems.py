"""Small objectives whose data are formulas: the same numbers in every environment.

``quadratic``: 0.5 theta^T H theta - b^T theta.  ``logistic``: mean_i log(1 + exp(-z_i^T theta)).
``least_squares``: 0.5 ||A theta - y||^2 with fewer rows than columns, whose least value is 0.
``network``: ||W3 W2 W1 X - Y||^2 / (2 n d_L) with theta = (W1, W2, W3), row by row.
"""

from __future__ import annotations

import numpy as np

ROWS, COLUMNS = 12, 5
WIDTHS = (4, 5, 3, 2)
SAMPLES = 7


def _waves(rows: int, columns: int, shift: float) -> np.ndarray:
    """Return a full-rank matrix without structure, (rows, columns)."""
    i, j = np.arange(1, rows + 1)[:, None], np.arange(1, columns + 1)[None, :]
    return np.asarray(np.sin(1.7 * i * j + 0.9 * i * i + 2.3 * j + shift))


START = _waves(1, COLUMNS, 0.5)[0]
HESSIAN = _waves(ROWS, COLUMNS, 0.0).T @ _waves(ROWS, COLUMNS, 0.0) / ROWS + 0.05 * np.eye(COLUMNS)
LINEAR = _waves(1, COLUMNS, 1.0)[0]
MARGIN_ROWS = _waves(ROWS, COLUMNS, 2.0)
WIDE_ROWS = MARGIN_ROWS[:3]
WIDE_TARGETS = np.array([1.0, -2.0, 0.5])
INPUTS = _waves(WIDTHS[0], SAMPLES, 3.0)
OUTPUTS = _waves(WIDTHS[-1], SAMPLES, 4.0)
SHAPES = tuple(zip(WIDTHS[1:], WIDTHS[:-1], strict=True))
OFFSETS = np.concatenate([[0], np.cumsum([rows * columns for rows, columns in SHAPES])])
LAYERS = np.array([(o, *shape) for o, shape in zip(OFFSETS[:-1], SHAPES, strict=True)])
NETWORK_START = _waves(1, int(OFFSETS[-1]), 5.0)[0]


def quadratic_gradient(theta: np.ndarray) -> np.ndarray:
    """H theta - b."""
    return np.asarray(HESSIAN @ theta - LINEAR)


def logistic_gradient(theta: np.ndarray) -> np.ndarray:
    """-mean_i z_i / (1 + exp(z_i^T theta))."""
    return np.asarray(-MARGIN_ROWS.T @ (1.0 / (1.0 + np.exp(MARGIN_ROWS @ theta))) / ROWS)


def least_squares_gradient(theta: np.ndarray) -> np.ndarray:
    """A^T (A theta - y)."""
    return np.asarray(WIDE_ROWS.T @ (WIDE_ROWS @ theta - WIDE_TARGETS))


def least_squares_loss(theta: np.ndarray) -> float:
    """0.5 ||A theta - y||^2."""
    return float(0.5 * np.sum((WIDE_ROWS @ theta - WIDE_TARGETS) ** 2))


def network_gradient(theta: np.ndarray) -> np.ndarray:
    """Back-propagation through three matrices."""
    w1, w2, w3 = (
        theta[offset : offset + rows * columns].reshape(rows, columns)
        for offset, rows, columns in LAYERS
    )
    first, second = w1 @ INPUTS, w2 @ w1 @ INPUTS
    residual = (w3 @ second - OUTPUTS) / (SAMPLES * WIDTHS[-1])
    gradients = (w2.T @ w3.T @ residual @ INPUTS.T, w3.T @ residual @ first.T, residual @ second.T)
    return np.concatenate([gradient.ravel() for gradient in gradients])
