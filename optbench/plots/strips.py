"""Maps of outcomes: strips of cells, coloured by what came of a value of a hyperparameter."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from optbench.plots.outcomes import COLOURS, DARK, meanings, short
from optbench.plots.panels import new_figure, room

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.figure import Figure

    from optbench.plots.kind import Asked

STRIP = 0.15  # inches: height of one
AROUND = 3.6  # strips: height of titles and axes of a map
CELL = 0.19  # inches that a number needs
LETTER, EDGE = 0.056, 0.15  # inches of a letter of a name, and around a panel
NUMBERS = (
    "Numbers, where there is room, are the step from which on the target is kept, or at which the "
    "first seed diverged (k: thousands); the rate that won is in bold or has a dot."
)


def new_maps(
    asked: Asked, groups: Sequence[pd.DataFrame], y: str, entries: Sequence[str]
) -> tuple[Sequence[pd.DataFrame], Figure, int]:
    """Return the maps that fit on a page, an empty figure of them, and how many stand in a line."""
    across = 1 if asked.width == "one" else min(len(groups), 2)
    height = STRIP * (max(own[y].nunique() for own in groups) + AROUND)
    shown = groups[: room(asked, entries, across, height)]
    shape = height / (asked.inches / across)
    figure, _ = new_figure(asked, len(shown), entries, shape, across, lowest=height)
    return shown, figure, across


def draw_strips(axes: Any, own: pd.DataFrame, x: str, y: str, inches: float) -> None:
    """Draw one strip for each value of a column, in the order of the data.

    Parameters
    ----------
    axes : Axes
    own : DataFrame
        With columns ``outcome``, ``at`` and ``won`` as well.
    x, y : str
        Columns: the place of cells in a strip, and what strips are.
    inches : float
        Width of the panel and the names beside it.
    """
    names = list(dict.fromkeys(own[y]))
    strips = [own[own[y] == name].sort_values(x) for name in names]
    log = is_log(own[x])
    wide = inches - LETTER * max(len(str(name)) for name in names) - EDGE
    edges = [cell_edges(strip[x].tolist(), log) for strip in strips]
    low, high = min(each[0] for each in edges), max(each[-1] for each in edges)
    axes.set(xscale="log" if log else "linear", xlim=(low, high), ylim=(len(names) - 0.5, -0.5))
    axes.set_yticks(range(len(names)), names)
    axes.grid(False)
    for level, (strip, ends) in enumerate(zip(strips, edges, strict=True)):
        widths = [after - before for before, after in pairwise(ends)]
        axes.barh(
            [level] * len(strip), widths, left=ends[:-1], height=0.86, edgecolor="white",
            color=[COLOURS[each] for each in strip["outcome"]], linewidth=0.3,
        )  # fmt: skip
        _write_numbers(axes, strip, x, level, ends, wide)


def _write_numbers(
    axes: Any, strip: pd.DataFrame, x: str, level: int, ends: list[float], inches: float
) -> None:
    """Write steps into cells that are wide enough; mark the winner in those that are not."""
    places = axes.transAxes.inverted().transform(axes.transData.transform([(e, 0) for e in ends]))
    for (left, right), each in zip(
        zip(places[:-1, 0], places[1:, 0], strict=True), strip.to_dict("records"), strict=True
    ):
        colour = "white" if each["outcome"] in DARK else "black"
        if (right - left) * inches >= CELL and not math.isnan(each["at"]):
            weight = "bold" if each["won"] else "normal"
            axes.text((left + right) / 2, level, short(each["at"]), ha="center", va="center",
                      transform=axes.get_yaxis_transform(), fontsize=5.5, color=colour,
                      weight=weight)  # fmt: skip
        elif each["won"]:
            axes.plot([each[x]], [level], ".", color=colour, markersize=3)


def read(data: pd.DataFrame, asked: Asked) -> str:
    """Say what the colours and numbers mean."""
    return f"{meanings(data)} {NUMBERS}"


def is_log(values: pd.Series) -> bool:
    """Tell whether values are read better on a logarithmic scale."""
    low, high = float(values.min()), float(values.max())
    return low > 0.0 and (high >= 20.0 * low or low == high)


def cell_edges(values: Sequence[float], log: bool) -> list[float]:
    """Return where cells around increasing values begin and end: half way between neighbours."""
    places = [math.log10(value) for value in values] if log else list(values)
    middles = [(a + b) / 2 for a, b in pairwise(places)]
    if middles:
        ends = 2 * places[0] - middles[0], 2 * places[-1] - middles[-1]
    else:
        ends = places[0] - 0.25, places[0] + 0.25
    edges = [ends[0], *middles, ends[1]]
    return [10.0**edge for edge in edges] if log else edges
