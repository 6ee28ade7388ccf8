"""Regression for a matrix W, row by row in w: also how many directions W has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from optbench.analysis.kinds.base import HEADLINE
from optbench.analysis.kinds.distances import as_matrix, matrix_size
from optbench.analysis.kinds.regression import Regression
from optbench.analysis.spectra import effective_rank, stable_rank
from optbench.column import Measure

if TYPE_CHECKING:
    from optbench.instance import Instance
    from optbench.references import Reference

RANKS = (
    Measure("effective_rank", "exp of the entropy of the normalised singular values",
            unit="rank", header="effective\nrank", rank=6),
    Measure("stable_rank", "||W||_F^2 / ||W||_2^2", unit="rank", header="stable\nrank", rank=6),
)  # fmt: skip


def ranks(instance: Instance, w: np.ndarray) -> dict[str, float]:
    """Measure how many directions the matrix of a predictor has."""
    values = np.linalg.svd(as_matrix(instance, w), compute_uv=False)
    return {"effective_rank": effective_rank(values), "stable_rank": stable_rank(values)}


class Matrix(Regression):
    """Regression whose instance says how many ``outputs`` there are: the rows of W."""

    name = "matrix"
    title = "matrices"
    measures = (
        *Regression.measures,
        Measure("norm_excess_nuclear", "nuclear norm of W over the least one that fits, minus 1",
                header="excess\nnuclear", rank=HEADLINE, against="nuclear"),
        Measure("distance_nuclear", "relative L2 distance to the matrix of least nuclear norm",
                header="distance\nnuclear", rank=7, against="nuclear"),
        Measure("distance_hidden", "relative L2 distance to the hidden matrix",
                header="distance\nhidden", rank=HEADLINE, against="hidden"),
        *RANKS,
    )  # fmt: skip

    def size(self, instance: Instance, w: np.ndarray, norm: str | None) -> float | None:
        """Return a norm of the entries, or of the singular values."""
        return matrix_size(instance, w, norm)

    def measure(
        self, instance: Instance, references: Mapping[str, Reference], w: np.ndarray
    ) -> dict[str, float]:
        """Measure ranks as well."""
        return super().measure(instance, references, w) | ranks(instance, w)


MATRIX = Matrix()
