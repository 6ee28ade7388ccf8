"""Data of which some rows can be separated: a direction outside a span, a limit inside it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from optbench.analysis.kinds.base import HEADLINE, Kind
from optbench.analysis.kinds.distances import Predictors, angles, relative_distances
from optbench.column import Measure
from optbench.solutions import family_member

if TYPE_CHECKING:
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

    def distances(self, at: Predictors, reference: Reference) -> np.ndarray:
        """Return the angles of the part outside the span, in degrees; 90 where there is none."""
        outside = at.rows - _inside(at)
        told = outside.any(axis=1)
        found = np.full(len(outside), 90.0)
        found[told] = angles(outside[told], reference.solution)
        return found

    def measure_all(
        self, at: Predictors, references: Mapping[str, Reference]
    ) -> dict[str, np.ndarray]:
        """Measure the angle of the one part and the distance of the other."""
        offset = family_member(at.instance, "offset", math.nan).solution
        away = relative_distances(_inside(at), offset)
        away[np.isinf(away)] = math.nan  # from an offset of 0: there is nothing to relate to
        return {
            **{f"angle_{name}": self.distances(at, each) for name, each in references.items()},
            "distance_offset": away,
        }


def _inside(at: Predictors) -> np.ndarray:
    """Return the parts of predictors inside the span of the rows that cannot be separated."""
    span = at.instance.facts["span"]
    return np.asarray(np.matmul(np.matmul(at.rows[:, None], span), span.T)[:, 0])


PARTLY_SEPARABLE = PartlySeparable()
