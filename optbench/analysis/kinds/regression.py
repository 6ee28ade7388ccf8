"""Regression: which of the predictors that fit the data, in norms and relative distances."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from optbench.analysis.kinds.base import SHOWN_NAMES, Kind
from optbench.analysis.kinds.distances import Predictors, excesses, lengths, over
from optbench.column import Measure

if TYPE_CHECKING:
    from optbench.references import Reference


def residuals(at: Predictors, goal: np.ndarray) -> np.ndarray:
    """Return ||X w - goal|| / ||y||; where y = 0, over the size of the terms of X w."""
    missing = lengths(at.predictions - goal)
    size = float(np.linalg.norm(at.instance.targets))
    return over(missing, size or at.sizes_of_terms)


class Regression(Kind):
    """Predictors that fit, told apart by their norms."""

    name = "regression"
    title = "regression"
    measures = (
        *Kind.measures,
        Measure("residual", "||X w - y|| / ||y||", header="residual", rank=5),
    )

    def defects(self, at: Predictors, reference: Reference) -> np.ndarray | None:
        """Return the norm over the least one, minus 1."""
        sizes = self.sizes(at, reference.norm) if reference.exponents else None
        return None if sizes is None else excesses(sizes, reference.value)

    def misfits(self, at: Predictors, references: Mapping[str, Reference]) -> np.ndarray:
        """Return how far their predictions are from those of the solutions of least norm.

        These interpolate the data, or fit it as well as possible: all predict the same.
        """
        if "minimizer" in references:
            return np.zeros(len(at.rows))
        fits = next((references[name] for name in SHOWN_NAMES if name in references), None)
        instance = at.instance
        goal = instance.targets if fits is None else instance.predictions(fits.solution)
        return residuals(at, goal)

    def measure_all(
        self, at: Predictors, references: Mapping[str, Reference]
    ) -> dict[str, np.ndarray]:
        """Measure the residual as well."""
        found = {"residual": residuals(at, at.instance.targets)}
        return found | super().measure_all(at, references)


REGRESSION = Regression()
