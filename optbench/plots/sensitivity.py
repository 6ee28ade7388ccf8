"""How the result depends on the learning rate: one column an instance, one line an optimizer.

Above, what is left of the first gap at the end; below, from which step on the tightest target is
kept.  Filled marks are rates that ran to the horizon, hollow ones the search left behind on the
way; crosses at the upper edge are rates that diverged; a star is the rate that won.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from optbench.plots.instances import instances_of, name_of
from optbench.plots.kind import Asked, Kind, NothingToShow
from optbench.plots.panels import (
    ACROSS,
    LOWEST,
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
from optbench.status import Status

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from optbench.result import Comparison

FLOOR = -9.0  # decades: what is left below a tenth of the tightest target is drawn there
WON, HOLLOW, CROSS = "rate that won", "left behind", Status.DIVERGED.value


def data(comparison: Comparison) -> pd.DataFrame:
    """Return one row for each learning rate of each row of the convergence table."""
    import pandas as pd

    name = naming(comparison.convergence_rows)
    found = [
        {
            **place(row),
            "optimizer": name(row),
            "learning_rate": entry.learning_rate,
            "status": entry.status.value,
            "steps": entry.steps,
            "ended": entry.steps == row.horizon,
            "won": entry.learning_rate == row.best_learning_rate,
            "log10_left": entry.log10_left,
            "final_loss": entry.final_loss,
            "target": row.success_target,
            "steps_to_target": entry.steps_to.get(row.success_target),
        }
        for row in comparison.convergence_rows
        for entry in row.learning_rates
    ]
    if not found:
        raise NothingToShow("sensitivity: no optimizer of this comparison has a learning rate")
    numbers = ["log10_left", "final_loss", "steps_to_target"]
    return pd.DataFrame(found).astype(dict.fromkeys(numbers, float))


def draw(data: pd.DataFrame, asked: Asked) -> Figure:
    """Draw two panels an instance: what is left, and the steps to the tightest target."""
    names = drawn(data, _best_first(data))
    marks = _marks(data)
    entries = [*names, *marks]
    shown = instances_of(data)[: room(asked, entries, height=2 * LOWEST)]
    across = min(len(shown), ACROSS[asked.width])
    bands = -(-len(shown) // across)
    figure, places = new_figure(asked, 2 * across * bands, entries, across=across)
    for place_, own in enumerate(shown):
        above, below = (places[each] for each in _pair(place_, across))
        first = place_ % across == 0
        _draw_above(above, own, names, first)
        _draw_below(below, own, names, first)
        below.sharex(above)
        write_title(above, asked, name_of(own), across)
    for place_ in range(len(shown), across * bands):
        for unused in _pair(place_, across):
            places[unused].remove()
    add_legend(figure, asked, handles_of(names) | marks)
    return figure


def _pair(place_: int, across: int) -> tuple[int, int]:
    """Return which axes of a figure belong to an instance: one above the other."""
    upper = 2 * across * (place_ // across) + place_ % across
    return upper, upper + across


def _draw_above(axes: Any, own: pd.DataFrame, names: list[str], first: bool) -> None:
    known = bool(own["log10_left"].notna().any())
    left = 10.0 ** own["log10_left"].clip(lower=FLOOR, upper=300.0)
    axes.set(xscale="log", yscale="log")
    _draw_lines(axes, own.assign(y=left if known else own["final_loss"]), names)
    lost = own[(own["status"] == Status.DIVERGED) & own["optimizer"].isin(names)]
    for name, rates in lost.groupby("optimizer")["learning_rate"]:
        axes.plot(
            rates, [0.97] * len(rates), transform=axes.get_xaxis_transform(),
            color=look(str(name)).colour, marker="x", linestyle="none", markeredgewidth=0.8,
        )  # fmt: skip
    if first:
        axes.set_ylabel("last gap / first gap" if known else "final loss")


def _draw_below(axes: Any, own: pd.DataFrame, names: list[str], first: bool) -> None:
    axes.set(xscale="log", yscale="log", xlabel="learning rate")
    _draw_lines(axes, own.assign(y=own["steps_to_target"]), names)
    few_ticks(axes, 1.2)
    if own.loc[own["optimizer"].isin(names), "steps_to_target"].isna().all():
        axes.set_yticks([])
        axes.text(0.5, 0.5, "no rate keeps it", transform=axes.transAxes, ha="center", va="center")
    if first:
        axes.set_ylabel(f"steps to {own['target'].iloc[0]}")


def _draw_lines(axes: Any, own: pd.DataFrame, names: list[str]) -> None:
    """Draw what there is of each optimizer.

    A line joins neighbours that went to the horizon: it ends where a rate between has no value.
    """
    for name in names:
        rates = own[own["optimizer"] == name]
        line = look(name)
        shape: dict[str, Any] = {"color": line.colour, "marker": line.mark}
        axes.plot(
            rates["learning_rate"], rates["y"].where(rates["ended"], math.nan), **shape,
            markeredgecolor="white", dashes=line.dashes or (None, None), label=name,
        )  # fmt: skip
        behind = rates[~rates["ended"]]
        axes.plot(
            behind["learning_rate"], behind["y"], **shape, linestyle="none",
            markerfacecolor="none", alpha=0.6,
        )  # fmt: skip
        best = rates[rates["won"] & rates["y"].notna()]
        axes.plot(
            best["learning_rate"], best["y"], color=line.colour, marker="*", markersize=9,
            markeredgecolor="black", linestyle="none", zorder=3,
        )  # fmt: skip


def _marks(data: pd.DataFrame) -> dict[str, Any]:
    """Return what the marks mean that all optimizers share."""
    from matplotlib.lines import Line2D

    looks: dict[str, dict[str, Any]] = {WON: {"marker": "*", "markersize": 8}}
    if not data["ended"].all():
        looks[HOLLOW] = {"marker": "o", "markerfacecolor": "none", "markeredgewidth": 0.8}
    if (data["status"] == Status.DIVERGED).any():
        looks[CROSS] = {"marker": "x", "markeredgewidth": 0.8}
    plain = {"color": "0.35", "linestyle": "none"}
    return {name: Line2D([], [], **{**plain, **each}) for name, each in looks.items()}


def _best_first(data: pd.DataFrame) -> list[str]:
    ends = data[data["won"]].groupby("optimizer")["log10_left"].median()
    return list(ends.sort_values(kind="stable").index)


def read(data: pd.DataFrame, asked: Asked) -> str:
    """Say what panels and marks are."""
    parts = (
        "Above: what is left of the first gap at the end (1e-9: or less); hollow marks are rates "
        "that the search left behind on the way. Below: the step from "
        "which on the tightest target is kept to the end; there is no mark where it is not.",
        left_out(data, "that leave the smallest gaps"),
    )
    return " ".join(filter(None, parts))


SENSITIVITY = Kind(
    name="sensitivity",
    shows="How the result depends on the learning rate.",
    data=data,
    draw=draw,
    read=read,
    panels=("instance_id",),
    axes=2,
)
