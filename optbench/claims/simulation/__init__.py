"""What claims share: objectives over given data, and runs of the engine from a given theta."""

from optbench.claims.simulation.objectives import classes, classification, objective, regression
from optbench.claims.simulation.runs import (
    class_margin,
    decay_rate,
    log_slope,
    margin_shares,
    start,
)

__all__ = [
    "class_margin",
    "classes",
    "classification",
    "decay_rate",
    "log_slope",
    "margin_shares",
    "objective",
    "regression",
    "start",
]
