"""The way of w in the plane of two references: one panel an instance, one line an optimizer."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from optbench.plots.instances import instances_of, name_of
from optbench.plots.kind import Asked, Kind, NothingToShow
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
from optbench.plots.rows import naming, place
from optbench.plots.style import look

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from optbench.result import Comparison
    from optbench.traces import Trace

DIRECTIONS = "deg"  # the unit of verdicts where w grows without bound: there w / ||w|| is drawn
HEIGHT = 1.0  # of a panel over its width


class Plane(NamedTuple):
    """The plane through 0 and two reference solutions; the first lies on its first axis."""

    names: tuple[str, str]
    cosine: float
    places: tuple[tuple[float, float], tuple[float, float]]

    def place(self, first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return where w is projected to, from its components along the two references."""
        return first, (second - self.cosine * first) / np.sqrt(1.0 - self.cosine**2)


def plane_of(solutions: Mapping[str, np.ndarray], unit: bool) -> Plane | None:
    """Return the plane of the two references that are farthest apart, None where there are none.

    Parameters
    ----------
    solutions : mapping of str to ndarray, float64 (d,)
    unit : bool
        Whether only directions count.
    """
    sizes = {name: float(np.linalg.norm(w)) for name, w in solutions.items()}
    known = {name: w / sizes[name] for name, w in solutions.items() if sizes[name] > 0.0}
    pairs = [(float(known[a] @ known[b]), a, b) for a, b in combinations(known, 2)]
    cosine, a, b = min(pairs, default=(1.0, "", ""))
    if cosine > 1.0 - 1e-6:
        return None
    first, second = (1.0, 1.0) if unit else (sizes[a], sizes[b])
    there = (second * cosine, second * float(np.sqrt(1.0 - cosine**2)))
    return Plane((a, b), cosine, ((first, 0.0), there))


def data(comparison: Comparison) -> pd.DataFrame:
    """Return one row for each record of the first seed of the runs that won, and each reference.

    ``x`` and ``y`` are the projection of w, or of w / ||w|| where w grows without bound, onto the
    plane through 0 and two references; ``optimizer`` is empty for the references themselves.
    """
    import pandas as pd

    name = naming(comparison.convergence_rows)
    parts = []
    for facts in comparison.instances:
        unit = facts.separation_unit == DIRECTIONS
        plane = plane_of(comparison.solutions.get(facts.instance_id, {}), unit)
        own = [t for t in comparison.traced if t.won and t.instance_id == facts.instance_id]
        if plane is not None and own:
            parts += [_records(trace, name(trace), plane, unit) for trace in own]
            parts.append(_references(own[0], plane))
    if not parts:
        raise NothingToShow("path: no instance has two reference solutions that are kept here")
    return pd.concat(parts, ignore_index=True)


def _records(trace: Trace, label: str, plane: Plane, unit: bool) -> pd.DataFrame:
    import pandas as pd

    x, y = plane.place(*(trace.measures[f"component_{name}"][:, 0] for name in plane.names))
    with np.errstate(invalid="ignore"):  # w = 0 has no direction
        size = trace.measures["norm_l2"][:, 0] if unit else 1.0
        columns = {"steps": trace.steps, "x": x / size, "y": y / size}
    own = {**place(trace), "optimizer": label, "reference": "", "unit": unit}
    return pd.DataFrame({**own, **columns}).dropna(subset=["x", "y"])


def _references(trace: Trace, plane: Plane) -> pd.DataFrame:
    import pandas as pd

    own = {**place(trace), "optimizer": "", "unit": False, "steps": 0}
    x, y = zip(*plane.places, strict=True)
    return pd.DataFrame({**own, "reference": plane.names, "x": x, "y": y})


def draw(data: pd.DataFrame, asked: Asked) -> Figure:
    """Draw ways from a hollow mark to a filled one, and the two references as stars."""
    runs = data[data["optimizer"] != ""]
    names = drawn(runs, _nearest_first(data))
    shown = instances_of(data)[: room(asked, names, height=asked.inches / ACROSS[asked.width])]
    across = min(len(shown), ACROSS[asked.width])
    figure, places = new_figure(asked, len(shown), names, HEIGHT)
    for axes, own in zip(places, shown, strict=True):
        _draw_panel(axes, own, names)
        write_title(axes, asked, name_of(own), across)
    add_legend(figure, asked, handles_of(names))
    return figure


