"""The weights that optimizers found, as images: one row an instance, beside its references."""

from __future__ import annotations

import math
from textwrap import fill
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from optbench.plots.instances import instances_of, name_of
from optbench.plots.kind import Asked, Kind, NothingToShow
from optbench.plots.panels import new_figure
from optbench.plots.predictors import Found, found_on

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from optbench.columns import InstanceFacts
    from optbench.result import Comparison

SMALLEST = 4  # pixels on a side of what is an image
ACROSS = {"one": 4, "two": 7}  # images beside each other
ROWS = 7  # of images on a page
LETTER = 0.055  # inches of a letter of a name
HEIGHT = 1.25  # of a panel over its width: names have two lines


def data(comparison: Comparison) -> pd.DataFrame:
    """Return one row for each pixel of each optimizer and reference, for each output.

    ``weight`` is that of w over its largest magnitude.
    """
    import pandas as pd

    parts = [
        _image(found, label, is_, w, pixels)
        for found in found_on(comparison)
        if (pixels := pixels_of(found.facts)) is not None
        for is_, own in (("reference", found.references), ("optimizer", found.ends))
        for label, w in own.items()
    ]
    if not parts:
        raise NothingToShow(
            "weights: no instance has the features of a square image, of 4 x 4 pixels or more"
        )
    return pd.concat(parts, ignore_index=True)


class Pixels(NamedTuple):
    """A square image: pixels on a side, and which of all its pixels the features are."""

    side: int
    places: np.ndarray


def pixels_of(facts: InstanceFacts) -> Pixels | None:
    """Return of which image features are the pixels; None where they are of none.

    Columns of the data that are constant are pixels without a weight.
    """
    dropped = str(facts.more.get("dropped_columns", ""))
    missing = [int(column) for column in dropped.split(",")] if dropped else []
    count = facts.d // int(facts.more.get("outputs", 1)) + len(missing)
    side, made_up = math.isqrt(count), "seed" in facts.source  # of random numbers
    if side * side != count or side < SMALLEST or made_up:
        return None
    return Pixels(side, np.setdiff1d(np.arange(count), missing))


def _image(found: Found, label: str, is_: str, w: np.ndarray, pixels: Pixels) -> pd.DataFrame:
    import pandas as pd

    largest = float(np.abs(w).max())
    outputs = w.size // pixels.places.size
    pixel = np.tile(pixels.places, outputs)
    return pd.DataFrame(
        {
            **found.place,
            "name": label,
            "is": is_,
            "output": np.repeat(np.arange(outputs), pixels.places.size),
            "side": pixels.side,
            "row": pixel // pixels.side,
            "column": pixel % pixels.side,
            "weight": w / (largest or 1.0),
        }
    )


def rows_of(data: pd.DataFrame, across: int) -> list[list[pd.DataFrame]]:
    """Return the pixels of each image in rows, each instance from a row of its own on."""
    rows = []
    for own in instances_of(data):
        images = [each for _, each in own.groupby(["is", "name", "output"], sort=False)]
        rows += [images[at : at + across] for at in range(0, len(images), across)]
    return rows


def draw(data: pd.DataFrame, asked: Asked) -> Figure:
    """Draw blue for negative weights, red for positive ones, white for 0."""
    across = ACROSS[asked.width]
    rows = rows_of(data, across)[:ROWS]
    across = max(map(len, rows))
    inches = asked.inches / ACROSS[asked.width]
    figure, places = new_figure(asked, across * len(rows), (), HEIGHT, across, HEIGHT * inches)
    several, instance = bool(data["output"].any()), ""
    for row, images in enumerate(rows):
        own = places[row * across : (row + 1) * across]
        for axes in own[len(images) :]:
            axes.remove()
        for axes, image in zip(own, images, strict=False):
            _draw_image(axes, image, inches, several)
        if images[0]["instance_id"].iloc[0] != instance:
            instance = images[0]["instance_id"].iloc[0]
            own[0].set_ylabel(_wrapped(name_of(images[0]), inches), fontsize=6)
    return figure


def _wrapped(text: str, inches: float) -> str:
    return fill(text.replace("_", " ").replace(",", ", "), max(8, int(inches / LETTER)))


def _draw_image(axes: Any, image: pd.DataFrame, inches: float, several: bool) -> None:
    first = image.iloc[0]
    shown = np.full((first["side"], first["side"]), np.nan)
    shown[image["row"], image["column"]] = image["weight"]
    axes.imshow(shown, cmap="RdBu_r", vmin=-1.0, vmax=1.0)
    axes.set_facecolor("0.75")
    axes.set(xticks=[], yticks=[])
    axes.grid(False)
    name = f"{first['name']}" if first["is"] == "optimizer" else f"reference {first['name']}"
    name += f", output {first['output']}" if several else ""
    weight = "bold" if first["is"] == "reference" else "normal"
    axes.set_title(_wrapped(name, inches), fontsize=6, fontweight=weight)


def read(data: pd.DataFrame, asked: Asked) -> str:
    """Say what colours are, and what is not drawn."""
    rows = rows_of(data, ACROSS[asked.width])
    count, shown = sum(map(len, rows)), sum(map(len, rows[:ROWS]))
    told = [
        "Red weights are positive, blue ones negative, white is 0, and grey pixels are constant in "
        "the data; each image is divided by its largest magnitude. References come first, in bold. "
        "Of several seeds the first is shown."
    ]
    if count > shown:
        told.append(
            f"Drawn are the first {shown} of {count} images; the data behind the figure have "
            "all of them."
        )
    return " ".join(told)


WEIGHTS = Kind(
    name="weights",
    shows="The weights at the end of the runs as images, and those of the reference solutions.",
    data=data,
    draw=draw,
    read=read,
)
