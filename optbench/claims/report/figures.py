"""A figure of a claim: thin lines were measured, wide pale lines beneath them are predicted.

Panels are as wide as a column of a paper.  The title says what is seen, the legend stands below
the axes, and a line that is an optimizer's has that optimizer's colour of all other figures.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Any, NamedTuple

from optbench.claims.framework import Curve
from optbench.claims.verification import Result

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

PANEL = (3.4, 2.45)  # inches
ABREAST = 2  # panels in a row
DOTS = 160  # per inch
TITLE, SIDE = 46, 34  # characters that fit above and beside a panel
SEPARATE_POINTS = 40  # up to so many measured points are marked one by one
MARKED = 8  # points of a line of more
TICKS = 6  # at most, on a linear axis
WIDTHS = {9: 3, 22: 2}  # labels of so many characters stand three, or two, in a line
LINE = 0.15  # inches of a line of the legend or the title
WIDE, PALE = 3.6, 0.35  # of predictions: points, and opacity
NARROW = 2.1  # decades of a logarithmic axis below which ticks are plain numbers
MARKS = "osD^v<>P"
DASHES = ((), (4.0, 1.5), (1.2, 1.2), (5.0, 1.5, 1.2, 1.5))


class Look(NamedTuple):
    """How one line is drawn."""

    colour: Any
    mark: str
    dashes: tuple[float, ...]


def draw_claim(result: Result, folder: Path) -> Path | None:
    """Draw the curves of a claim, two in a row, into ``folder/ID.png``.

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
    file = folder / f"{result.claim.id}.png"
    # without the library's version the same numbers give the same file
    draw_curves(result.curves).savefig(file, metadata={"Software": None})
    return file


