"""How the result depends on the learning rate: one column an instance, one line an optimizer.

Above, what is left of the first gap at the end; below, from which step on the tightest target is
kept.  Filled marks are rates that ran to the horizon, hollow ones the search left behind on the
way; crosses at the upper edge are rates that diverged; a star is the rate that won.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from optbench.columns import ConvergenceRow, LearningRate
from optbench.errors import UserError
from optbench.status import Status

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PANEL = (4.6, 2.9)  # inches
LEGEND = 2.6  # inches beside the panels
DOTS = 110  # per inch
FLOOR = -9.0  # decades: what is left below a tenth of the tightest target is drawn there
MARKERS = "osD^v<>PhX"


def sensitivity(rows: Sequence[ConvergenceRow]) -> Figure:
    """Draw every learning rate of rows of a comparison.

    Raises
    ------
    UserError
        When no row has a learning rate.
    """
    swept = [row for row in rows if row.learning_rates]
    if not swept:
        raise UserError("plot sensitivity: no optimizer of this comparison has a learning rate")
    import matplotlib as mpl
    import seaborn as sns
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    instances = list(dict.fromkeys(row.instance_id for row in swept))
    looks = _looks(swept, sns.color_palette("colorblind"))
    thin = {"grid.linewidth": 0.5}
    style = {**sns.axes_style("whitegrid"), **sns.plotting_context("paper"), **thin}
    with mpl.rc_context(style):
        size = PANEL[0] * len(instances) + LEGEND, 2.0 * PANEL[1]
        figure = Figure(figsize=size, dpi=DOTS, layout="constrained")
        FigureCanvasAgg(figure)
        panels = figure.subplots(2, len(instances), squeeze=False, sharex="col")
        for (above, below), instance in zip(panels.T, instances, strict=True):
            own = [row for row in swept if row.instance_id == instance]
            _draw_instance(above, below, own, looks)
        lines: dict[str, Any] = {}
        for axes in panels.ravel():
            handles, labels = axes.get_legend_handles_labels()
            lines |= zip(labels, handles, strict=True)
        figure.legend(
            handles=[*lines.values(), *_meanings()], loc="outside right upper", frameon=False
        )
    return figure


def _looks(rows: Sequence[ConvergenceRow], palette: Sequence[Any]) -> dict[str, dict[str, Any]]:
    """Give every optimizer a colour and a mark that hold in all panels."""
    names = sorted({_label(row) for row in rows})
    return {
        name: {
            "color": palette[place % len(palette)],
            "marker": MARKERS[place % len(MARKERS)],
            "linestyle": "-" if place < len(palette) else "--",
        }
        for place, name in enumerate(names)
    }


def _meanings() -> list[Any]:
    """Return what the marks mean that all optimizers share."""
    from matplotlib.lines import Line2D

    marks: list[tuple[str, dict[str, Any]]] = [
        ("won", {"marker": "*", "markersize": 10, "markerfacecolor": "white"}),
        ("ran to the horizon", {"marker": "o"}),
        ("left behind by the search", {"marker": "o", "markerfacecolor": "none"}),
        (Status.DIVERGED.value, {"marker": "x"}),
    ]
    plain: dict[str, Any] = {"color": "black", "linestyle": "none", "markersize": 5}
    return [Line2D([], [], label=text, **{**plain, **look}) for text, look in marks]


def _draw_instance(
    above: Any, below: Any, rows: Sequence[ConvergenceRow], looks: Mapping[str, Mapping[str, Any]]
) -> None:
    first = rows[0]
    target, known = first.success_target, any(_left(e) is not None for e in _entries(rows))
    for row in rows:
        look = looks[_label(row)]
        ends = {e.learning_rate: _left(e) if known else e.final_loss for e in row.learning_rates}
        kept = {e.learning_rate: e.steps_to.get(target) for e in row.learning_rates}
        _draw_line(above, row, ends, look)
        _draw_line(below, row, kept, look)
        lost = [e.learning_rate for e in row.learning_rates if e.status == Status.DIVERGED]
        above.plot(
            lost, [0.97] * len(lost), transform=above.get_xaxis_transform(),
            color=look["color"], marker="x", linestyle="none", markersize=5,
        )  # fmt: skip
    steps = f"{first.horizon:,} steps"
    above.set(
        title=f"{first.problem} on {first.instance}\n{steps}, {_seeds(first)}",
        ylabel="last gap / first gap (1e-9: or less)" if known else "final loss",
    )
    below.set(xlabel="learning rate", ylabel=f"steps until {target} is kept", xscale="log")
    for axes in (above, below):
        axes.set_yscale("log")


def _draw_line(
    axes: Any,
    row: ConvergenceRow,
    values: Mapping[float, float | None],
    look: Mapping[str, Any],
) -> None:
    """Draw what there is of one optimizer.

    A line joins neighbours that went to the horizon: it ends where a rate between has no value.
    """
    whole = {e.learning_rate for e in row.learning_rates if e.steps == row.horizon}
    told = {rate: value for rate, value in values.items() if value is not None}
    ended = [told[rate] if rate in told and rate in whole else math.nan for rate in values]
    behind = [rate for rate in told if rate not in whole]
    axes.plot(list(values), ended, **look, markersize=4, label=_label(row))
    hollow = {**look, "linestyle": "none", "markerfacecolor": "none"}
    axes.plot(behind, [told[rate] for rate in behind], **hollow, markersize=4, alpha=0.5)
    best = row.best_learning_rate
    if best in told:
        axes.plot([best], [told[best]], color=look["color"], marker="*", markersize=12,
                  markeredgecolor="black", markeredgewidth=0.5, zorder=3)  # fmt: skip


def _left(entry: LearningRate) -> float | None:
    left = entry.log10_left
    return None if left is None else 10.0 ** min(max(left, FLOOR), 300.0)


def _entries(rows: Sequence[ConvergenceRow]) -> list[LearningRate]:
    return [entry for row in rows for entry in row.learning_rates]


def _label(row: ConvergenceRow) -> str:
    plain = row.parametrization == "linear"
    return row.optimizer if plain else f"{row.optimizer} ({row.parametrization})"


def _seeds(row: ConvergenceRow) -> str:
    return "1 seed" if row.seeds == 1 else f"median over {row.seeds} seeds"
