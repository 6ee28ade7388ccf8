"""Separable data: w grows without bound, and its direction is what is selected."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from optbench.analysis.kinds.base import HEADLINE, Kind, of_norms
from optbench.column import Measure

if TYPE_CHECKING:
    from optbench.instance import Instance
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

    def smallest_margin(self, instance: Instance, w: np.ndarray) -> float:
        """Return the smallest margin of a row, which grows with w."""
        return float(np.min(instance.targets * (instance.features @ w)))

    def distance(self, instance: Instance, w: np.ndarray, reference: Reference) -> float:
        """Return the angle in degrees."""
        return self.angle(instance, w, reference.solution)

    def defect(self, instance: Instance, w: np.ndarray, reference: Reference) -> float | None:
        """Return 1 minus the margin over the largest one."""
        if not reference.exponents:
            return None
        return 1.0 - self.quality(instance, w, reference)

    def quality(self, instance: Instance, w: np.ndarray, reference: Reference) -> float:
        """Return the margin over the largest one; at most 0 where a row is on the wrong side."""
        size = self.size(instance, w, reference.norm)
        return self.smallest_margin(instance, w) / size / reference.value if size else 0.0

    def measure(
        self, instance: Instance, references: Mapping[str, Reference], w: np.ndarray
    ) -> dict[str, float]:
        """Measure margins in each norm and the angle to each reference."""
        ratios = {
            f"margin_ratio_{name}": self.quality(instance, w, reference)
            for name, reference in references.items()
            if self.has(f"margin_ratio_{name}")
        }
        return ratios | {
            f"angle_{name}": self.angle(instance, w, reference.solution)
            for name, reference in references.items()
        }


CLASSIFICATION = Classification()
