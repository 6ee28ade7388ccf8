"""Figures of several panels: their size, their titles, and a legend that never covers data."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import TYPE_CHECKING, Any

from optbench.plots.style import look

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from optbench.plots.kind import Asked

MOST_LINES = 12  # in a panel; more of them cannot be told apart
LONG = 30  # characters of a title that may have to break
PAGE = 9.0  # inches: height of a page
ACROSS = {"one": 1, "two": 3}  # panels beside each other
SHAPE = 0.78  # height of a panel over its width
TALLEST, LOWEST = 2.2, 1.4  # inches
LETTER, SMALL = 0.061, 0.050  # inches of a character of a title, of the legend
AXIS, HANDLE = 0.6, 0.45  # inches beside a panel, and of a line in the legend
LINE = 0.145  # inches of a line of the legend
DOTS = 200  # per inch of a PNG


def new_figure(
    asked: Asked,
    count: int,
    entries: Sequence[str],
    shape: float = SHAPE,
    across: int = 0,
    lowest: float = LOWEST,
) -> tuple[Figure, list[Any]]:
    """Return an empty figure and its panels.

    Parameters
    ----------
    asked : Asked
    count : int
        How many panels.
    entries : sequence of str
        What the legend will say: there is room for it below.
    shape : float
        Height of a panel over its width.
    across : int
        How many panels stand beside each other; 0: as many as are readable.
    lowest : float
        Least height of a panel, in inches.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    from optbench.plots.shown import ShownFigure

    across = min(count, across or ACROSS[asked.width])
    down = math.ceil(count / across)
    legend = _legend_height(asked, entries)
    fitting = min(shape * asked.inches / across, TALLEST, (PAGE - legend) / down)
    size = asked.inches, down * max(fitting, lowest) + legend
    figure = ShownFigure(figsize=size, dpi=DOTS, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(down, across, squeeze=False).ravel().tolist()
    for unused in axes[count:]:
        unused.remove()
    for each in axes[:count]:
        keep_style(each)
    return figure, axes[:count]


def keep_style(axes: Any) -> None:
    """Let ticks that are made when the figure is drawn again look like those of now."""
    from matplotlib import rcParams

    now: Any = rcParams
    for axis, mark in (("x", "bottom"), ("y", "left")):
        style = {
            "labelsize": now[f"{axis}tick.labelsize"],
            mark: now[f"{axis}tick.{mark}"],
        }
        axes.tick_params(axis=axis, which="both", pad=now[f"{axis}tick.major.pad"], **style)


def room(asked: Asked, entries: Sequence[str], across: int = 0, height: float = LOWEST) -> int:
    """Return for how many panels of a height there is room on a page, at least one."""
    return max(1, int((PAGE - _legend_height(asked, entries)) / height)) * (
        across or ACROSS[asked.width]
    )


def legend_columns(asked: Asked, entries: Sequence[str]) -> int:
    """Return in how many columns the entries of a legend fit."""
    longest = (max(map(len, entries), default=1) * SMALL + HANDLE) * _scale(asked)
    return max(1, min(len(entries), int(asked.inches / longest)))


def _legend_height(asked: Asked, entries: Sequence[str]) -> float:
    """Return how many inches a legend takes below the panels."""
    lines = math.ceil(len(entries) / legend_columns(asked, entries)) if entries else 0
    return LINE * lines + 0.1


def _scale(asked: Asked) -> float:
    """Return how much smaller the legend of a narrow figure is."""
    return 6 / 7 if asked.width == "one" else 1.0


def add_legend(figure: Figure, asked: Asked, handles: Mapping[str, Any]) -> None:
    """Write a legend below all panels."""
    figure.legend(
        handles=list(handles.values()), labels=list(handles), loc="outside lower center",
        frameon=False, ncols=legend_columns(asked, list(handles)), borderaxespad=0.2,
        fontsize=7 * _scale(asked),
    )  # fmt: skip


def handles_of(labels: Sequence[str], lines: bool = True) -> dict[str, Any]:
    """Return the legend's line of each optimizer, or only its mark."""
    from matplotlib.lines import Line2D

    found = {}
    for label in labels:
        own = look(label)
        line = Line2D([], [], color=own.colour, marker=own.mark, markeredgecolor="white")
        line.set_linestyle((0, own.dashes) if own.dashes and lines else "-" if lines else "none")
        found[label] = line
    return found


def write_title(axes: Any, asked: Asked, text: str, across: int, names: bool = False) -> None:
    """Write a panel's title in as many lines as it needs.

    Parameters
    ----------
    axes : Axes
    asked : Asked
    text : str
    across : int
        How many panels stand beside each other.
    names : bool
        Whether long names stand left of the panel: then the title reaches above them.
    """
    width = asked.inches / across - (0.1 if names else AXIS)
    lines = fill(breakable(text), int(width / LETTER), break_on_hyphens=False)
    axes.set_title(lines, loc="right" if names else "center")


def few_ticks(axes: Any, decades: float = 0.6) -> None:
    """Number only powers of ten on logarithmic axes that are longer than so many decades."""
    from matplotlib.ticker import LogFormatterSciNotation

    scales = {axes.xaxis: axes.get_xscale(), axes.yaxis: axes.get_yscale()}
    for axis in (each for each, scale in scales.items() if scale == "log"):
        axis.set_minor_formatter(LogFormatterSciNotation(minor_thresholds=(decades, 0.2)))


def breakable(text: str) -> str:
    """Let long labels break behind their commas where they stand alone on a line."""
    return text.replace(",", ", ") if len(text) > LONG else text


def drawn(data: pd.DataFrame, best_first: Sequence[str]) -> list[str]:
    """Return the optimizers that a panel has room for, in the order of the data.

    Parameters
    ----------
    data : DataFrame
        With a column ``optimizer``.
    best_first : sequence of str
        Where there are too many, the first of these are drawn.
    """
    names = list(dict.fromkeys(data["optimizer"]))
    kept = set(best_first[:MOST_LINES]) if len(names) > MOST_LINES else set(names)
    return [name for name in names if name in kept]


def left_out(data: pd.DataFrame, by: str) -> str:
    """Say that not all optimizers are drawn, and which are; empty if all are."""
    count = data["optimizer"].nunique()
    if count <= MOST_LINES:
        return ""
    return (
        f"Drawn are the {MOST_LINES} of {count} optimizers {by}; the data behind the figure "
        "have all of them."
    )
