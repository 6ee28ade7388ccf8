"""How figures look: one look for each optimizer wherever it is drawn, and type for print.

An optimizer that comes with optbench gets its colour, mark and dashes from its place in the list
of all of them, so that they are the same in every figure, whoever else is in it.  What does not
come with optbench is black.  Rows of one optimizer with other options share its colour.
"""

from __future__ import annotations

import contextlib
import functools
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

from optbench.labels import plain_name

# Ten colours and black, of which any two differ by 16 units of CIELAB or more to normal sight and
# to that without red, green or blue cones; the palettes of seaborn reach 11 with ten colours.
COLOURS = (
    "#0173b2", "#5aae61", "#d55e00", "#882255", "#e69f00",
    "#785ef0", "#7a4a1e", "#7f7f7f", "#c2a5cf", "#762a83",
)  # fmt: skip
OWN_COLOUR = "#000000"
SHADES = (-0.45, 0.0, 0.3, 0.5)  # parts of black (below 0) or white in the colour of options
MARKS = "osD^v<>PXhp"  # eleven: with ten colours and seven dashes no two optimizers look alike
SOLID: tuple[float, ...] = ()
DASHES: tuple[tuple[float, ...], ...] = (
    SOLID, (4, 1.5), (1.2, 1.2), (5, 1.5, 1.2, 1.5), (7, 2), (2.5, 1.2),
    (5, 1.2, 1.2, 1.2, 1.2, 1.2),
)  # fmt: skip


class Look(NamedTuple):
    """The colour, mark and dashes (lengths on and off, in widths of the line) of a line."""

    colour: str
    mark: str
    dashes: tuple[float, ...]


def look(label: str) -> Look:
    """Return what an optimizer looks like.

    Parameters
    ----------
    label : str
        What a row is called: ``adam``, ``adam[eps=0]``, ``adam (diagonal)``.
    """
    name = plain_name(label)
    place = _places().get(name)
    if place is None or label != name:
        return _other_look(label, OWN_COLOUR if place is None else COLOURS[place % len(COLOURS)])
    return Look(
        COLOURS[place % len(COLOURS)],
        MARKS[place % len(MARKS)],
        DASHES[place // len(COLOURS) % len(DASHES)],
    )


def _other_look(label: str, colour: str) -> Look:
    """Return a look that the label alone decides; options make a colour lighter or darker."""
    number = zlib.crc32(label.encode())
    share = SHADES[number // 1024 % len(SHADES)] if "[" in label else 0.0
    parts = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    mixed = (round(p + share * (255 - p) if share > 0 else p * (1 + share)) for p in parts)
    shade = "#" + "".join(f"{part:02x}" for part in mixed)
    return Look(shade, MARKS[number % len(MARKS)], DASHES[number // 64 % len(DASHES)])


@functools.cache
def _places() -> dict[str, int]:
    """Return the place of every built-in optimizer: the baseline, the usual ones, the others."""
    from optbench.registry import load_registry

    registry = load_registry()
    known = [each for each in registry.optimizers.values() if registry.is_builtin(each)]
    known.sort(key=lambda each: (not each.baseline, not each.default, each.name))
    return {each.name: place for place, each in enumerate(known)}


@contextlib.contextmanager
def printed() -> Iterator[None]:
    """Set sizes of type and lines for figures that are printed as wide as they are drawn."""
    import matplotlib as mpl
    import seaborn as sns

    own: dict[str, Any] = {
        "axes.labelsize": 8, "axes.titlesize": 8, "figure.titlesize": 9, "font.size": 8,
        "legend.fontsize": 7, "legend.title_fontsize": 7, "xtick.labelsize": 7,
        "ytick.labelsize": 7, "axes.titlepad": 4, "axes.labelpad": 2, "axes.linewidth": 0.6,
        "axes.edgecolor": "0.6", "grid.linewidth": 0.4, "lines.linewidth": 1.1,
        "lines.markersize": 3.5, "lines.markeredgewidth": 0.5, "patch.linewidth": 0.4,
        "legend.handlelength": 2.6, "legend.columnspacing": 1.2, "legend.handletextpad": 0.5,
        "xtick.major.pad": 2, "ytick.major.pad": 2,
        # text stays text; without random names the same numbers give the same file
        "svg.fonttype": "none", "pdf.fonttype": 42, "svg.hashsalt": "optbench",
    }  # fmt: skip
    style: dict[Any, Any] = {**sns.axes_style("whitegrid"), **sns.plotting_context("paper"), **own}
    with mpl.rc_context(style):
        yield
