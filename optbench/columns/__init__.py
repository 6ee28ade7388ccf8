"""Every column of a comparison, once: its name, unit, header, meaning, and where it is shown.

A row is a record, and a field of it is a column.  JSON and its schema, CSV, pandas, the tables and
the lists of columns in ``docs`` are made from these declarations, and saved comparisons are read
back by them: a new column is one field here and the line of :mod:`optbench.analysis` that fills it.
"""

from optbench.columns.bias import BiasRow
from optbench.columns.convergence import ConvergenceRow, LearningRate, RateLaw
from optbench.columns.instance import BEST, DECLARED, UNKNOWN, InstanceFacts, ReferenceFacts
from optbench.columns.row import (
    CELL,
    STATE,
    Interval,
    Intervals,
    Names,
    Number,
    Numbers,
    Row,
    Window,
)

__all__ = [
    "BEST",
    "CELL",
    "DECLARED",
    "STATE",
    "UNKNOWN",
    "BiasRow",
    "ConvergenceRow",
    "InstanceFacts",
    "Interval",
    "Intervals",
    "LearningRate",
    "Names",
    "Number",
    "Numbers",
    "RateLaw",
    "ReferenceFacts",
    "Row",
    "Window",
]
