"""The figures of one instance and of all of them, from the data of :mod:`optbench.plots`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from optbench.plots.kind import Asked, Kind, NothingToShow
from optbench.report.html.charts import Chart, PageFigure, Series

if TYPE_CHECKING:
    import pandas as pd

    from optbench.result import Comparison

DASH = 2.0  # pixels of a unit of the dashes that print has


def frame_of(kind: Kind, comparison: Comparison) -> pd.DataFrame | None:
    """Return the numbers behind a kind of figure, or None where there is nothing to show."""
    try:
        return kind.data(comparison)
    except NothingToShow:
        return None


def figure_of(
    kind: Kind, comparison: Comparison, own: pd.DataFrame, key: str, title: str, charts: list[Chart]
) -> list[PageFigure]:
    """Return a figure with the caption that print has; none where no chart holds a curve."""
    kept = [chart for chart in charts if any(_has_numbers(each) for each in chart.series)]
    caption = f"{kind.shows} {kind.read(own, Asked())}".strip()
    return [PageFigure(key, title, caption, kept)] if kept else []


def _has_numbers(series: Series) -> bool:
    return any(value == value and value is not None for value in series.y)


def series_over_seeds(
    own: pd.DataFrame, x: str, y: str, run_of: Callable[[Any], str] = lambda group: ""
) -> list[Series]:
    """Return one curve an optimizer: medians over seeds, and bands where there are several.

    Parameters
    ----------
    own : DataFrame
        With a column ``optimizer`` and, if there are several, ``seed``.
    x, y : str
        Its columns.
    run_of : callable
        Says of an optimizer's rows which run they are of.
    """
    found = []
    for name, group in own.groupby("optimizer", sort=False):
        over = group.groupby("steps" if "steps" in group else x, sort=True)
        places = over[x].median()
        middle = over[y].median()
        several = "seed" in group and group["seed"].nunique() > 1
        found.append(
            drawn(
                str(name),
                places.tolist(),
                middle.tolist(),
                run_of(group),
                *((over[y].min().tolist(), over[y].max().tolist()) if several else ()),
            )
        )
    return found


def drawn(
    label: str,
    x: Sequence[float | None],
    y: Sequence[float | None],
    run: str = "",
    low: Sequence[float | None] = (),
    high: Sequence[float | None] = (),
) -> Series:
    """Return a curve in the look that its optimizer has in every figure."""
    from matplotlib.colors import to_hex

    from optbench.plots.style import look

    own = look(label)
    dash = [DASH * length for length in own.dashes]
    return Series(label, to_hex(own.colour), x, y, low, high, dash, run)
