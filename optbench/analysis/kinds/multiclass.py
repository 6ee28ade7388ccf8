"""Several classes that linear scores separate: W, row by row in w, grows without bound.

Of W what all rows have in common says nothing: adding one vector to each of them changes no score's
lead.  Angles leave it out.  Margins are divided by the norm of W as it is: methods whose steps have
column sums 0, such as gradient descent, never add it, while signs may.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from optbench.analysis.kinds.base import HEADLINE, SHOWN_NAMES, SHOWN_SCHATTEN, of_norms
from optbench.analysis.kinds.classification import Classification
from optbench.analysis.kinds.distances import angle, as_matrix, matrix_size
from optbench.analysis.kinds.matrix import RANKS, ranks

if TYPE_CHECKING:
    from optbench.instance import Instance
    from optbench.references import Reference

NAMES = SHOWN_NAMES | SHOWN_SCHATTEN


class Multiclass(Classification):
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

    def smallest_margin(self, instance: Instance, w: np.ndarray) -> float:
        """Return the smallest lead of the score of a row's class over that of another one."""
        scores = np.asarray(instance.features @ as_matrix(instance, w).T)
        labels = instance.targets.astype(np.intp)[:, None]
        own = np.take_along_axis(scores, labels, axis=1)
        np.put_along_axis(scores, labels, -np.inf, axis=1)
        return float(np.min(own - scores.max(axis=1, keepdims=True)))

    def angle(self, instance: Instance, a: np.ndarray, b: np.ndarray) -> float:
        """Return the angle between what rows do not have in common; 90 where there is nothing."""
        centred = [as_matrix(instance, w) - as_matrix(instance, w).mean(axis=0) for w in (a, b)]
        return angle(*(each.ravel() for each in centred)) if all(map(np.any, centred)) else 90.0

    def size(self, instance: Instance, w: np.ndarray, norm: str | None) -> float | None:
        """Return a norm of the entries, or of the singular values."""
        return matrix_size(instance, w, norm)

    def measure(
        self, instance: Instance, references: Mapping[str, Reference], w: np.ndarray
    ) -> dict[str, float]:
        """Measure ranks as well."""
        return super().measure(instance, references, w) | ranks(instance, w)


MULTICLASS = Multiclass()
