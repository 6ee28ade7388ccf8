"""Outcomes over two hyperparameters of one optimizer, such as momentum and learning rate."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from optbench.columns import ConvergenceRow, LearningRate
from optbench.labels import plain_name
from optbench.plots.kind import Asked, Kind, NothingToShow
from optbench.plots.outcomes import legend, number, outcome
from optbench.plots.panels import add_legend, write_title
from optbench.plots.rows import place, title
from optbench.plots.strips import draw_strips, new_maps, read

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from optbench.result import Comparison

KEYS = ("instance_id", "parametrization", "optimizer", "others")
MISSING = (
    "phase_diagram: no optimizer ran with several values of two hyperparameters; for instance "
    "-o 'heavy_ball[momentum=0.5,0.9]' does"
)


def data(comparison: Comparison) -> pd.DataFrame:
    """Return one row for each pair of values of each optimizer that varied two hyperparameters.

    ``x`` is the value of the hyperparameter ``x_name``, ``y`` that of ``y_name``; ``others`` are
    the further ones that varied.
    """
    import pandas as pd

    groups: dict[tuple[str, str, str], list[ConvergenceRow]] = {}
    for row in comparison.convergence_rows:
        if row.status.ran and not row.as_theorem_asks:
            key = row.instance_id, row.parametrization, plain_name(row.optimizer)
            groups.setdefault(key, []).append(row)
    found = [each for rows in groups.values() for each in _points(rows)]
    if not found:
        raise NothingToShow(MISSING)
    return pd.DataFrame(found).astype({"at": float})


def _points(rows: list[ConvergenceRow]) -> Iterator[dict[str, Any]]:
    """Yield what came of each setting; nothing where fewer than two hyperparameters varied."""
    entries = [(row, entry) for row in rows for entry in row.learning_rates or (_alone(row),)]
    names = dict.fromkeys(name for _, entry in entries for name in entry.hyperparameters)
    varied = [
        name for name in names if len({entry.hyperparameters.get(name) for _, entry in entries}) > 1
    ]
    if len(varied) < 2 or len(rows) < 2:
        return
    x, y = sorted(varied[:2], key=lambda name: name != "learning_rate")
    for row, entry in entries:
        came = outcome(row, entry)
        own = entry.hyperparameters
        yield {
            **place(row),
            "optimizer": plain_name(row.optimizer),
            "x_name": x,
            "x": own.get(x),
            "y_name": y,
            "y": own.get(y),
            "others": ", ".join(f"{name}={own[name]:g}" for name in varied if name not in (x, y)),
            "outcome": came,
            "at": number(row, entry, came),
            "target": row.success_target,
            "won": bool(row.learning_rates) and entry.learning_rate == row.best_learning_rate,
        }


def _alone(row: ConvergenceRow) -> LearningRate:
    """Return a row without learning rates as the one entry that it is."""
    return LearningRate(
        learning_rate=0.0,
        hyperparameters=row.hyperparameters,
        steps=row.horizon,
        status=row.status,
        steps_to=row.steps_to,
        reached=row.reached,
    )


def draw(data: pd.DataFrame, asked: Asked) -> Figure:
    """Draw one map for each instance, optimizer and setting of the other hyperparameters."""
    groups, entries = (
        [own for _, own in data.groupby(list(KEYS), sort=False)],
        legend(data["outcome"]),
    )
    shown, figure, across = new_maps(asked, groups, "y", list(entries))
    for axes, own in zip(figure.axes, shown, strict=True):
        first = own.iloc[0]
        ordered = own.sort_values("y", ascending=False, kind="stable")
        levels = ordered.assign(y=ordered["y"].map("{:g}".format))
        draw_strips(axes, levels, "x", "y", asked.inches / across)
        axes.set(xlabel=first["x_name"].replace("_", " "), ylabel=first["y_name"])
        more = f", {first['others']}" if first["others"] else ""
        where = title(first["problem"], first["instance"])
        write_title(axes, asked, f"{first['optimizer']}{more}: {where}", across, names=True)
    add_legend(figure, asked, entries)
    return figure


PHASE_DIAGRAM = Kind(
    name="phase_diagram",
    shows="What each pair of values of two hyperparameters came to.",
    data=data,
    draw=draw,
    read=read,
    panels=KEYS,
)
