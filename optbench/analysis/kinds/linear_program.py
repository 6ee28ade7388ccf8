"""Linear programs: how far from feasible and from optimal, and which solution."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from optbench.analysis.kinds.base import HEADLINE, Kind
from optbench.analysis.kinds.distances import (
    Predictors,
    inner_products,
    lengths,
    over,
    relative_distances,
)
from optbench.analysis.kinds.regression import residuals
from optbench.column import Measure

if TYPE_CHECKING:
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

    def misfits(self, at: Predictors, references: Mapping[str, Reference]) -> np.ndarray:
        """Return how far from feasible points are."""
        return residuals(at, at.instance.targets)

    def measure_all(
        self, at: Predictors, references: Mapping[str, Reference]
    ) -> dict[str, np.ndarray]:
        """Measure feasibility, optimality and the support."""
        goal = at.instance.targets
        found = {
            "infeasibility": lengths(at.predictions - goal) / (1.0 + float(np.linalg.norm(goal))),
            **{
                f"distance_{name}": relative_distances(at.rows, reference.solution)
                for name, reference in references.items()
            },
        }
        if "vertex" in references:
            found["objective_gap"] = _objective_gaps(at, references["vertex"])
            found["support_f1"] = _support_f1(at, references["vertex"].solution)
        return found


def _objective_gaps(at: Predictors, vertex: Reference) -> np.ndarray:
    cost = np.asarray(at.instance.cost)
    terms = float(np.abs(cost) @ np.abs(vertex.solution)) or float(np.linalg.norm(cost))
    size = abs(vertex.value) if abs(vertex.value) > VANISHES * terms else terms
    return over(np.abs(inner_products(at.rows - vertex.solution, cost)), size)


def _support_f1(at: Predictors, solution: np.ndarray) -> np.ndarray:
    chosen, basic = _supports(at.rows), _supports(solution[None])
    both = (chosen & basic).sum(axis=1)
    return np.asarray(2.0 * both / np.maximum(chosen.sum(axis=1) + basic.sum(), 1))


def _supports(rows: np.ndarray) -> np.ndarray:
    """Return which coordinates of points x >= 0 are not 0, next to the largest one."""
    return np.asarray(rows > SUPPORT * np.maximum(rows.max(axis=1, keepdims=True), 0.0))


LINEAR_PROGRAM = LinearProgram()
