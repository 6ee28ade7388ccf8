"""Quality profiles: instances on which the final loss is good enough, over all levels of enough.

With the loss f_s that an optimizer ends at, the loss f_0 of the common start and the optimum f*,

    Q_s(tau) = fraction of instances with  f_s - f* <= tau (f_0 - f*),   0 <= tau <= 1.

Fasano, Piermarini and Roma take the best value of the compared solvers for f*; here it is the
certified optimum wherever there is one, so that a curve does not depend on who else is compared.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from optbench.analysis.profiles import common_horizon, runtime_ecdf
from optbench.plots.curves import draw_curves, points
from optbench.plots.kind import Asked, Kind, NothingToShow
from optbench.plots.panels import left_out
from optbench.plots.rows import naming, won

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from optbench.result import Comparison

FLOOR = 1e-16  # of the first gap: what is left below that is drawn there


def data(comparison: Comparison) -> pd.DataFrame:
    """Return where the curve of each optimizer steps up: ``x`` is tau, at least ``FLOOR``."""
    import pandas as pd

    known = {each.instance_id for each in comparison.instances if each.infimum is not None}
    traces = [each for each in won(comparison, "quality_profile") if each.instance_id in known]
    name = naming(comparison.convergence_rows)
    places = list(dict.fromkeys(trace.instance_id for trace in traces))
    if len(places) < 2:
        raise NothingToShow(
            "quality_profile: it needs two instances with a known optimum on which something ran, "
            f"and there {'is one' if places else 'are none'}"
        )
    horizon = common_horizon([row for row in comparison.convergence_rows if row.status.ran])
    left = {label: dict.fromkeys(places, math.inf) for label in dict.fromkeys(map(name, traces))}
    for trace in traces:
        own = left[name(trace)]
        own[trace.instance_id] = min(own[trace.instance_id], _left(trace, horizon))
    costs = {label: list(own.values()) for label, own in left.items()}
    return pd.DataFrame(points(*runtime_ecdf(costs), instances=len(places), panel=""))


def _left(trace: Any, horizon: int) -> float:
    """Return the median over seeds of the last gap over the first; inf where it has grown.

    What runs beyond the common horizon, as some theorems ask, is compared there.
    """
    import numpy as np

    ends = []
    for gaps in trace.log_gap[trace.steps <= horizon].T:
        told = gaps[~np.isnan(gaps)]
        grown = not told.size or not math.isfinite(told[0]) or told[-1] > told[0]
        ends.append(math.inf if grown else max(math.exp(told[-1] - told[0]), FLOOR))
    return float(np.median(ends))


def draw(data: pd.DataFrame, asked: Asked) -> Figure:
    """Draw one panel."""
    return draw_curves(
        data, asked, (r"precision $\tau$", "fraction of instances"), first=FLOOR / 2, last=1.0
    )


def read(data: pd.DataFrame, asked: Asked) -> str:
    """Say what a point of a curve means."""
    parts = (
        "A curve at (tau, y): on a fraction y of the "
        f"{data['instances'].iloc[0]} instances the gap at the horizon (the shortest of "
        "all runs), the median over seeds, is at most tau times the first gap (Fasano, "
        "Piermarini and Roma, arXiv:2607.16798, with the "
        f"certified optimum as the best value; {FLOOR:g} stands for that or less). Higher on the "
        "left is more precise.",
        left_out(data, "with the largest area below their curves"),
    )
    return " ".join(filter(None, parts))


QUALITY_PROFILE = Kind(
    name="quality_profile",
    shows="On how many instances the final loss is within each precision of the optimum.",
    data=data,
    draw=draw,
    read=read,
)
