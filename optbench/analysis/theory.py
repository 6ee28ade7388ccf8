"""What theory predicts of a cell: the solution it selects, and the largest learning rate.

A theorem is quoted only where its conditions hold, as far as hyperparameters decide them, and
where the instance has the solution that it names.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from optbench.analysis.kinds import kind_of
from optbench.analysis.statistics import finite
from optbench.contract import UNKNOWN, Selected
from optbench.errors import UserError
from optbench.instance import Instance
from optbench.norm_names import FAMILIES
from optbench.references import Reference, member_name
from optbench.solutions import family_member, solved
from optbench.study import FLOW_RATE, Cell, flow_selects, small_steps_follow, tail_decides
from optbench.tuning.grid import flow_rate

FAR = 100.0  # on separable data |w| over alpha^2, from where on the start of the flow is forgotten
ONLY = "minimizer"  # the only solution: whatever comes to rest there selects it
FLOW_CONDITION = (
    f"the theorem is about gradient flow: a learning rate of at most {FLOW_RATE:g} times the "
    "natural one, less where w starts far below its solution"
)


class Prediction(NamedTuple):
    """What theory says of a row.

    Attributes
    ----------
    name : str
        Of the reference: ``l3`` for the family ``lp`` with p = 3; or ``"unknown"``.
    reference : Reference or None
        Itself, unless it is one of the instance's.
    reason : str
        Why it is unknown, where a theorem would name a solution.
    """

    name: str
    reference: Reference | None = None
    reason: str = ""


def theory(cell: Cell, rate: float | None = None, size: float = math.inf) -> str:
    """Return the reference, or the family, that theory says a row selects, or ``"unknown"``.

    Parameters
    ----------
    cell : Cell
    rate : float, optional
        Of its winning run; without it no condition on the learning rate holds.
    size : float
        The largest coordinate of |w| where its runs ended; infinite: in the limit.
    """
    if ONLY in cell.instance.references:
        astray = _declared(cell, rate) == Selected(UNKNOWN)
        return ONLY if cell.choice.optimizer.fixed_point and not astray else UNKNOWN
    named = _named(cell, rate, size)
    known = {*cell.instance.references, *cell.instance.parametric}
    return named.solution if named is not None and named.solution in known else UNKNOWN


def predicted(cell: Cell, rate: float | None = None, size: float = math.inf) -> Prediction:
    """Return what theory says of a row whose runs ended at predictors of a size."""
    found = _prediction(cell, cell.instance, rate, size)
    if found.name != UNKNOWN or found.reason:
        return found
    limit = _prediction(cell, cell.instance, rate, math.inf).name
    if limit == UNKNOWN:
        return found
    far = f"{limit} holds in the limit only, and |w| is not far above the scale"
    return found._replace(reason=f"{far}: its largest coordinate is {size:.3g}")


def theory_name(cell: Cell, rate: float | None = None, size: float = math.inf) -> str:
    """Return the predicted reference's name: ``l3`` for the family ``lp`` with p = 3."""
    return predicted(cell, rate, size).name


def candidates(cell: Cell, instance: Instance, rate: float | None = None) -> dict[str, Reference]:
    """Return the references of an instance, and the one that theory predicts for this row."""
    found = _prediction(cell, instance, rate)
    extra = {} if found.reference is None else {found.name: found.reference}
    return solved(instance) | extra


def theory_condition(cell: Cell) -> str:
    """Return under which condition theory speaks of a row."""
    return cell.choice.optimizer.condition if cell.parametrization.linear else FLOW_CONDITION


def nothing_to_say(cell: Cell) -> str | None:
    """Say why the implicit-bias table has no verdict for a cell, whatever its run does; else None.

    Its convergence may well be of interest.
    """
    optimizer, instance = cell.choice.optimizer, cell.instance
    title = kind_of(instance).title
    if optimizer.only_for and instance.kind not in optimizer.only_for:
        return f"selects nothing on {title}: it cannot come to rest at a finite solution"
    of_linear = cell.parametrization.linear and _declared(cell, None) is not None
    told = of_linear or flow_selects(instance, cell.parametrization, optimizer) is not None
    if kind_of(instance).references_of_theorems and not told and not cell.choice.named:
        return (
            f"no theorem says what it selects on {title}, and the references there are those of "
            "theorems: named with -o it has a row"
        )
    return None


def _declared(cell: Cell, rate: float | None, size: float = math.inf) -> Selected | None:
    optimizer = cell.choice.optimizer
    return optimizer.selection(cell.instance.kind, cell.choice.values(rate), size)


def _named(cell: Cell, rate: float | None, size: float) -> Selected | None:
    """Return what the theorem of the optimizer, or of the flow that it follows, names."""
    if cell.parametrization.linear:
        return _declared(cell, rate, size)
    found = flow_selects(cell.instance, cell.parametrization, cell.choice.optimizer)
    return None if found is None or not _follows_flow(cell, rate, size) else Selected(found)


def _follows_flow(cell: Cell, rate: float | None, size: float) -> bool:
    """Whether the steps of a run are small enough, or its end is far enough from the start."""
    if tail_decides(cell.instance):
        scale = cell.parametrization.scale
        return scale is None or size >= FAR * scale**2
    optimizer, fixed = cell.choice.optimizer, cell.choice.fixed
    name = next(iter(optimizer.tuned), None)
    used = fixed.get(name or "", rate)
    if used is None or not small_steps_follow(optimizer, name):
        return False
    others = {key: value for key, value in fixed.items() if key != name}
    searched = replace(cell, choice=replace(cell.choice, fixed=others))
    return used <= flow_rate(searched) * (1.0 + 1e-9)


def _prediction(
    cell: Cell, instance: Instance, rate: float | None, size: float = math.inf
) -> Prediction:
    """Return the predicted reference of one instance of a cell."""
    family, found = theory(cell, rate, size), solved(instance)
    if family not in instance.parametric:
        return Prediction(family if family in found else UNKNOWN)
    member = _member(cell, rate)
    try:
        reference = family_member(instance, family, member)
    except UserError as error:  # there is no such solution, as a margin in a singular metric
        return Prediction(UNKNOWN, reason=f"no {family} solution of this instance: {error}")
    own = next((name for name, other in found.items() if _same(reference, other)), None)
    if own is not None:
        return Prediction(own)
    name = member_name(family, member) if family in FAMILIES else family
    return Prediction(name, reference)


def _member(cell: Cell, rate: float | None) -> float:
    """Return the parameter of the family's member: a hyperparameter, or a scale of the start."""
    if not cell.parametrization.linear:
        scale = cell.parametrization.scale
        return math.nan if scale is None else scale**2
    named = _declared(cell, rate)
    return math.nan if named is None else cell.choice.values(rate).get(named.parameter, math.nan)


def _same(a: Reference, b: Reference) -> bool:
    size = max(float(np.linalg.norm(a.solution)), float(np.linalg.norm(b.solution)))
    return float(np.linalg.norm(a.solution - b.solution)) <= 1e-6 * size


def theory_rate(cell: Cell) -> float | None:
    """Return 2 / L, the critical rate of gradient descent on w; None for every other rule."""
    optimizer, curvature = cell.choice.optimizer, cell.instance.curvature
    hyper = optimizer.hypers.get(cell.choice.tuned or "")
    named = optimizer.selection("regression", cell.choice.values())
    plain = named == Selected("l2") and "grad" in optimizer.needs
    if not plain or optimizer.slots or hyper is None or hyper.degree != -1:
        return None
    if not cell.parametrization.linear or cell.instance.positive or not curvature > 0:
        return None
    return finite(2.0 / curvature)
