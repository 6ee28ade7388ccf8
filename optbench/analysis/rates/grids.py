"""Regular grids of shapes, refined until they resolve the shapes that count."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Axes = tuple[tuple[float, float], ...]

NODES: dict[int, tuple[int, ...]] = {0: (), 1: (15,), 2: (21, 17)}  # by the number of coordinates
ENOUGH = 0.5  # a grid is fine enough when so many of its nodes count along every axis


def grid(axes: Axes) -> Array:
    """Return the nodes of a regular grid, shape (nodes, axes); one node where there is no axis."""
    counts = NODES[len(axes)]
    lines = [np.linspace(*ends, count) for ends, count in zip(axes, counts, strict=True)]
    if not lines:
        return np.zeros((1, 0))
    nodes: Array = np.stack([line.ravel() for line in np.meshgrid(*lines, indexing="ij")], axis=1)
    return nodes


def refined(axes: Axes, counts: Mask, ranges: Axes) -> Axes | None:
    """Return the axes of a finer grid, or None where this one resolves what counts.

    Parameters
    ----------
    axes : tuple of (float, float)
        The ends of this grid.
    counts : ndarray of bool, shape (nodes,)
        Which of its nodes count.
    ranges : tuple of (float, float)
        The ends that no grid goes beyond.
    """
    if not axes:
        return None
    kept = np.nonzero(counts.reshape(NODES[len(axes)]))
    found, fine = [], True
    for places, (low, high), (least, most), nodes in zip(
        kept, axes, ranges, NODES[len(axes)], strict=True
    ):
        first, last, cell = int(places.min()), int(places.max()), (high - low) / (nodes - 1)
        fine &= last - first + 1 >= ENOUGH * nodes
        ends = low + (first - 1) * cell, low + (last + 1) * cell
        found.append((max(ends[0], least), min(ends[1], most)))
    return None if fine else tuple(found)
