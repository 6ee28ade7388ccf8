"""Regression: which of the predictors that fit the data, in norms and relative distances."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from optbench.analysis.kinds.base import SHOWN_NAMES, Kind
from optbench.analysis.kinds.distances import excess, over
from optbench.column import Measure

if TYPE_CHECKING:
    from optbench.instance import Instance
    from optbench.references import Reference


def residual(instance: Instance, w: np.ndarray, goal: np.ndarray) -> float:
    """Return ||X w - goal|| / ||y||; where y = 0, over the size of the terms of X w."""
    missing = float(np.linalg.norm(instance.predictions(w) - goal))
    size = float(np.linalg.norm(instance.targets))
    terms = abs(instance.features) @ np.abs(w.reshape(instance.outputs, -1)).T
    return over(missing, size or float(np.linalg.norm(terms)))


class Regression(Kind):
    """Predictors that fit, told apart by their norms."""

    name = "regression"
    title = "regression"
    measures = (
        *Kind.measures,
        Measure("residual", "||X w - y|| / ||y||", header="residual", rank=5),
    )

    def defect(self, instance: Instance, w: np.ndarray, reference: Reference) -> float | None:
        """Return the norm over the least one, minus 1."""
        size = self.size(instance, w, reference.norm) if reference.exponents else None
        return None if size is None else excess(size, reference.value)

    def misfit(
        self, instance: Instance, references: Mapping[str, Reference], w: np.ndarray
    ) -> float:
        """Return how far its predictions are from those of the solutions of least norm.

        These interpolate the data, or fit it as well as possible: all predict the same.
        """
        if "minimizer" in references:
            return 0.0
        fits = next((references[name] for name in SHOWN_NAMES if name in references), None)
        goal = instance.targets if fits is None else instance.predictions(fits.solution)
        return residual(instance, w, goal)

    def measure(
        self, instance: Instance, references: Mapping[str, Reference], w: np.ndarray
    ) -> dict[str, float]:
        """Measure the residual as well."""
        found = {"residual": residual(instance, w, instance.targets)}
        return found | super().measure(instance, references, w)


REGRESSION = Regression()
