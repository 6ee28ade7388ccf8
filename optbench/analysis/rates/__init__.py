"""Rate laws."""
from optbench.analysis.rates.fit import FittedLaw, Rate, fit_rate

__all__ = ["FittedLaw", "Rate", "fit_rate"]
