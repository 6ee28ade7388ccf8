"""Data of which no row can be separated: one minimizer, or many with the same predictions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from optbench.analysis.kinds.base import Kind
from optbench.analysis.kinds.distances import Predictors
from optbench.analysis.kinds.regression import Regression

if TYPE_CHECKING:
    from optbench.references import Reference


class Nonseparable(Regression):
    """Minimizers are told apart by their norms as those of regression are; labels have no residual.

    Attributes
    ----------
    measures : tuple of Measure
        Norms and distances.
    """

    name = "nonseparable"
    title = "data that cannot be separated"
    measures = Kind.measures

    def measure_all(
        self, at: Predictors, references: Mapping[str, Reference]
    ) -> dict[str, np.ndarray]:
        """Measure norms and distances."""
        return Kind.measure_all(self, at, references)


NONSEPARABLE = Nonseparable()
