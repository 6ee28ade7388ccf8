"""What claims share: objectives over given data, and runs of the engine from a given theta."""

from optbench.claims.simulation.objectives import classification, regression
from optbench.claims.simulation.runs import log_slope, start

__all__ = ["classification", "log_slope", "regression", "start"]
