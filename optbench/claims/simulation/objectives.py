"""Objectives of claims over given data: kernels, squared residuals, losses of margins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from optbench.instance import Instance
from optbench.losses import MARGIN_LOSSES, cross_entropy, squared_error


def objective(data: np.ndarray, loss: Callable[..., float], **given: Any) -> Instance:
    """Build the objective of a kernel over its data.

    Parameters
    ----------
    data : ndarray, float64 (n, d)
        With whatever rows and columns the kernel wants.
    loss : callable
        Writes the gradient and returns the loss; see ``loss_and_grad`` of :class:`Instance`.
    **given
        Further fields of the instance: targets, parameters, scratch, layers, start.

    Returns
    -------
    Instance
    """
    fields = {"targets": np.zeros(len(data)), **given}
    return Instance(
        problem="claim",
        name=loss.__name__,
        features=data,
        kind="other",
        loss_and_grad=loss,
        **fields,
    )


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
        row=MARGIN_LOSSES[loss],
        scale=1.0 / rows.shape[0],
        exponential_tail=separable,
    )


def classes(features: np.ndarray, labels: np.ndarray) -> Instance:
    """Mean cross-entropy of several classes; on separable data in the log domain.

    Parameters
    ----------
    features : ndarray, float64 (n, d)
    labels : ndarray, int (n,)
        0, 1, ..., k - 1; the predictor is a matrix (k, d), row by row.

    Returns
    -------
    Instance
    """
    return Instance(
        problem="claim",
        name="classes",
        features=features,
        targets=labels.astype(float),
        kind="multiclass",
        row=cross_entropy,
        outputs=int(labels.max()) + 1,
        scale=1.0 / len(labels),
        exponential_tail=True,
    )
