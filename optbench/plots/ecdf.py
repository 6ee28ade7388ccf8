"""Runtime distributions: of all pairs of an instance and a target, the part that is solved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optbench.analysis.profiles import runtime_ecdf
from optbench.plots.costs import costs, table
from optbench.plots.curves import draw_curves, points
from optbench.plots.kind import AGAINST, Asked, Kind
from optbench.plots.loss import LABELS
from optbench.plots.panels import left_out

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from optbench.result import Comparison


def data(comparison: Comparison) -> pd.DataFrame:
    """Return where the curve of each optimizer steps up, in each unit of ``against``."""
    import pandas as pd

    told = costs(comparison, "ecdf")
    pairs = len(told[["instance_id", "target"]].drop_duplicates())
    found = [
        each
        for unit in AGAINST
        for each in points(*runtime_ecdf(table(told, unit)), against=unit, panel="", pairs=pairs)
    ]
    return pd.DataFrame(found)


def draw(data: pd.DataFrame, asked: Asked) -> Figure:
    """Draw one panel."""
    own = data[data["against"] == asked.against]
    return draw_curves(own, asked, (LABELS[asked.against], "fraction of targets reached"))


def read(data: pd.DataFrame, asked: Asked) -> str:
    """Say what a point of a curve means."""
    parts = (
        f"A curve at (x, y): with x {asked.against} the optimizer has reached, and kept to the "
        f"end, a fraction y of the {data['pairs'].iloc[0]} pairs of an instance and a target "
        "(Hansen et al., arXiv:1603.08785). Higher and further left is better.",
        left_out(data, "with the largest area below their curves"),
    )
    return " ".join(filter(None, parts))


ECDF = Kind(
    name="ecdf",
    shows="How many targets each optimizer reaches within a budget, over all instances.",
    data=data,
    draw=draw,
    read=read,
    against=AGAINST,
)
