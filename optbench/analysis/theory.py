"""What theory predicts of a cell: the solution it selects, and the largest learning rate."""

from __future__ import annotations

import math

import numpy as np

from optbench.analysis.statistics import finite
from optbench.contract import UNKNOWN
from optbench.instance import Instance
from optbench.references import Reference, norm_name
from optbench.solutions import family_member, solved
from optbench.study import Cell


def theory(cell: Cell) -> str:
    """Return the reference, or the family, that theory says this cell selects, or ``"unknown"``.

    For another parametrization than the linear one theorems are about gradient flow: they hold
    for optimizers that follow it.
    """
    kind = cell.instance.kind
    if "minimizer" in cell.instance.references:
        return "minimizer"  # the only solution: whatever converges selects it
    if cell.parametrization.linear:
        selected = cell.choice.optimizer.selection(kind).solution
        # of the rows that can be separated the direction of largest L2 margin (1803.07300)
        separated = kind == "partly_separable" and selected == "l2"
        return "direction" if separated else selected
    known = cell.parametrization.selects if cell.choice.optimizer.follows_flow else {}
    return known.get(kind, UNKNOWN)


def theory_name(cell: Cell) -> str:
    """Return the predicted reference's name: ``l3`` for the family ``lp`` with p = 3."""
    family = theory(cell)
    return norm_name(_member(cell)) if family == "lp" else family


def candidates(cell: Cell, instance: Instance) -> dict[str, Reference]:
    """Return the references of an instance, and the one that theory predicts for this cell."""
    found = dict(solved(instance))
    family = theory(cell)
    if family not in instance.parametric:
        return found
    reference = family_member(instance, family, _member(cell))
    if not any(_same(reference, other) for other in found.values()):
        found[theory_name(cell)] = reference
    return found


def _member(cell: Cell) -> float:
    """Return the parameter of the family's member: a hyperparameter, or a scale of the start."""
    if not cell.parametrization.linear:
        scale = cell.parametrization.scale
        return math.nan if scale is None else scale**2
    optimizer = cell.choice.optimizer
    parameter = optimizer.selection(cell.instance.kind).parameter
    hypers = dict(zip(optimizer.hypers, cell.choice.hypers(math.nan), strict=True))
    return float(hypers.get(parameter, math.nan))


def _same(a: Reference, b: Reference) -> bool:
    size = max(float(np.linalg.norm(a.solution)), float(np.linalg.norm(b.solution)))
    return float(np.linalg.norm(a.solution - b.solution)) <= 1e-6 * size


def theory_rate(cell: Cell) -> float | None:
    """Return 2 / L, the critical rate of gradient descent on w; None for every other rule."""
    optimizer, curvature = cell.choice.optimizer, cell.instance.curvature
    plain = optimizer.selection("regression").solution == "l2" and "grad" in optimizer.needs
    hyper = optimizer.hypers.get(cell.choice.tuned or "")
    if not plain or optimizer.slots or hyper is None or hyper.degree != -1:
        return None
    if not cell.parametrization.linear or cell.instance.positive or not curvature > 0:
        return None
    return finite(2.0 / curvature)
