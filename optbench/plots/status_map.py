"""What each learning rate of each optimizer came to: one strip an optimizer, one cell a rate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optbench.plots.instances import instances_of, name_of
from optbench.plots.kind import Asked, Kind, NothingToShow
from optbench.plots.outcomes import legend, number, outcome
from optbench.plots.panels import add_legend, write_title
from optbench.plots.rows import naming, place
from optbench.plots.strips import draw_strips, new_maps, read

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from optbench.result import Comparison


def data(comparison: Comparison) -> pd.DataFrame:
    """Return one row for each learning rate of each row of the convergence table.

    ``at`` is the step from which on the target is kept, or at which a run diverged.
    """
    import pandas as pd

    name = naming(comparison.convergence_rows)
    found = []
    for row in comparison.convergence_rows:
        for entry in row.learning_rates:
            came = outcome(row, entry)
            found.append(
                {
                    **place(row),
                    "optimizer": name(row),
                    "learning_rate": entry.learning_rate,
                    "outcome": came,
                    "at": number(row, entry, came),
                    "target": row.success_target,
                    "won": entry.learning_rate == row.best_learning_rate,
                }
            )
    if not found:
        raise NothingToShow("status_map: no optimizer of this comparison has a learning rate")
    return pd.DataFrame(found).astype({"at": float})


def draw(data: pd.DataFrame, asked: Asked) -> Figure:
    """Draw a map for each instance."""
    groups, entries = instances_of(data), legend(data["outcome"])
    shown, figure, across = new_maps(asked, groups, "optimizer", list(entries))
    for axes, own in zip(figure.axes, shown, strict=True):
        draw_strips(axes, own, "learning_rate", "optimizer", asked.inches / across)
        axes.set_xlabel("learning rate")
        write_title(axes, asked, name_of(own), across, names=True)
    add_legend(figure, asked, entries)
    return figure


STATUS_MAP = Kind(
    name="status_map",
    shows="What each learning rate came to: converged, slow, oscillating or diverged, and when.",
    data=data,
    draw=draw,
    read=read,
    panels=("instance_id",),
)
