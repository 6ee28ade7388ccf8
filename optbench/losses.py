"""Row losses that several problems share: each returns the loss and its slope in the prediction.

Those of several outputs write their slopes and return the loss.  ``CURVATURES`` has the second
derivatives of those of one.
``from optbench.losses import squared_error`` in a plug-in; the host compiles plain functions.
"""

from __future__ import annotations

import numpy as np

from optbench.elementwise import exp, log1p, sigmoid

Array = np.ndarray


def squared_error(prediction: float, target: float) -> tuple[float, float]:
    """Half the squared residual and its derivative."""
    residual = prediction - target
    return 0.5 * residual * residual, residual


def logistic_loss(prediction: float, target: float) -> tuple[float, float]:
    """Softplus of the negative margin, and its derivative in the prediction."""
    margin = prediction * target
    return log1p(exp(-abs(margin))) + max(-margin, 0.0), -target * sigmoid(-margin)


def exponential_loss(prediction: float, target: float) -> tuple[float, float]:
    """exp(-margin) and its derivative in the prediction."""
    loss = exp(-prediction * target)
    return loss, -target * loss


def squared_error_curvature(prediction: float, target: float) -> float:
    """The second derivative of half the squared residual."""
    return 1.0


def logistic_curvature(prediction: float, target: float) -> float:
    """The second derivative of softplus: no digit is lost where it is tiny."""
    margin = prediction * target
    return target * target * sigmoid(margin) * sigmoid(-margin)


def exponential_curvature(prediction: float, target: float) -> float:
    """The second derivative of exp(-margin)."""
    return target * target * exp(-prediction * target)


def cross_entropy(predictions: Array, target: float, slopes: Array) -> float:
    """-log softmax(predictions)[target], accurate at any size; its slopes softmax - one-hot.

    With the margins m_c = z_y - z_c to the wrong classes it is log(1 + sum exp(-m_c)): neither the
    loss nor a slope loses digits where they are tiny.
    """
    own = 0.0
    for c in range(predictions.size):  # an index of the target would keep rows out of vectors
        own = predictions[c] if c == target else own
    shift = 0.0
    for c in range(predictions.size):
        shift = max(shift, predictions[c] - own)
    wrong = 0.0
    for c in range(predictions.size):
        slopes[c] = 0.0 if c == target else exp(predictions[c] - own - shift)
        wrong += slopes[c]
    right = exp(-shift)
    share = 1.0 / (right + wrong)
    for c in range(predictions.size):
        slopes[c] = -wrong * share if c == target else slopes[c] * share
    # where a wrong class is ahead its term is 1, and the others are what is left
    return shift + log1p(wrong if shift == 0.0 else (wrong - 1.0) + right)


def squared_errors(predictions: Array, target: Array, slopes: Array) -> float:
    """Half the sum of squared residuals of all outputs, and the residuals."""
    total = 0.0
    for c in range(predictions.size):
        slopes[c] = predictions[c] - target[c]
        total += 0.5 * slopes[c] * slopes[c]
    return total


MARGIN_LOSSES = {"logistic": logistic_loss, "exponential": exponential_loss}
CURVATURES = {
    squared_error: squared_error_curvature,
    logistic_loss: logistic_curvature,
    exponential_loss: exponential_curvature,
}
