"""Which laws of convergence a trace does not rule out, with calibrated intervals.

``laws`` says what competes, ``autoregression`` fits one regression under correlated noise,
``candidates`` one law on one window, ``search`` chooses window and laws, ``rivals`` says what
stands beside them, ``intervals`` how far a value can be trusted, ``traces`` cuts a trace and says
what is in the way, ``rate`` is what comes out.
"""

from optbench.analysis.rates.rate import FittedLaw, Rate
from optbench.analysis.rates.search import fit_rate
from optbench.analysis.rates.traces import LOG_FLOOR, floor_of_zero

__all__ = ["LOG_FLOOR", "FittedLaw", "Rate", "fit_rate", "floor_of_zero"]
