"""Which options an optimizer can be combined with: those that change where its steps lead.

Whether an option has an effect is tried: a rule may read its learning rate in the first step only,
follow the gradient's direction whatever its length, or set theta anew from what it keeps, in its
kernel or in any helper.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from optbench.contract import Optimizer, combine, options_of
from optbench.contract.combinations import SCHEDULE
from optbench.errors import UserError
from optbench.rehearsal.plain import plain_path
from optbench.rehearsal.quadratic import Quadratic

SAME = 1e-10  # a path that differs by less, relatively, differs by rounding
OF_RATE = (SCHEDULE, "warmup", "cooldown")
_TRIED: dict[tuple[str, str], bool] = {}
WHY_NONE: Mapping[str, str] = {
    **dict.fromkeys(OF_RATE, "no learning rate after the first one reaches its steps"),
    "clip": "its steps do not depend on the length of the gradient",
    "weight_decay": "it sets theta anew from what it keeps",
}


def effective_options(optimizer: Optimizer) -> dict[str, str]:
    """Return the options that an optimizer can be combined with, and their meanings."""
    return {
        name: text for name, text in options_of(optimizer).items() if has_effect(optimizer, name)
    }


def check_effects(optimizer: Optimizer, asked: Collection[str]) -> None:
    """Refuse options without an effect.

    Parameters
    ----------
    optimizer : Optimizer
        Without options.
    asked : collection of str
        Names of options that it has.

    Raises
    ------
    UserError
        The option, and why it changes nothing.
    """
    for name in asked:
        if not has_effect(optimizer, name):
            raise UserError(
                f"optimizer {optimizer.name}: {name} would have no effect: {WHY_NONE[name]}"
            )


def has_effect(optimizer: Optimizer, option: str) -> bool:
    """Whether an option changes the path on the small problem; what cannot be run has one."""
    known = optimizer.identity, option
    if known not in _TRIED:
        _TRIED[known] = _changes_path(optimizer, option)
    return _TRIED[known]


def _changes_path(optimizer: Optimizer, option: str) -> bool:
    """Try an option from the second step on: the first one may be read as where a run begins."""
    problem = Quadratic()
    try:
        with np.errstate(all="ignore"):
            path = plain_path(optimizer, problem)
            norms = [np.linalg.norm(problem.gradient(theta)) for theta in path.theta]
            if option in OF_RATE:
                combined = combine(optimizer, "linear")
            else:
                given = {"clip": float(np.median(norms)), "weight_decay": 0.5}
                combined = combine(optimizer, values={option: given[option]})
            other = plain_path(combined, problem, options_from=2)
    except Exception:  # the check of a plug-in says what it raises
        return True
    if option == "weight_decay":  # what a rule keeps of theta, such as the last one, leads nowhere
        return _differ(other.theta, path.theta)
    slots = path.state.shape[1]  # a sign may not change in so few steps, what it is of does
    return _differ(other.theta, path.theta) or _differ(other.state[:, :slots], path.state)


def _differ(one: np.ndarray, other: np.ndarray) -> bool:
    size = np.abs(other).max(initial=0.0)
    return not np.allclose(one, other, rtol=SAME, atol=SAME * size, equal_nan=True)
