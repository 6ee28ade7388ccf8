"""The last predictors of a comparison and its reference solutions, as figures need them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from optbench.plots.rows import PLACE, naming, place

if TYPE_CHECKING:
    from optbench.columns import InstanceFacts
    from optbench.result import Comparison


class Found(NamedTuple):
    """What was found on one instance with one parametrization, or without regard to that.

    Attributes
    ----------
    place : dict of str to str
        The columns that say where.
    facts : InstanceFacts
    references : dict of str to ndarray, float64 (d,)
    ends : dict of str to ndarray, float64 (d,)
        By optimizer: the last predictor of the first seed, where that is finite and not 0.
    """

    place: dict[str, str]
    facts: InstanceFacts
    references: dict[str, np.ndarray]
    ends: dict[str, np.ndarray]


def found_on(comparison: Comparison) -> Iterator[Found]:
    """Yield what was found on each instance where something was."""
    name = naming(comparison.convergence_rows)
    for facts in comparison.instances:
        own = [t for t in comparison.traced if t.instance_id == facts.instance_id]
        ends = {name(trace): trace.w[0] for trace in own if trace.won and trace.w is not None}
        told = {label: w for label, w in ends.items() if np.isfinite(w).all() and w.any()}
        if told:
            where = {**place(own[0]), PLACE[-1]: ""}  # the parametrizations of rows differ
            solutions = dict(comparison.solutions.get(facts.instance_id, {}))
            yield Found(where, facts, solutions, told)