def _draw_panel(axes: Any, own: pd.DataFrame, names: list[str]) -> None:
    references = own[own["optimizer"] == ""]
    for name in names:
        way = own[own["optimizer"] == name]
        if way.empty:
            continue
        line = look(name)
        plain = {"color": line.colour, "linestyle": "none", "marker": line.mark}
        axes.plot(way["x"], way["y"], color=line.colour, dashes=line.dashes or (None, None))
        axes.plot(way["x"].iloc[:1], way["y"].iloc[:1], **plain, markerfacecolor="white", zorder=3)
        axes.plot(way["x"].iloc[-1:], way["y"].iloc[-1:], **plain, markersize=5,
                  markeredgecolor="white", zorder=4)  # fmt: skip
    axes.plot(references["x"], references["y"], color="black", linestyle="none", marker="*",
              markersize=10, markeredgecolor="white", zorder=5)  # fmt: skip
    _name_references(axes, references)
    axes.plot([0.0], [0.0], color="black", marker="+", markersize=6)
    _set_limits(axes, own, references)
    first, second = references["reference"]
    axes.set(xlabel=f"along {first}", ylabel=f"towards {second}")
    axes.set_aspect("equal", adjustable="box")


def _name_references(axes: Any, references: pd.DataFrame) -> None:
    """Write the upper reference's name above its star, the other one's below."""
    upper = references["y"].idxmax()
    for index, each in references.iterrows():
        above = index == upper
        axes.annotate(each["reference"], (each["x"], each["y"]), (0, 6 if above else -6),
                      textcoords="offset points", zorder=6, ha="center",
                      va="bottom" if above else "top")  # fmt: skip


def _set_limits(axes: Any, own: pd.DataFrame, references: pd.DataFrame) -> None:
    """Show the references, 0, and runs up to twice as far as the references are apart."""
    there = np.array([[0.0, 0.0], *references[["x", "y"]].to_numpy()])
    low, high = there.min(axis=0), there.max(axis=0)
    reach = float((high - low).max())
    ways = own[["x", "y"]].to_numpy()
    low = np.maximum(np.minimum(low, ways.min(axis=0)), low - reach)
    high = np.minimum(np.maximum(high, ways.max(axis=0)), high + reach)
    side, middle = 0.68 * float((high - low).max()), (low + high) / 2.0
    axes.set(xlim=(middle[0] - side, middle[0] + side), ylim=(middle[1] - side, middle[1] + side))


def _nearest_first(data: pd.DataFrame) -> list[str]:
    """Order optimizers by how near to one of the references they end, over instances."""
    missing: dict[str, list[float]] = {}
    for own in instances_of(data):
        goals = own[own["optimizer"] == ""][["x", "y"]].to_numpy()
        apart = float(np.linalg.norm(goals[0] - goals[1]))
        for name, way in own[own["optimizer"] != ""].groupby("optimizer", sort=False):
            end = way[["x", "y"]].to_numpy()[-1]
            away = float(np.linalg.norm(goals - end, axis=1).min())
            missing.setdefault(str(name), []).append(away / apart)
    return sorted(missing, key=lambda name: float(np.median(missing[name])))


def read(data: pd.DataFrame, asked: Asked) -> str:
    """Say what is projected, and what the marks are."""
    runs = data[data["optimizer"] != ""]
    told = [
        "Each panel is the plane through 0 (+) and the two references (stars) that are farthest "
        "apart; hollow marks are where runs begin, filled ones where they end.",
        "What w has outside the plane is left out, so that a run at a star need not be there: the "
        "figure `selection` tells.",
    ]
    if runs["unit"].any():
        told.append("Where w grows without bound its direction w / ||w|| is drawn.")
    told.append("Of several seeds the first is drawn.")
    told.append(left_out(runs, "that end nearest to a reference"))
    return " ".join(told).rstrip()


PATH = Kind(
    name="path",
    shows="Which way w goes, in the plane of two reference solutions.",
    data=data,
    draw=draw,
    read=read,
    panels=("instance_id",),
)
