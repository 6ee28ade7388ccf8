"""What is measured along the runs: the numbers of the implicit-bias table, and some more.

More are the norms of w, how many coordinates it has, and its components along the references: these
place it in the plane of any two of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from optbench.analysis.kinds import Predictors, measured_along
from optbench.analysis.kinds.distances import inner_products, unit
from optbench.analysis.theory import candidates
from optbench.instance import Instance
from optbench.references import Reference
from optbench.solutions import solved
from optbench.study import Cell

NORMS = {"norm_l1": 1.0, "norm_l2": 2.0, "norm_linf": np.inf}
SUPPORT = 1e-4  # a coordinate counts above this fraction of the largest


class ReferenceMeter:
    """Measures predictors against the references of an instance.

    Parameters
    ----------
    instance : Instance
    references : mapping of str to Reference
    """

    def __init__(self, instance: Instance, references: Mapping[str, Reference]) -> None:
        self.instance, self.references = instance, references
        self.numbers = instance.dimension + instance.features.shape[0] * instance.outputs
        self.names = tuple(self._measured(np.zeros((1, instance.dimension))))

    def __call__(self, rows: np.ndarray) -> Sequence[np.ndarray]:
        """Measure predictors, float64 (m, d): for each name m numbers, nan where it has none."""
        return list(self._measured(rows).values())

    def _measured(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        at = Predictors(self.instance, rows)
        with np.errstate(all="ignore"):  # of runs that diverge
            found = measured_along(at, self.references)
            if self.instance.at_infinity:  # 0 has no direction
                nowhere = ~rows.any(axis=1)
                found = {name: np.where(nowhere, np.nan, each) for name, each in found.items()}
            return found | self._plain(at)

    def _plain(self, at: Predictors) -> dict[str, np.ndarray]:
        size, largest = np.abs(at.rows), at.norms(np.inf)
        return {
            **{name: at.norms(p) for name, p in NORMS.items()},
            "support": (size > SUPPORT * largest[:, None]).sum(axis=1),
            **{
                f"component_{name}": inner_products(at.rows, unit(each.solution))
                for name, each in self.references.items()
            },
        }


class ReferenceMeters:
    """One meter for all cells on an instance, unless theory names a solution of their own."""

    def __init__(self) -> None:
        self._shared: dict[Instance, ReferenceMeter] = {}

    def __call__(
        self, cell: Cell, instance: Instance, rates: Sequence[float | None]
    ) -> ReferenceMeter:
        """Return what measures the runs of a cell at some learning rates."""
        references = {n: e for rate in rates for n, e in candidates(cell, instance, rate).items()}
        if references.keys() != solved(instance).keys():
            return ReferenceMeter(instance, references)
        if instance not in self._shared:
            self._shared[instance] = ReferenceMeter(instance, references)
        return self._shared[instance]
