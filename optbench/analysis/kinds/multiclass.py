"""Several classes that linear scores separate: W, row by row in w, grows without bound.

Of W what all rows have in common says nothing: adding one vector to each of them changes no score's
lead.  Angles leave it out.  Margins are divided by the norm of W as it is: methods whose steps have
column sums 0, such as gradient descent, never add it, while signs may.
"""

from __future__ import annotations

import numpy as np

from optbench.analysis.kinds.base import HEADLINE, SHOWN_NAMES, SHOWN_SCHATTEN, of_norms
from optbench.analysis.kinds.classification import Classification
from optbench.analysis.kinds.distances import Predictors, angles
from optbench.analysis.kinds.matrix import RANKS, OfMatrices

NAMES = SHOWN_NAMES | SHOWN_SCHATTEN


class Multiclass(OfMatrices, Classification):
    """Directions of matrices, told apart by their margins in norms of entries and of spectra."""

    name = "multiclass"
    title = "separable classes"
    measures = (
        *of_norms("margin_ratio", "ratio", "{} margin of w over the largest one; 1 is best",
                  NAMES, unit="ratio", rank=HEADLINE, best=1.0),
        *of_norms("angle", "angle", "degrees between w and the direction of largest {} margin",
                  NAMES, unit="deg", rank=7),
        *RANKS,
    )  # fmt: skip

    def smallest_margins(self, at: Predictors) -> np.ndarray:
        """Return the smallest lead of the score of a row's class over that of another one."""
        scores = np.array(at.scores)
        labels = np.broadcast_to(
            at.instance.targets.astype(np.intp)[None, :, None], (*scores.shape[:2], 1)
        )
        own = np.take_along_axis(scores, labels, axis=2)[..., 0]
        np.put_along_axis(scores, labels, -np.inf, axis=2)
        return np.asarray((own - scores.max(axis=2)).min(axis=1))

    def angles(self, at: Predictors, direction: np.ndarray) -> np.ndarray:
        """Return the angles between what rows do not have in common; 90 where there is nothing."""
        centred = at.matrices - at.matrices.mean(axis=1, keepdims=True)
        rows = centred.reshape(at.rows.shape)
        goal = Predictors(at.instance, direction[None]).matrices[0]
        goal = (goal - goal.mean(axis=0)).ravel()
        told = rows.any(axis=1) & np.any(goal)
        found = np.full(len(rows), 90.0)
        found[told] = angles(rows[told], goal)
        return found


MULTICLASS = Multiclass()