def draw_curves(curves: Sequence[Curve]) -> Figure:
    """Return a figure with a panel for each curve."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from optbench.plots.style import printed

    rows, columns = math.ceil(len(curves) / ABREAST), min(len(curves), ABREAST)
    lines = max(legend_lines(labels_of(curve)) for curve in curves)
    lines += max(titled(curve).count("\n") for curve in curves)
    with printed():
        size = columns * PANEL[0], rows * (PANEL[1] + LINE * lines)
        figure = Figure(figsize=size, dpi=DOTS, layout="constrained")
        FigureCanvasAgg(figure)
        parts = figure.subfigures(rows, columns, squeeze=False).ravel()
        for part, curve in zip(parts, curves, strict=False):
            _draw(part, curve)
        figure.draw_without_rendering()
    return figure


def caption(curves: Sequence[Curve]) -> str:
    """Return what stands below a figure: how to read its lines, and of which instance they are."""
    predicted = any(curve.predicted for curve in curves)
    wide = ", wide pale lines predicted" if predicted else ""
    return f"Seed 0, where anything is random. Thin lines are measured{wide}."


def titled(curve: Curve) -> str:
    """Return the title in lines that fit above a panel."""
    return fill(curve.title, TITLE)


def labels_of(curve: Curve) -> list[str]:
    """Return what the legend says: measured lines, predictions by name, and what is shared."""
    others = [label for label in curve.predicted if label not in curve.measured]
    shared = ["predicted"] if len(others) < len(curve.predicted) else []
    return [*map(_words, curve.measured), *(f"predicted: {_words(o)}" for o in others), *shared]


def legend_columns(labels: Sequence[str]) -> int:
    """Short labels stand in two or three columns."""
    longest = max(map(len, labels), default=0)
    return min(next((n for width, n in WIDTHS.items() if longest <= width), 1), len(labels) or 1)


def legend_lines(labels: Sequence[str]) -> int:
    """Return how many lines the legend has."""
    return math.ceil(len(labels) / legend_columns(labels))


def optimizer_of(label: str) -> str | None:
    """Return the optimizer that a label begins with, such as "Adam, penalty 0.01", or None."""
    from optbench.registry import load_registry

    name = re.split(r"[,:(\[]", label, maxsplit=1)[0].strip().lower().replace(" ", "_")
    return name if name in load_registry().optimizers else None


def looks(labels: Sequence[str]) -> dict[str, Look]:
    """Return how lines are drawn: optimizers in their colours, all others from dark to light.

    Lines of one optimizer differ by their dashes.
    """
    import seaborn as sns

    from optbench.plots.style import look

    names = {label: optimizer_of(label) for label in labels}
    others = [label for label in labels if names[label] is None]
    # the last colours of viridis are too light for lines on white
    shades = sns.color_palette("viridis", as_cmap=True)
    found: dict[str, Look] = {}
    drawn: list[str] = []
    for label, name in names.items():
        if name is None:
            place = others.index(label)
            colour: Any = shades(0.8 * place / max(len(others) - 1, 1)) if others[1:] else "0.2"
            found[label] = Look(colour, MARKS[place % len(MARKS)], ())
        else:
            own = look(name)
            other = [own.dashes, *(dashes for dashes in DASHES if dashes != own.dashes)]
            found[label] = Look(own.colour, own.mark, other[drawn.count(name) % len(other)])
            drawn.append(name)
    return found


def _words(label: str) -> str:
    return label.replace("_", " ")


def _draw(part: Any, curve: Curve) -> None:
    """Draw one curve with its legend below the axes; predictions lie beneath what is measured."""
    axes = part.subplots()
    others = [label for label in curve.predicted if label not in curve.measured]
    own, grey = looks([*curve.measured]), looks_of_predictions(others)
    for place, (label, values) in enumerate(curve.measured.items()):
        colour, mark, dashes = own[label]
        axes.plot(
            curve.x, values, color=colour, dashes=dashes, label=_words(label), zorder=3,
            marker=mark, markevery=marked(values, place / len(curve.measured)),
            markeredgecolor="0.25",
        )  # fmt: skip
    wide = {"linewidth": WIDE, "alpha": PALE, "zorder": 2}
    for label, values in curve.predicted.items():
        colour, _, dashes = own.get(label) or grey[label]
        text = f"predicted: {_words(label)}" if label in grey else None
        axes.plot(curve.x, values, color=colour, dashes=dashes, label=text, **wide)
    if len(others) < len(curve.predicted):
        axes.plot([], [], color="black", label="predicted", **wide)
    axes.set(xlabel=curve.x_label, ylabel=fill(curve.y_label, SIDE))
    axes.set_title(titled(curve), loc="left")
    _scale(axes.xaxis, axes.set_xscale, "x" in curve.log)
    _scale(axes.yaxis, axes.set_yscale, "y" in curve.log)
    columns = legend_columns(axes.get_legend_handles_labels()[1])
    part.legend(loc="outside lower center", frameon=False, ncols=columns)


def marked(values: Sequence[float], offset: float) -> list[int]:
    """Return which points carry a mark: all of few; else some, elsewhere on lines that coincide."""
    finite = [index for index, value in enumerate(values) if math.isfinite(value)]
    stride = 1 if len(finite) <= SEPARATE_POINTS else len(finite) // MARKED
    return finite[int(offset * stride) :: stride]


def looks_of_predictions(labels: Sequence[str]) -> dict[str, Look]:
    """Return how predictions are drawn that belong to no measured line: grey, each with dashes."""
    return {
        label: Look("0.2", "", tuple(length / 2.0 for length in DASHES[place % len(DASHES)]))
        for place, label in enumerate(labels)
    }


def _scale(axis: Any, set_scale: Any, logarithmic: bool) -> None:
    """Set an axis' scale; a logarithmic one of few decades has plain numbers as ticks."""
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

    set_scale("log" if logarithmic else "linear")
    if not logarithmic:
        axis.set_major_locator(MaxNLocator(TICKS, steps=[1, 2, 2.5, 5, 10]))
        return

    low, high = axis.get_view_interval()
    if 0.0 < low < high and math.log10(high / low) < NARROW:
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 3.0, 5.0)))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_formatter(NullFormatter())
