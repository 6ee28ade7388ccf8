"""The gap of the loss along the runs: one panel an instance, one line an optimizer."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from optbench.plots.instances import instances_of, name_of
from optbench.plots.kind import AGAINST, Asked, Kind, NothingToShow
from optbench.plots.panels import (
    ACROSS,
    add_legend,
    drawn,
    handles_of,
    left_out,
    new_figure,
    room,
    write_title,
)
from optbench.plots.rows import naming, place, won
from optbench.plots.seeds import ENDED, aligned, some_ended
from optbench.plots.style import look

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from optbench.result import Comparison

DEEPEST = 20.0  # decades below the first gap: what is less is drawn there
HIGHEST = 300.0  # decades: what is more is no number
LABELS = {
    "steps": "steps",
    "evaluations": "evaluations of the objective",
    "seconds": "processor seconds of one run",
}


def data(comparison: Comparison) -> pd.DataFrame:
    """Return one row for each record of each seed of the runs that won.

    ``log10_gap`` is the decimal logarithm of loss - optimum, -inf where they are equal;
    ``log10_left`` that of the gap over the first gap.
    """
    import pandas as pd

    name = naming(comparison.convergence_rows)
    paces = {_key(row): row.ns_per_step for row in comparison.convergence_rows}
    parts = [
        _records(trace, name(trace), paces.get(_key(trace))) for trace in won(comparison, "loss")
    ]
    if not parts:
        raise NothingToShow("loss: nothing ran")
    return pd.concat(parts, ignore_index=True)


def _key(row: Any) -> tuple[str, str, str]:
    return row.instance_id, row.parametrization, row.optimizer


def _records(trace: Any, label: str, pace: float | None) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    records, seeds = trace.loss.shape
    logs = trace.log_gap / math.log(10.0)
    first = logs[np.isfinite(logs).argmax(axis=0), np.arange(seeds)]
    steps = np.repeat(trace.steps, seeds)
    found = pd.DataFrame(
        {
            **place(trace),
            "optimizer": label,
            "seed": np.tile(np.arange(seeds), records),
            "steps": steps,
            "evaluations": trace.evaluations.ravel(),
            "seconds": steps * (math.nan if pace is None else pace * 1e-9),
            "loss": trace.loss.ravel(),
            "log10_gap": logs.ravel(),
            "log10_left": (logs - first).ravel(),
        }
    )
    return found[found["loss"].notna()]


def draw(data: pd.DataFrame, asked: Asked) -> Figure:
    """Draw medians over seeds, and bands from the smallest to the largest seed."""
    names = drawn(data, _best_first(data))
    shown = instances_of(data)[: room(asked, names)]
    across = min(len(shown), ACROSS[asked.width])
    figure, places = new_figure(asked, len(shown), names)
    for place_, (axes, own) in enumerate(zip(places, shown, strict=True)):
        known = _draw_panel(axes, own, names, asked.against)
        write_title(axes, asked, name_of(own), across)
        if not known:
            axes.set_ylabel("loss (its optimum is unknown)")
        elif place_ % across == 0:
            axes.set_ylabel("loss $-$ optimum")
    add_legend(figure, asked, handles_of(names))
    return figure


def _draw_panel(axes: Any, own: pd.DataFrame, names: list[str], against: str) -> bool:
    """Draw one instance; return whether its optimum is known."""
    import seaborn as sns

    gaps = own["log10_gap"]
    known = bool(gaps.notna().any())
    floor = float(gaps[gaps > -math.inf].groupby(own["optimizer"]).first().max()) - DEEPEST
    shown = own.assign(y=gaps.clip(lower=floor, upper=HIGHEST) if known else own["loss"])
    present = [name for name in names if (own["optimizer"] == name).any()]
    shown = shown[shown[against] > 0]  # a logarithmic scale has no place for the start
    shown = aligned(shown, against, "y")
    shown["y"] = 10.0 ** shown["y"] if known else shown["y"]
    axes.set(xscale="log", yscale="log")
    looks = {name: look(name) for name in present}
    sns.lineplot(
        shown, x=against, y="y", hue="optimizer", style="optimizer", ax=axes, legend=False,
        hue_order=present, style_order=present, estimator="median", errorbar=("pi", 100),
        palette={name: each.colour for name, each in looks.items()},
        dashes={name: each.dashes for name, each in looks.items()},
        markers={name: each.mark for name, each in looks.items()}, markevery=0.12,
        err_kws={"alpha": 0.15, "linewidth": 0},
    )  # fmt: skip
    axes.set(xlabel=LABELS[against], ylabel="")
    return known


def _best_first(data: pd.DataFrame) -> list[str]:
    """Order optimizers by what they leave of the first gap: the median over instances and seeds."""
    ends = data.groupby(["optimizer", "instance_id", "seed"])["log10_left"].last()
    return list(ends.groupby("optimizer").median().sort_values(kind="stable").index)


def read(data: pd.DataFrame, asked: Asked) -> str:
    """Say what lines and bands are."""
    seeds = data["seed"].nunique()
    bands = " Lines are medians over seeds, bands reach from the smallest to the largest seed."
    seconds = (
        " Seconds are steps times the processor time of a step, without compilation and tuning."
    )
    return (
        "Lower and further left is better; gaps below 1e-20 of the first are drawn there."
        f"{bands if seeds > 1 else ''}{f' {ENDED}' if some_ended(data) else ''}"
        f"{seconds if asked.against == 'seconds' else ''} "
        f"{left_out(data, 'that leave the smallest gaps')}"
    ).rstrip()


LOSS = Kind(
    name="loss",
    shows="How far the loss is above its optimum along the runs.",
    data=data,
    draw=draw,
    read=read,
    against=AGAINST,
    panels=("instance_id",),
)
