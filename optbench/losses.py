"""Row losses that several problems share: each returns the loss and its slope in the prediction.

``from optbench.losses import squared_error`` in a plug-in; the host compiles plain functions.
"""

from __future__ import annotations

from optbench.elementwise import exp, log1p, sigmoid


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


MARGIN_LOSSES = {"logistic": logistic_loss, "exponential": exponential_loss}
