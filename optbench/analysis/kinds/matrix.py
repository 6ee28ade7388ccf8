"""Regression for a matrix W, row by row in w: also how many directions W has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from optbench.analysis.kinds.base import HEADLINE
from optbench.analysis.kinds.distances import excess
from optbench.analysis.kinds.regression import Regression
from optbench.analysis.spectra import effective_rank, stable_rank
from optbench.column import Measure

if TYPE_CHECKING:
    from optbench.instance import Instance
    from optbench.references import Reference


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
        Measure("effective_rank", "exp of the entropy of the normalised singular values",
                unit="rank", header="effective\nrank", rank=6),
        Measure("stable_rank", "||W||_F^2 / ||W||_2^2", unit="rank", header="stable\nrank", rank=6),
    )  # fmt: skip

    def defect(self, instance: Instance, w: np.ndarray, reference: Reference) -> float | None:
        """Return the norm over the least one, minus 1; also of the nuclear norm."""
        if reference.norm == "nuclear" and reference.kind == "least_norm":
            return excess(float(_singular_values(instance, w).sum()), reference.value)
        return super().defect(instance, w, reference)

    def measure(
        self, instance: Instance, references: Mapping[str, Reference], w: np.ndarray
    ) -> dict[str, float]:
        """Measure ranks and the nuclear norm as well."""
        found = super().measure(instance, references, w)
        values = _singular_values(instance, w)
        found |= {"effective_rank": effective_rank(values), "stable_rank": stable_rank(values)}
        if "nuclear" in references:
            found["norm_excess_nuclear"] = excess(float(values.sum()), references["nuclear"].value)
        return found


def _singular_values(instance: Instance, w: np.ndarray) -> np.ndarray:
    matrix = w.reshape(int(instance.facts["outputs"]), -1)
    values: np.ndarray = np.linalg.svd(matrix, compute_uv=False)
    return values


MATRIX = Matrix()
