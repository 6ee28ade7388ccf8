"""What a kind of problem is to the analysis: its distance, measures, unit of verdicts, headers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from optbench.analysis.kinds.distances import (
    ROUNDING,
    Predictors,
    angles,
    excesses,
    relative_distances,
    vector_sizes,
)
from optbench.column import Measure

if TYPE_CHECKING:
    from optbench.instance import Instance
    from optbench.references import Reference

FITS = 1e-3  # relative residual above which a predictor has selected nothing yet
HEADLINE = 1  # rank of the measures that verdicts are about
SHOWN_NAMES = {"l1": "L1", "l2": "L2", "linf": "Linf"}
SHOWN_SCHATTEN = {"nuclear": "nuclear", "spectral": "spectral"}


def of_norms(
    prefix: str,
    header: str,
    meaning: str,
    names: Mapping[str, str] = SHOWN_NAMES,
    **declared: object,
) -> tuple[Measure, ...]:
    """Return one measure for each of some norms; ``{}`` in `meaning` is its name."""
    return tuple(
        Measure(
            f"{prefix}_{key}",
            meaning.format(name),
            header=f"{header}\n{name}",
            against=key,
            **declared,  # type: ignore[arg-type]
        )
        for key, name in names.items()
    )


class Kind:
    """A kind of problem; this one measures distances to references and norms.

    What it measures it measures of many predictors at once, such as all that a run recorded: a
    subclass says how.  The same of one predictor has a name in the singular.

    Attributes
    ----------
    name : str
        What ``Instance.kind`` says.
    title : str
        What the docs call it.
    unit : str
        Of distances and verdicts: ``"deg"``, or empty for relative distances.
    told_apart : float
        References closer to each other than that cannot be told apart.
    close : float
        A verdict needs a margin or norm within this part of the optimum.
    arrived : float
        A verdict needs a distance of at most this, where no margin or norm defines the reference.
    references_of_theorems : bool
        Whether its references say nothing of optimizers on which there is no theorem: no norm or
        margin is theirs.
    measures : tuple of Measure
        What its tables may show, in their order.
    """

    name = "other"
    title = "other problems"
    unit = ""
    told_apart = 0.02
    close = 0.05
    arrived = 0.05
    references_of_theorems = False
    measures: tuple[Measure, ...] = (
        *of_norms(
            "norm_excess", "excess", "{} norm of w over the least one that fits, minus 1",
            rank=HEADLINE,
        ),
        *of_norms(
            "distance", "distance", "relative L2 distance to the solution of least {} norm", rank=7
        ),
        Measure(
            "distance_minimizer", "relative L2 distance to the minimizer",
            header="distance\nminimizer", rank=HEADLINE, against="minimizer",
        ),
        Measure(
            "distance_solution", "relative L2 distance to the only solution",
            header="distance\nsolution", rank=HEADLINE, against="solution",
        ),
    )  # fmt: skip

    def distances(self, at: Predictors, reference: Reference) -> np.ndarray:
        """Return how far predictors are from a reference, in the unit of verdicts."""
        return relative_distances(at.rows, reference.solution)

    def angles(self, at: Predictors, direction: np.ndarray) -> np.ndarray:
        """Return the angles between predictors and a direction in degrees."""
        return angles(at.rows, direction)

    def sizes(self, at: Predictors, norm: str | None) -> np.ndarray | None:
        """Return a norm of predictors by its name in tables; None where it is none of its."""
        return vector_sizes(at, norm)

    def defects(self, at: Predictors, reference: Reference) -> np.ndarray | None:
        """Return how far from optimal they are in the norm or margin that defines a reference."""
        return None

    def misfits(self, at: Predictors, references: Mapping[str, Reference]) -> np.ndarray:
        """Return how far from a solution predictors are: above :data:`FITS` they are at none."""
        return np.zeros(len(at.rows))

    def qualities(self, at: Predictors, reference: Reference) -> np.ndarray:
        """Return how close to optimal the norm or margin of a reference is, at most 1."""
        sizes = self.sizes(at, reference.norm)
        if sizes is None:
            return np.zeros(len(at.rows))
        found = np.zeros(len(at.rows))
        np.divide(reference.value, sizes, out=found, where=sizes > 0.0)
        return found

    def measure_all(
        self, at: Predictors, references: Mapping[str, Reference]
    ) -> dict[str, np.ndarray]:
        """Measure predictors: the numbers of the implicit-bias table.

        Parameters
        ----------
        at : Predictors
            On the instance where they were trained.
        references : mapping of str to Reference
            Their norms, margins and solutions are what is compared with.

        Returns
        -------
        dict of str to ndarray, float64 (m,)
            Names of :attr:`measures`, and ``distance_*`` or ``angle_*`` of further references.
        """
        found = {}
        for name, reference in references.items():
            sizes = self.sizes(at, name) if self.has(f"norm_excess_{name}") else None
            if sizes is not None:
                found[f"norm_excess_{name}"] = excesses(sizes, reference.value)
            found[f"distance_{name}"] = relative_distances(at.rows, reference.solution)
        return found

    def distance(self, instance: Instance, w: np.ndarray, reference: Reference) -> float:
        """Return how far a predictor is from a reference, in the unit of verdicts."""
        return float(self.distances(_alone(instance, w), reference)[0])

    def angle(self, instance: Instance, a: np.ndarray, b: np.ndarray) -> float:
        """Return the angle between two predictors in degrees."""
        return float(self.angles(_alone(instance, a), b)[0])

    def quality(self, instance: Instance, w: np.ndarray, reference: Reference) -> float:
        """Return how close to optimal the norm or margin of a reference is, at most 1."""
        return float(self.qualities(_alone(instance, w), reference)[0])

    def defect(self, instance: Instance, w: np.ndarray, reference: Reference) -> float | None:
        """Return how far it is from optimal in the norm or margin that defines a reference."""
        found = self.defects(_alone(instance, w), reference)
        return None if found is None else float(found[0])

    def misfit(
        self, instance: Instance, references: Mapping[str, Reference], w: np.ndarray
    ) -> float:
        """Return how far from a solution a predictor is: above :data:`FITS` it is at none."""
        return float(self.misfits(_alone(instance, w), references)[0])

    def shortfall(self, instance: Instance, w: np.ndarray, reference: Reference) -> float:
        """Return what is missing to a reference: a part of its margin or norm, else a distance.

        A norm below the least one is that of a predictor that does not fit: it is missing too.
        """
        defect = self.defect(instance, w, reference)
        missing = self.distance(instance, w, reference) if defect is None else defect
        return abs(missing) if abs(missing) > ROUNDING else 0.0

    def limit(self, instance: Instance, w: np.ndarray, reference: Reference) -> float:
        """Return the largest shortfall with which a run can have selected a reference."""
        return self.arrived if self.defect(instance, w, reference) is None else self.close

    def measure(
        self, instance: Instance, references: Mapping[str, Reference], w: np.ndarray
    ) -> dict[str, float]:
        """Measure one predictor, finite and not zero."""
        found = self.measure_all(_alone(instance, w), references)
        return {name: float(values[0]) for name, values in found.items()}

    def has(self, measure: str) -> bool:
        """Tell whether a measure of that name is one of its."""
        return any(measure == each.name for each in self.measures)


def _alone(instance: Instance, w: np.ndarray) -> Predictors:
    return Predictors(instance, w[None])
