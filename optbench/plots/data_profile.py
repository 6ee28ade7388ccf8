"""Data profiles: instances solved within a budget that grows with their dimension."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optbench.analysis.profiles import runtime_ecdf
from optbench.plots.costs import costs, table
from optbench.plots.curves import draw_curves, points
from optbench.plots.kind import Asked, Kind
from optbench.plots.panels import left_out

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from optbench.result import Comparison

SHOWN = ("1e-2", "1e-4", "1e-8")


def data(comparison: Comparison) -> pd.DataFrame:
    """Return where the curve of each optimizer steps up, for each target."""
    import pandas as pd

    told = costs(comparison, "data_profile", instances=2)
    sizes = {each.instance_id: each.d for each in comparison.instances}
    told = told.assign(groups=told["evaluations"] / (told["instance_id"].map(sizes) + 1))
    instances = told["instance_id"].nunique()
    found = [
        each
        for target, own in told.groupby("target", sort=False)
        for each in points(*runtime_ecdf(table(own, "groups")), target=target, instances=instances)
    ]
    return pd.DataFrame(found)


def draw(data: pd.DataFrame, asked: Asked) -> Figure:
    """Draw a panel for each of three targets."""
    own = data[data["target"].isin(SHOWN)]
    labels = r"evaluations / ($d$ + 1)", "fraction of instances"
    return draw_curves(own.assign(panel="target " + own["target"]), asked, labels)


def read(data: pd.DataFrame, asked: Asked) -> str:
    """Say what a point of a curve means."""
    parts = (
        "A curve at (x, y): the optimizer keeps the panel's target on a fraction y of the "
        f"{data['instances'].iloc[0]} instances within x (d + 1) evaluations of the objective, "
        "where d is the size of the predictor (Moré and Wild 2009, doi:10.1137/080724083; here an "
        "evaluation has a gradient).",
        left_out(data, "with the largest area below their curves"),
    )
    return " ".join(filter(None, parts))


DATA_PROFILE = Kind(
    name="data_profile",
    shows="How many instances each optimizer solves within a budget that grows with their size.",
    data=data,
    draw=draw,
    read=read,
)
