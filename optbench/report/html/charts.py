"""What a figure of the page holds: curves with few digits, as the page's script draws them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

DIGITS = 5  # more than the eye sees on a screen, and than a value under the pointer shows

Numbers = Sequence[float | None] | NDArray[np.float64]


@dataclass(frozen=True)
class Axis:
    """An axis.

    Attributes
    ----------
    label : str
    log : bool
        Whether it is logarithmic; it is given decimal logarithms.
    least : float or None
        Where it begins at the lowest: what is below is not drawn, and read off all the same.
    """

    label: str
    log: bool = False
    least: float | None = None


@dataclass(frozen=True)
class Line:
    """A horizontal line, such as the value of a reference solution."""

    label: str
    y: float


@dataclass(frozen=True)
class Series:
    """A curve.

    Attributes
    ----------
    label, color : str
    x, y : sequence of float or None
        None leaves a gap.
    low, high : sequence of float or None
        The band around it; empty: there is none.
    dash : sequence of float
        Lengths of dashes and gaps; empty: a full line.
    run : str
        The run that it is of, if it is of one.
    """

    label: str
    color: str
    x: Numbers
    y: Numbers
    low: Numbers = ()
    high: Numbers = ()
    dash: Sequence[float] = ()
    run: str = ""


@dataclass(frozen=True)
class Chart:
    """One drawing; `note` is what the caption says of it alone."""

    name: str
    x: Axis
    y: Axis
    series: Sequence[Series]
    lines: Sequence[Line] = ()
    stepped: bool = False
    points: bool = False
    note: str = ""


@dataclass(frozen=True)
class PageFigure:
    """A figure: one chart, or several among which the reader chooses."""

    key: str
    title: str
    caption: str
    charts: Sequence[Chart]


class Packed:
    """Figures in JSON's types; what they share, the places of records, is there once."""

    def __init__(self) -> None:
        self.xs: dict[tuple[float | None, ...], int] = {}
        self.figures: dict[str, list[dict[str, Any]]] = {}

    def add(self, figure: PageFigure) -> None:
        """Take a figure."""
        self.figures[figure.key] = [
            asdict(replace(chart, series=())) | {"series": [self.packed(s) for s in chart.series]}
            for chart in figure.charts
        ]

    def packed(self, series: Series) -> dict[str, Any]:
        """Return a curve without what is empty; its ``x`` is a place in ``xs``."""
        x = tuple(rounded(series.x))
        found: dict[str, Any] = {"label": series.label, "x": self.xs.setdefault(x, len(self.xs))}
        for name in ("y", "low", "high"):
            if len(values := getattr(series, name)):
                found[name] = rounded(values)
        optional = {"color": series.color, "dash": list(series.dash), "run": series.run}
        return found | {name: value for name, value in optional.items() if value}

    @property
    def document(self) -> dict[str, Any]:
        """All of it."""
        return {"xs": [list(x) for x in self.xs], "figures": self.figures}


def rounded(values: Iterable[float | None]) -> list[float | int | None]:
    """Return numbers with few digits; those that are not finite are null."""
    return [_few(value) for value in values]


def _few(value: float | None) -> float | int | None:
    if value is None or not math.isfinite(value):
        return None
    found = float(f"{value:.{DIGITS}g}")
    return int(found) if found.is_integer() and abs(found) < 1e15 else found
