"""A figure of a claim: what was measured, solid, against what theory predicts, dashed."""

from __future__ import annotations

import math
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Any

from optbench.claims.framework import Curve
from optbench.claims.verification import Result

if TYPE_CHECKING:
    from collections.abc import Sequence

PANEL = (5.2, 3.6)  # inches
TITLE = 55  # characters that fit above a panel
DOTS = 110  # per inch
SEPARATE_POINTS = 40  # up to so many measured points are marked one by one
SHORT = 28  # characters of labels that stand two in a line
LINE = 0.19  # inches of a line of the legend


def draw_claim(result: Result, folder: Path) -> Path | None:
    """Draw the curves of a claim side by side into ``folder/ID.png``.

    Parameters
    ----------
    result : Result
    folder : Path
        An existing folder.

    Returns
    -------
    Path or None
        The file, or None when the claim measured no curve.
    """
    if not result.curves:
        return None
    import matplotlib as mpl
    import seaborn as sns
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    style = {
        "grid.linewidth": 0.5,
        **sns.axes_style("whitegrid"),
        **sns.plotting_context("notebook", font_scale=0.8),
    }
    with mpl.rc_context(style):
        lines = max(legend_lines(labels_of(curve)) for curve in result.curves)
        size = PANEL[0] * len(result.curves), PANEL[1] + LINE * lines
        figure = Figure(figsize=size, dpi=DOTS, layout="constrained")
        FigureCanvasAgg(figure)
        panels = figure.subplots(1, len(result.curves), squeeze=False)[0]
        for axes, curve in zip(panels, result.curves, strict=True):
            _draw(axes, curve, sns.color_palette("colorblind"))
        title = fill(f"{result.claim.id}  {result.claim.citation}", TITLE * len(result.curves))
        figure.suptitle(title, fontsize="medium")
        file = folder / f"{result.claim.id}.png"
        # without the library's version the same numbers give the same file
        figure.savefig(file, metadata={"Software": None})
    return file


def labels_of(curve: Curve) -> list[str]:
    """Return what the legend says: lines, and predictions by name or as what black dashes are."""
    others = [f"{label} (predicted)" for label in curve.predicted if label not in curve.measured]
    shared = ["predicted"] if len(others) < len(curve.predicted) else []
    return [*curve.measured, *others, *shared]


def legend_columns(labels: Sequence[str]) -> int:
    """Short labels stand in two columns."""
    return 2 if max(map(len, labels), default=0) <= SHORT and len(labels) > 1 else 1


def legend_lines(labels: Sequence[str]) -> int:
    """Return how many lines the legend has."""
    return math.ceil(len(labels) / legend_columns(labels))


def _draw(axes: Any, curve: Curve, palette: Sequence[Any]) -> None:
    """Draw one curve; predictions are black, or coloured where names must tell them apart."""
    labels = list(dict.fromkeys([*curve.measured, *curve.predicted]))
    colour = {label: palette[i % len(palette)] for i, label in enumerate(labels)}
    points = [sum(map(math.isfinite, values)) for values in curve.measured.values()]
    marker = "o" if max(points, default=0) <= SEPARATE_POINTS else None
    for label, values in curve.measured.items():
        axes.plot(curve.x, values, color=colour[label], label=label, marker=marker, markersize=3.5)
    for label, values in curve.predicted.items():
        twin = label in curve.measured
        shade = "black" if twin or len(curve.predicted) == 1 else colour[label]
        text = None if twin else f"{label} (predicted)"
        axes.plot(curve.x, values, color=shade, linestyle="--", linewidth=1.1, label=text)
    if any(label in curve.measured for label in curve.predicted):
        axes.plot([], [], color="black", linestyle="--", linewidth=1.1, label="predicted")
    axes.set(title=curve.title, xlabel=curve.x_label, ylabel=curve.y_label)
    axes.title.set_fontsize("small")
    axes.set_xscale("log" if "x" in curve.log else "linear")
    axes.set_yscale("log" if "y" in curve.log else "linear")
    columns = legend_columns(axes.get_legend_handles_labels()[1])
    # below the axes, where it covers no line
    axes.legend(
        fontsize="x-small", frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.18),
        ncols=columns,
    )  # fmt: skip
