"""How far the solutions of optimizers are from each other: one matrix an instance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from optbench.plots.instances import instances_of, name_of
from optbench.plots.kind import Asked, Kind, NothingToShow
from optbench.plots.panels import new_figure, room, write_title
from optbench.plots.predictors import found_on

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from optbench.result import Comparison

CELL = 0.155  # inches: height of a row
AROUND = 0.55  # inches above and below a matrix
CROWDED = 12  # columns that a narrow figure can number one by one
MANY = 24  # rows up to which numbers can be read
SHORT = 22  # letters of a name


def data(comparison: Comparison) -> pd.DataFrame:
    """Return one row for each pair of solutions of an instance: of optimizers and references.

    ``value`` is the angle between them in degrees where w grows without bound, else their L2
    distance over the mean of their norms (``unit`` is empty).
    """
    import pandas as pd

    parts = []
    for found in found_on(comparison):
        every = [*found.ends.values(), *found.references.values()]
        names = [*found.ends, *found.references]
        unit = found.facts.separation_unit
        values = _apart(np.array(every), unit == "deg")
        kinds = ["optimizer"] * len(found.ends) + ["reference"] * len(found.references)
        size = len(names)
        parts.append(
            pd.DataFrame(
                {
                    **found.place,
                    "first": np.repeat(np.array(names, object), size),
                    "first_is": np.repeat(np.array(kinds, object), size),
                    "second": np.tile(np.array(names, object), size),
                    "unit": unit,
                    "value": values.ravel(),
                }
            )
        )
    if not parts:
        raise NothingToShow("angles: this comparison has kept no predictor")
    return pd.concat(parts, ignore_index=True)


def _apart(rows: np.ndarray, in_degrees: bool) -> np.ndarray:
    """Return angles, or relative distances, between all pairs of rows."""
    sizes = np.linalg.norm(rows, axis=1)
    if in_degrees:
        units = rows / sizes[:, None]
        halves = [
            np.arctan2(np.linalg.norm(units - u, axis=1), np.linalg.norm(units + u, axis=1))
            for u in units
        ]
        return np.degrees(2.0 * np.array(halves))
    away = np.array([np.linalg.norm(rows - w, axis=1) for w in rows])
    return np.asarray(away / (0.5 * (sizes[:, None] + sizes)))


def draw(data: pd.DataFrame, asked: Asked) -> Figure:
    """Draw a heat map with numbers for each instance, its references below the line."""
    groups = instances_of(data)
    most = max(own["first"].nunique() for own in groups)
    height = CELL * most + AROUND
    shown = groups[: room(asked, (), 1, height)]
    shape = height / asked.inches
    figure, places = new_figure(asked, len(shown), (), shape, 1, lowest=height)
    for axes, own in zip(places, shown, strict=True):
        _draw_panel(axes, own, asked)
        write_title(axes, asked, name_of(own), 1, names=True)
    return figure


def _draw_panel(axes: Any, own: pd.DataFrame, asked: Asked) -> None:
    import seaborn as sns

    names = list(dict.fromkeys(own["first"]))
    values = own["value"].to_numpy().reshape(len(names), -1)
    in_degrees = own["unit"].iloc[0] == "deg"
    labels = [name if len(name) <= SHORT else f"{name[: SHORT - 1]}…" for name in names]
    columns = range(1, len(names) + 1)
    every = 2 if asked.width == "one" and len(names) > CROWDED else 1
    readable = asked.width == "two" and len(names) <= MANY
    sns.heatmap(
        values, ax=axes, vmin=0.0, vmax=90.0 if in_degrees else 1.0, cmap="cividis_r",
        annot=_numbers(values, in_degrees) if readable else False, fmt="",
        annot_kws={"fontsize": 5.5}, linewidths=0.3, cbar=False,
        yticklabels=[f"{label}  {at}" for label, at in zip(labels, columns, strict=True)],
        xticklabels=[f"{at}" if at % every == 1 % every else "" for at in columns],
    )  # fmt: skip
    runs = int((own.drop_duplicates("first")["first_is"] == "optimizer").sum())
    axes.axhline(runs, color="white", linewidth=2.0)
    axes.axvline(runs, color="white", linewidth=2.0)
    axes.tick_params(axis="both", length=0)
    axes.tick_params(axis="y", rotation=0)
    axes.set(xlabel="degrees" if in_degrees else "relative distance", ylabel="")


def _numbers(values: np.ndarray, in_degrees: bool) -> np.ndarray:
    """Return two digits of each value."""
    return np.array(
        [[f"{v:.0f}" if in_degrees and v >= 9.95 else _short(v) for v in row] for row in values]
    )


def _short(value: float) -> str:
    text = f"{value:.1f}" if value >= 0.995 else f"{value:.2f}".removeprefix("0")
    return "0" if text in (".00", "0.0") else text


def read(data: pd.DataFrame, asked: Asked) -> str:
    """Say what a number is, and where the references are."""
    units = set(data["unit"])
    told = []
    if "deg" in units:
        told.append("Numbers are angles in degrees between the last w of two optimizers.")
    if units - {"deg"}:
        told.append(
            "Numbers are L2 distances between the last w of two optimizers over the mean of their "
            "norms." if "deg" not in units else
            "Where w stays bounded they are L2 distances over the mean of both norms."
        )  # fmt: skip
    told.append(
        "Darker is farther; columns are numbered as the rows are, and the reference solutions "
        "stand behind the white lines. Of several seeds the first is shown."
    )
    return " ".join(told)


ANGLES = Kind(
    name="angles",
    shows="How far the solutions that optimizers found are from each other and from references.",
    data=data,
    draw=draw,
    read=read,
    panels=("instance_id",),
)
