"""How dense data lie: in panels of 16 rows, or in bands of four where features are as many as rows.

Either is an array (count, features padded to 8, rows of one).  Some panels or bands are a block: it
is evaluated at once, and stays in a cache between the predictions and the gradient.
"""

from __future__ import annotations

import numpy as np

from optbench.engine.compiler.overloads import called, inlined
from optbench.engine.data.bands import BAND_ROWS, to_bands
from optbench.engine.data.panels import (
    BLOCK_PANELS,
    BLOCK_ROWS,
    GROUP,
    PANEL_ROWS,
    padded_features,
    to_panels,
)

LEAST = 2**12  # numbers, which fill the first-level cache: below that panels are as fast
NARROW = 48  # a block of so many features stays in half of the first-level cache at 64 rows
WHOLE = 2**17  # numbers in bands, which fill the second-level cache: so many are one block
BLOCK_NUMBERS = 2**14  # of a block where there are more


def is_wide(rows: int, features: int) -> bool:
    """Whether dense data of this shape lie in bands."""
    return rows <= features and rows * features >= LEAST


def arranged_shape(rows: int, features: int) -> tuple[int, int, int]:
    """Return the shape that data have in their layout."""
    size = BAND_ROWS if is_wide(rows, features) else PANEL_ROWS
    return -(-rows // size), padded_features(features), size


@inlined
def in_bands(panels: np.ndarray) -> bool:
    """Whether arranged data lie in bands; of other arrays the answer does not matter."""
    return panels.shape[2] == BAND_ROWS


def arrange(matrix: np.ndarray) -> np.ndarray:
    """Return a matrix (n, d) in its layout."""
    return to_bands(matrix) if is_wide(*matrix.shape) else to_panels(matrix)


@called
def block_panels(shape: tuple[int, int, int]) -> int:
    """Return how many panels or bands a block has."""
    count, width, size = shape
    if size == PANEL_ROWS:
        return BLOCK_PANELS // 2 if width <= NARROW else BLOCK_PANELS
    most = BLOCK_ROWS // size
    if count <= most and count * size * width <= WHOLE:
        return most
    return min(max(BLOCK_NUMBERS // (2 * size * width), 1) * 2, most)


def repeat_targets(targets: np.ndarray, panels: np.ndarray) -> np.ndarray:
    """Return the targets (n,) block by block, each block once for every run of a group."""
    count, _, size = panels.shape
    padded, rows = targets[: count * size], size * block_panels(panels.shape)
    blocks = [padded[first : first + rows] for first in range(0, padded.size, rows)]
    return np.concatenate([np.tile(block, GROUP) for block in blocks])
