"""One object for each kind of problem: its distance, measures, unit of verdicts and headers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from optbench.analysis.kinds.base import FITS, HEADLINE, Kind
from optbench.analysis.kinds.classification import CLASSIFICATION
from optbench.analysis.kinds.distances import Predictors
from optbench.analysis.kinds.linear_program import LINEAR_PROGRAM
from optbench.analysis.kinds.matrix import MATRIX
from optbench.analysis.kinds.multiclass import MULTICLASS
from optbench.analysis.kinds.nonseparable import NONSEPARABLE
from optbench.analysis.kinds.other import OTHER
from optbench.analysis.kinds.partly_separable import PARTLY_SEPARABLE
from optbench.analysis.kinds.regression import REGRESSION
from optbench.column import Measure

if TYPE_CHECKING:
    from optbench.instance import Instance
    from optbench.references import Reference

KINDS: tuple[Kind, ...] = (
    CLASSIFICATION, MULTICLASS, PARTLY_SEPARABLE, NONSEPARABLE, REGRESSION, MATRIX, LINEAR_PROGRAM,
    OTHER,
)  # fmt: skip
MEASURES: dict[str, Measure] = {each.name: each for kind in KINDS for each in kind.measures}
FURTHER = {"angle": "degrees between w and the {} solution",
           "component": "component of w along the {} solution",
           "distance": "relative L2 distance to the {} solution"}  # fmt: skip


def kind_of(instance: Instance) -> Kind:
    """Return the kind of an instance; a regression with several ``outputs`` is for a matrix."""
    if instance.kind == REGRESSION.name and "outputs" in instance.facts:
        return MATRIX
    return next((kind for kind in KINDS if kind.name == instance.kind), OTHER)


def measured(
    instance: Instance, references: Mapping[str, Reference], w: np.ndarray
) -> dict[str, float]:
    """Return what its kind measures of a predictor, then what the instance itself measures."""
    found = measured_along(Predictors(instance, w[None]), references)
    return {name: float(values[0]) for name, values in found.items()}


def measured_along(at: Predictors, references: Mapping[str, Reference]) -> dict[str, np.ndarray]:
    """Return the same of many predictors; of what is 0 or not finite an instance measures nan."""
    told = at.rows.any(axis=1) & np.isfinite(at.rows).all(axis=1)
    own = {name: np.full(len(at.rows), np.nan) for name in at.instance.measures}
    for name, measure in at.instance.measures.items():
        own[name][told] = [float(measure(w)) for w in at.rows[told]]
    return kind_of(at.instance).measure_all(at, references) | own


def in_their_order(names: Iterable[str]) -> list[str]:
    """Return the names of measures once each: the known ones first, in the order of tables."""
    found = dict.fromkeys(names)
    return [n for n in MEASURES if n in found] + [n for n in found if n not in MEASURES]


def measure_named(name: str) -> Measure:
    """Return the measure of that name; of further references, and of plug-ins, from the name."""
    if name in MEASURES:
        return MEASURES[name]
    what, _, reference = name.partition("_")
    if what in FURTHER and reference:
        unit = "deg" if what == "angle" else ""
        meaning = FURTHER[what].format(reference)
        return Measure(
            name, meaning, unit, header=f"{what}\n{reference}", rank=8, against=reference
        )
    return Measure(name, "", header=name.replace("_", " "), rank=6)


__all__ = [
    "CLASSIFICATION",
    "FITS",
    "HEADLINE",
    "KINDS",
    "MEASURES",
    "Kind",
    "Measure",
    "Predictors",
    "in_their_order",
    "kind_of",
    "measure_named",
    "measured",
    "measured_along",
]
