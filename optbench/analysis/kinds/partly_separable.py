"""Data of which some rows can be separated: a direction outside a span, a limit inside it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from optbench.analysis.kinds.base import HEADLINE, Kind
from optbench.analysis.kinds.distances import angle, relative_distance
from optbench.column import Measure
from optbench.solutions import family_member

if TYPE_CHECKING:
    from optbench.instance import Instance
    from optbench.references import Reference


class PartlySeparable(Kind):
    """The parts of w outside and inside the ``span`` of the rows that cannot be separated."""

    name = "partly_separable"
    title = "partly separable data"
    unit = "deg"
    told_apart = 2.0
    arrived = 5.0
    measures = (
        Measure("angle_direction", "degrees between the part of w outside the span of what cannot "
                "be separated and the limit", unit="deg", header="angle\ndirection", rank=HEADLINE,
                against="direction"),
        Measure("distance_offset", "relative L2 distance of the part inside that span to its limit",
                header="distance\noffset", rank=HEADLINE, against="offset"),
    )  # fmt: skip

    def distance(self, instance: Instance, w: np.ndarray, reference: Reference) -> float:
        """Return the angle of the part outside the span, in degrees; 90 where there is none."""
        outside = w - self._inside(instance, w)
        return angle(outside, reference.solution) if np.any(outside) else 90.0

    def measure(
        self, instance: Instance, references: Mapping[str, Reference], w: np.ndarray
    ) -> dict[str, float]:
        """Measure the angle of the one part and the distance of the other."""
        offset = family_member(instance, "offset", math.nan).solution
        angles = {
            f"angle_{name}": self.distance(instance, w, reference)
            for name, reference in references.items()
        }
        away = relative_distance(self._inside(instance, w), offset)
        if math.isinf(away):  # from an offset of 0: there is nothing to relate to
            return angles
        return {**angles, "distance_offset": away}

    def _inside(self, instance: Instance, w: np.ndarray) -> np.ndarray:
        span = instance.facts["span"]
        inside: np.ndarray = span @ (span.T @ w)
        return inside


PARTLY_SEPARABLE = PartlySeparable()
