"""Linear programs: how far from feasible and from optimal, and which solution."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from optbench.analysis.kinds.base import HEADLINE, Kind
from optbench.analysis.kinds.distances import over, relative_distance
from optbench.analysis.kinds.regression import residual
from optbench.column import Measure

if TYPE_CHECKING:
    from optbench.instance import Instance
    from optbench.references import Reference

SUPPORT = 1e-4  # a coordinate counts as nonzero above this fraction of the largest
VANISHES = 1e-9  # an optimum below this fraction of its terms is 0 up to rounding


class LinearProgram(Kind):
    """Points x >= 0 with A x = b."""

    name = "linear_program"
    title = "linear programs"
    references_of_theorems = True
    measures = (
        Measure("objective_gap", "|c.x - optimum| / |optimum|; where the optimum is 0, over the "
                "size of its terms", header="objective\ngap", rank=HEADLINE, against="vertex"),
        Measure("infeasibility", "||A x - b|| / (1 + ||b||)", header="infeasi-\nbility",
                rank=HEADLINE),
        Measure("distance_entropic", "relative L2 distance to the entropic solution",
                header="distance\nentropic", rank=HEADLINE, against="entropic"),
        Measure("distance_vertex", "relative L2 distance to the optimal vertex",
                header="distance\nvertex", rank=HEADLINE, against="vertex"),
        Measure("support_f1", "F1 score of the recovered support; 1 is best", unit="ratio",
                header="support\nF1", rank=5, best=1.0, against="vertex"),
    )  # fmt: skip

    def misfit(
        self, instance: Instance, references: Mapping[str, Reference], w: np.ndarray
    ) -> float:
        """Return how far from feasible a point is."""
        return residual(instance, w, instance.targets)

    def measure(
        self, instance: Instance, references: Mapping[str, Reference], w: np.ndarray
    ) -> dict[str, float]:
        """Measure feasibility, optimality and the support."""
        violated = float(np.linalg.norm(instance.features @ w - instance.targets))
        found = {
            "infeasibility": violated / (1.0 + float(np.linalg.norm(instance.targets))),
            **{
                f"distance_{name}": relative_distance(w, reference.solution)
                for name, reference in references.items()
            },
        }
        if "vertex" in references:
            found["objective_gap"] = _objective_gap(instance, references["vertex"], w)
            found["support_f1"] = _support_f1(references["vertex"].solution, w)
        return found


def _objective_gap(instance: Instance, vertex: Reference, w: np.ndarray) -> float:
    cost = np.asarray(instance.cost)
    terms = float(np.abs(cost) @ np.abs(vertex.solution)) or float(np.linalg.norm(cost))
    size = abs(vertex.value) if abs(vertex.value) > VANISHES * terms else terms
    return over(abs(float(cost @ (w - vertex.solution))), size)


def _support_f1(solution: np.ndarray, w: np.ndarray) -> float:
    chosen, basic = (x > SUPPORT * max(float(x.max()), 0.0) for x in (w, solution))
    both = int(np.sum(chosen & basic))
    return 2.0 * both / max(int(chosen.sum() + basic.sum()), 1)


LINEAR_PROGRAM = LinearProgram()
