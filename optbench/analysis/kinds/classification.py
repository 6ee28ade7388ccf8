"""Separable data: w grows without bound, and its direction is what is selected."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from optbench.analysis.kinds.base import HEADLINE, Kind, of_norms
from optbench.analysis.kinds.distances import Predictors
from optbench.column import Measure

if TYPE_CHECKING:
    from optbench.references import Reference


class Classification(Kind):
    """Directions, told apart by their margins."""

    name = "classification"
    title = "separable data"
    unit = "deg"
    told_apart = 2.0
    arrived = 5.0
    measures = (
        *of_norms("margin_ratio", "ratio", "{} margin of w over the largest one; 1 is best",
                  unit="ratio", rank=HEADLINE, best=1.0),
        *of_norms("angle", "angle", "degrees between w and the direction of largest {} margin",
                  unit="deg", rank=7),
        Measure("angle_minimizer", "degrees between w and the direction along which the loss "
                "falls to its infimum", unit="deg", header="angle\nminimizer", rank=HEADLINE,
                against="minimizer"),
    )  # fmt: skip

    def smallest_margins(self, at: Predictors) -> np.ndarray:
        """Return the smallest margin of a row, which grows with w, of each predictor."""
        return np.asarray((at.instance.targets * at.predictions).min(axis=1))

    def distances(self, at: Predictors, reference: Reference) -> np.ndarray:
        """Return the angles in degrees."""
        return self.angles(at, reference.solution)

    def defects(self, at: Predictors, reference: Reference) -> np.ndarray | None:
        """Return 1 minus the margin over the largest one."""
        return 1.0 - self.qualities(at, reference) if reference.exponents else None

    def qualities(self, at: Predictors, reference: Reference) -> np.ndarray:
        """Return the margin over the largest one; at most 0 where a row is on the wrong side."""
        sizes, found = self.sizes(at, reference.norm), np.zeros(len(at.rows))
        if sizes is None:
            return found
        np.divide(self.smallest_margins(at), sizes, out=found, where=sizes > 0.0)
        return found / reference.value

    def measure_all(
        self, at: Predictors, references: Mapping[str, Reference]
    ) -> dict[str, np.ndarray]:
        """Measure margins in each norm and the angle to each reference."""
        ratios = {
            f"margin_ratio_{name}": self.qualities(at, reference)
            for name, reference in references.items()
            if self.has(f"margin_ratio_{name}")
        }
        return ratios | {
            f"angle_{name}": self.angles(at, reference.solution)
            for name, reference in references.items()
        }


CLASSIFICATION = Classification()
