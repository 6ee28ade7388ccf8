"""Regression for a matrix W, row by row in w: also how many directions W has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from optbench.analysis.kinds.base import HEADLINE, Kind
from optbench.analysis.kinds.distances import Predictors, matrix_sizes
from optbench.analysis.kinds.regression import Regression
from optbench.analysis.spectra import effective_ranks, stable_ranks
from optbench.column import Measure

if TYPE_CHECKING:
    from optbench.references import Reference

RANKS = (
    Measure("effective_rank", "exp of the entropy of the normalised singular values",
            unit="rank", header="effective\nrank", rank=6),
    Measure("stable_rank", "||W||_F^2 / ||W||_2^2", unit="rank", header="stable\nrank", rank=6),
)  # fmt: skip


class OfMatrices(Kind):
    """What kinds of matrices have in common: norms of singular values, and ranks."""

    def sizes(self, at: Predictors, norm: str | None) -> np.ndarray | None:
        """Return a norm of the entries, or of the singular values."""
        return matrix_sizes(at, norm)

    def measure_all(
        self, at: Predictors, references: Mapping[str, Reference]
    ) -> dict[str, np.ndarray]:
        """Measure ranks as well."""
        values = at.spectra
        ranks = {"effective_rank": effective_ranks(values), "stable_rank": stable_ranks(values)}
        return super().measure_all(at, references) | ranks


class Matrix(OfMatrices, Regression):
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


MATRIX = Matrix()
