"""Which reference is approached along the runs: one panel a reference, one line an optimizer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from optbench.analysis.kinds import HEADLINE, measure_named
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
from optbench.plots.seeds import ENDED, aligned, some_ended
from optbench.plots.style import look

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from optbench.result import Comparison
    from optbench.traces import Trace

# What tells references apart, by the first words of its name: the first that an instance has.
LABELS = {
    "margin_ratio": "margin / largest margin",
    "norm_excess": "norm / least norm",
    "angle": "degrees to the direction",
    "distance": "relative distance",
}
RATIOS = {"margin_ratio": 0.0, "norm_excess": 1.0}  # what makes them 1 at the reference, if added
LEAST = {"margin_ratio": -0.25, "norm_excess": 0.3}  # below that the axis ends
NAMES = {"l1": "L1", "l2": "L2", "linf": "Linf"}
HEIGHT = 0.66  # of a panel over its width


def data(comparison: Comparison) -> pd.DataFrame:
    """Return one row for each record of each seed of the runs that won, and each measure.

    ``value`` is the measure as in the implicit-bias table, ``reference`` what it compares with.
    """
    import pandas as pd

    name = naming(comparison.convergence_rows)
    parts = [
        _records(trace, name(trace), measure)
        for trace in comparison.traced
        if trace.won
        for measure in _telling(trace)
    ]
    if not parts:
        raise NothingToShow("selection: no run is measured against a reference solution")
    found = pd.concat(parts, ignore_index=True)
    return found[found["value"].notna()]


def what(measure: str) -> str:
    """Return what a measure is, without the name of its reference."""
    return next((prefix for prefix in LABELS if measure.startswith(f"{prefix}_")), "")


def _telling(trace: Trace) -> list[str]:
    """Return the measures of a trace that verdicts are about, all of one sort."""
    names = [name for name in trace.measures if measure_named(name).rank == HEADLINE]
    sorts = [prefix for prefix in LABELS if any(what(name) == prefix for name in names)]
    return [name for name in names if what(name) in sorts[:1]]


def _records(trace: Trace, label: str, measure: str) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    values = trace.measures[measure]
    records, seeds = values.shape
    return pd.DataFrame(
        {
            **place(trace),
            "optimizer": label,
            "seed": np.tile(np.arange(seeds), records),
            "steps": np.repeat(trace.steps, seeds),
            "measure": measure,
            "reference": measure_named(measure).against
            or measure.removeprefix(what(measure) + "_"),
            "value": values.ravel(),
        }
    )


def panels_of(data: pd.DataFrame) -> list[pd.DataFrame]:
    """Return the data of each instance and measure, those of an instance beside each other."""
    return [
        part
        for _, own in data.groupby("instance_id", sort=False)
        for _, part in own.groupby("measure", sort=False)
    ]


def draw(data: pd.DataFrame, asked: Asked) -> Figure:
    """Draw medians over seeds, bands from the smallest to the largest, and where a reference is."""
    names = drawn(data, _best_first(data))
    panels = panels_of(data)
    shown = panels[: room(asked, names)]
    across = min(len(shown), ACROSS[asked.width])
    figure, places = new_figure(asked, len(shown), names, HEIGHT)
    before = ""
    for at, (axes, own) in enumerate(zip(places, shown, strict=True)):
        sort, reference = what(own["measure"].iloc[0]), own["reference"].iloc[0]
        _draw_panel(axes, own, names, sort)
        write_title(axes, asked, f"{name_of(own)}: {NAMES.get(reference, reference)}", across)
        axes.set(xlabel="steps", ylabel=LABELS[sort] if at % across == 0 or sort != before else "")
        before = sort
    add_legend(figure, asked, handles_of(names))
    return figure


def _draw_panel(axes: Any, own: pd.DataFrame, names: list[str], sort: str) -> None:
    import seaborn as sns

    shown = own[own["steps"] > 0]  # a logarithmic scale has no place for the start
    shown = aligned(shown.assign(y=shown["value"] + RATIOS.get(sort, 0.0)), "steps", "y")
    present = [name for name in names if (shown["optimizer"] == name).any()]
    if sort in RATIOS:
        axes.axhline(1.0, color="black", linewidth=0.9, zorder=1.5)
    looks = {name: look(name) for name in present}
    axes.set(xscale="log", yscale="linear" if sort == "margin_ratio" else "log")
    if not present:
        return
    sns.lineplot(
        shown, x="steps", y="y", hue="optimizer",
        style="optimizer", ax=axes, legend=False, hue_order=present, style_order=present,
        estimator="median", errorbar=("pi", 100), markevery=0.12,
        palette={name: each.colour for name, each in looks.items()},
        dashes={name: each.dashes for name, each in looks.items()},
        markers={name: each.mark for name, each in looks.items()},
        err_kws={"alpha": 0.15, "linewidth": 0},
    )  # fmt: skip
    if sort in LEAST and float(shown["y"].min()) < LEAST[sort]:
        axes.set_ylim(bottom=LEAST[sort])
    if sort == "margin_ratio":
        axes.set_ylim(top=1.06)
    if sort == "norm_excess":
        _number_plainly(axes)
    if sort not in RATIOS:
        few_ticks(axes)


def _number_plainly(axes: Any) -> None:
    """Number an axis around 1 by 0.5, 1, 2 and 5, which powers of ten would leave empty."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _best_first(data: pd.DataFrame) -> list[str]:
    """Order optimizers by how close to one of the references they end, over instances and seeds."""
    best = data["measure"].map(lambda name: 1.0 if what(name) == "margin_ratio" else 0.0)
    ends = data.assign(missing=(data["value"] - best).abs())
    last = ends.groupby(["optimizer", "instance_id", "measure", "seed"])["missing"].last()
    nearest = last.groupby(["optimizer", "instance_id", "seed"]).min()
    return list(nearest.groupby("optimizer").median().sort_values(kind="stable").index)


def read(data: pd.DataFrame, asked: Asked) -> str:
    """Say what the lines are, and what it means that one of them arrives."""
    sorts = set(data["measure"].map(what))
    told = []
    if sorts & RATIOS.keys():
        told.append("A line that arrives at 1 selects the reference that the title names.")
    if sorts - RATIOS.keys():
        told.append("Angles and distances to a reference fall to 0 where it is selected.")
    if "norm_excess" in sorts:
        told.append("Below 1 the run does not fit the data yet.")
    if "margin_ratio" in sorts:
        told.append("Margins below -0.25 of the largest are not drawn.")
    if data["seed"].nunique() > 1:
        told.append("Lines are medians over seeds, bands reach from the least to the largest seed.")
    if some_ended(data):
        told.append(ENDED)
    told.append(left_out(data, "that end closest to a reference"))
    return " ".join(told).rstrip()


SELECTION = Kind(
    name="selection",
    shows="How close to each reference solution the runs come, on the way.",
    data=data,
    draw=draw,
    read=read,
    panels=("instance_id", "measure"),
)
