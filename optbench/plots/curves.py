"""Fractions of what each optimizer solves: how profiles and distributions are told and drawn."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from optbench.plots.panels import add_legend, drawn, few_ticks, handles_of, new_figure
from optbench.plots.style import look

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy as np
    import pandas as pd
    from matplotlib.figure import Figure

    from optbench.plots.kind import Asked

ROOM = 1.3  # factor between the last step of a curve and the edge of its panel


def points(
    x: np.ndarray, fractions: Mapping[str, np.ndarray], **also: Any
) -> Iterator[dict[str, Any]]:
    """Yield one row for each place at which the curve of an optimizer steps up, and for the ends.

    Parameters
    ----------
    x, fractions
        From :mod:`optbench.analysis.profiles`.
    **also
        Further columns.
    """
    for name, own in fractions.items():
        told = list(zip(x.tolist(), own.tolist(), strict=True))
        for place, (at, fraction) in enumerate(told):
            if place in (0, len(told) - 1) or fraction > told[place - 1][1]:
                yield {**also, "optimizer": name, "x": at, "fraction": fraction}


def draw_curves(
    data: pd.DataFrame,
    asked: Asked,
    labels: tuple[str, str],
    first: float | None = None,
    last: float | None = None,
) -> Figure:
    """Draw step functions: one panel for each value of the column ``panel``.

    Parameters
    ----------
    data : DataFrame
        With columns ``panel``, ``optimizer``, ``x`` and ``fraction``.
    asked : Asked
    labels : (str, str)
        What x and y are.
    first, last : float, optional
        Where panels begin and end; default: around the steps of their curves.
    """
    names = drawn(data, best_first(data))
    shown = list(data.groupby("panel", sort=False))
    across = 1 if asked.width == "one" else min(3, len(shown))
    figure, places = new_figure(asked, len(shown), names, across=across)
    for axes, (title, own) in zip(places, shown, strict=True):
        low = float(own["x"].min()) / ROOM if first is None else first
        high = max(float(own["x"].max()) * ROOM, 1.5 * low) if last is None else last
        axes.set(xscale="log", xlim=(low, high), ylim=(-0.03, 1.03), title=title, xlabel=labels[0])
        for name in names:
            _draw_line(axes, own[own["optimizer"] == name], name, low, high)
        few_ticks(axes)
    for axes in places[::across]:
        axes.set_ylabel(labels[1])
    add_legend(figure, asked, handles_of(names))
    return figure


def _draw_line(axes: Any, own: pd.DataFrame, name: str, low: float, high: float) -> None:
    """Draw a step function from one end of the panel to the other; it is 0 before its points."""
    steps = [(low, 0.0), *zip(own["x"], own["fraction"], strict=True)]
    steps.append((high, steps[-1][1]))
    line = look(name)
    axes.step(
        [x for x, _ in steps], [y for _, y in steps], where="post", color=line.colour,
        dashes=line.dashes or (None, None), marker=line.mark, markevery=0.15,
        markeredgecolor="white",
    )  # fmt: skip


def best_first(data: pd.DataFrame) -> list[str]:
    """Order optimizers by the area below their curves, on the logarithmic scale that is drawn."""
    end = math.log(float(data["x"].max()))
    areas = {}
    for name, own in data.groupby("optimizer", sort=False):
        area = 0.0
        for _, curve in own.groupby("panel", sort=False):
            logs = [*map(math.log, curve["x"]), end]
            widths = [after - before for before, after in pairwise(logs)]
            area += sum(w * y for w, y in zip(widths, curve["fraction"], strict=True))
        areas[str(name)] = area
    return sorted(areas, key=lambda name: -areas[name])
