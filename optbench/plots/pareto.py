"""Speed against bias: how soon the loss is small, and how far the run then ends from a solution."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from optbench.plots.instances import name_of
from optbench.plots.kind import Asked, Kind, NothingToShow
from optbench.plots.panels import (
    ACROSS,
    add_legend,
    drawn,
    few_ticks,
    handles_of,
    left_out,
    new_figure,
    room,
    write_title,
)
from optbench.plots.rows import naming, place
from optbench.plots.style import look

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from optbench.result import Comparison

TARGET = "1e-4"
FLOOR = 1e-9  # what is missing to a solution is drawn there where it is less


def data(comparison: Comparison) -> pd.DataFrame:
    """Return one row for each row of the tables and each reference that several are compared with.

    ``missing`` is 1 - margin ratio, norm excess, or a distance, see ``docs/measures.md``;
    ``frontier`` tells whether no other optimizer is both sooner and nearer.
    """
    import pandas as pd

    name = naming(comparison.convergence_rows)
    found = [
        {
            **place(row),
            "optimizer": name(row),
            "target": TARGET,
            "steps": row.steps_to.get(TARGET),
            "reference": reference,
            "is_distance": reference in bias.by_distance,
            "missing": missing,
        }
        for bias, row in zip(comparison.bias_rows, comparison.convergence_rows, strict=True)
        for reference, missing in bias.missing.items()
        if reference != "residual" and missing is not None
    ]
    told = pd.DataFrame(found)
    if told.empty or told["steps"].isna().all():
        raise NothingToShow(f"pareto: no run reached {TARGET} and was compared with a solution")
    told = told.astype({"steps": float, "missing": float})
    groups = [own for _, own in _groups(told)]
    several = [own for own in groups if own["steps"].notna().sum() > 1]
    if not several:
        raise NothingToShow(f"pareto: only one optimizer reached {TARGET} near each solution")
    parts = [own.assign(frontier=_frontier(own)) for own in several]
    return pd.concat(parts, ignore_index=True)


def _groups(data: pd.DataFrame) -> list[tuple[Any, pd.DataFrame]]:
    return list(data.groupby(["instance_id", "reference"], sort=False))


def _frontier(own: pd.DataFrame) -> list[bool]:
    """Tell which rows no other row beats: as soon and as near, and better in one of the two."""
    points = [
        (math.inf if math.isnan(steps) else steps, missing)
        for steps, missing in zip(own["steps"], own["missing"], strict=True)
    ]
    return [
        math.isfinite(a[0]) and not any(b[0] <= a[0] and b[1] <= a[1] and b != a for b in points)
        for a in points
    ]


def draw(data: pd.DataFrame, asked: Asked) -> Figure:
    """Draw a panel for each instance and reference solution; the frontier is a line."""
    names = drawn(data, _best_first(data))
    shown = _groups(data[data["steps"].notna()])[: room(asked, names)]
    figure, places = new_figure(asked, len(shown), names, shape=0.85)
    across = min(len(shown), ACROSS[asked.width])
    for axes, ((_, reference), own) in zip(places, shown, strict=True):
        axes.set(xscale="log", yscale="log", xlabel=f"steps to {TARGET}")
        axes.set_ylabel(f"{'distance' if own['is_distance'].all() else 'missing'} to {reference}")
        _draw_points(axes, own.assign(y=own["missing"].abs().clip(lower=FLOOR)), names)
        write_title(axes, asked, name_of(own), across)
    add_legend(figure, asked, handles_of(names, lines=False))
    return figure


def _draw_points(axes: Any, own: pd.DataFrame, names: list[str]) -> None:
    best = own[own["frontier"]].sort_values(["steps", "y"])
    axes.plot(best["steps"], best["y"], color="0.6", linewidth=0.9, drawstyle="steps-post",
              zorder=1)  # fmt: skip
    for name in names:
        rows = own[own["optimizer"] == name]
        line = look(name)
        for ahead, part in rows.groupby("frontier"):
            axes.plot(
                part["steps"], part["y"], linestyle="none", marker=line.mark, color=line.colour,
                markersize=6 if ahead else 4, markeredgecolor="black" if ahead else "white",
            )  # fmt: skip
    axes.margins(0.12)
    few_ticks(axes)


def _best_first(data: pd.DataFrame) -> list[str]:
    ranks = data.groupby("optimizer").agg(often=("frontier", "sum"), steps=("steps", "median"))
    return list(ranks.sort_values(["often", "steps"], ascending=[False, True]).index)


def read(data: pd.DataFrame, asked: Asked) -> str:
    """Say what marks and the line are."""
    parts = (
        f"Left is sooner at {TARGET} of the first gap; lower is nearer to the solution in the "
        "panel's axis: less of its margin or norm is missing, or the distance is smaller (1e-9: or "
        "less). Marks with a black edge on the grey line are the frontier: no other "
        "optimizer is both sooner and nearer. Optimizers that do not keep the target have no mark.",
        left_out(data, "that are most often on the frontier"),
    )
    return " ".join(filter(None, parts))


PARETO = Kind(
    name="pareto",
    shows="Which optimizers are fast and end near a given solution.",
    data=data,
    draw=draw,
    read=read,
    panels=("instance_id", "reference"),
)
