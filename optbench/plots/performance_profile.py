"""Performance profiles: how often an optimizer is within a factor of the fastest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optbench.analysis.profiles import performance_profile
from optbench.plots.costs import costs, table
from optbench.plots.curves import draw_curves, points
from optbench.plots.kind import AGAINST, Asked, Kind, NothingToShow
from optbench.plots.panels import left_out

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from optbench.result import Comparison


def data(comparison: Comparison) -> pd.DataFrame:
    """Return where the curve of each optimizer steps up, in each unit of ``against``."""
    import pandas as pd

    told = costs(comparison, "performance_profile")
    if told["optimizer"].nunique() < 2:
        raise NothingToShow("performance_profile: it compares optimizers, and there is one")
    pairs = len(told[["instance_id", "target"]].drop_duplicates())
    found = [
        each
        for unit in AGAINST
        for each in points(
            *performance_profile(table(told, unit)), against=unit, panel="", pairs=pairs
        )
    ]
    return pd.DataFrame(found)


def draw(data: pd.DataFrame, asked: Asked) -> Figure:
    """Draw one panel."""
    own = data[data["against"] == asked.against]
    labels = f"factor of the fewest {asked.against}", "fraction of targets"
    return draw_curves(own, asked, labels, first=1.0)


def read(data: pd.DataFrame, asked: Asked) -> str:
    """Say what a point of a curve means."""
    parts = (
        f"A curve at (x, y): on a fraction y of the {data['pairs'].iloc[0]} pairs of an instance "
        f"and a target the optimizer needs at most x times the fewest {asked.against} of all "
        "optimizers drawn (Dolan and Moré 2002, doi:10.1007/s101070100263). At the left edge: "
        "how often it is the fastest; at the right: how much it solves at all.",
        left_out(data, "with the largest area below their curves"),
    )
    return " ".join(filter(None, parts))


PERFORMANCE_PROFILE = Kind(
    name="performance_profile",
    shows="How often each optimizer is within a factor of the fastest, over all instances.",
    data=data,
    draw=draw,
    read=read,
    against=AGAINST,
)
