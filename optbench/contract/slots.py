"""``Slot``: what an optimizer keeps between steps, and in which shape its kernel sees it.

A shape is said in words, because its size belongs to the data and to the parametrization.  All
slots of a run are one row of numbers; the kernel gets views.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

Shape: TypeAlias = str | int | tuple[int | str, int | str] | None

# How many numbers there are for each weight matrix of so many rows and columns.
PER_LAYER: Mapping[str, Callable[[int, int], int]] = {
    "layers": lambda rows, columns: 1,
    "layer rows": lambda rows, columns: rows,
    "layer columns": lambda rows, columns: columns,
    "rows x rows": lambda rows, columns: rows * rows,
    "columns x columns": lambda rows, columns: columns * columns,
}
KNOWN = (
    'None (like theta), an integer, (m, "theta") for m vectors like theta, "rows" (a number for '
    'each row of the data), (m, "rows"), ("rows", "theta"), "matrix" (theta by theta) and, for '
    f"each weight matrix, {', '.join(map(repr, PER_LAYER))}"
)


class Sizes(NamedTuple):
    """What the shapes of slots depend on."""

    parameters: int
    rows: int  # of the data
    layers: Any  # int64 (L, 3): offset, rows and columns of each weight matrix in theta


@dataclass(frozen=True)
class Slot:
    """Optimizer state that persists between steps and starts at ``initial``.

    Parameters
    ----------
    shape : str, int or tuple, optional
        ``None``: like theta.  An integer: that many numbers.  ``(m, "theta")``: m vectors like
        theta, a matrix (m, p).  ``"rows"``: a number for each row of the data, and
        ``(m, "rows")``, ``("rows", "theta")``.  ``"matrix"``: (p, p).  For the weight matrices, one
        after the other in one vector: ``"layers"`` a number for each, ``"layer rows"`` and
        ``"layer columns"`` a vector, ``"rows x rows"`` and ``"columns x columns"`` a square matrix;
        :mod:`optbench.linear_algebra` finds those of one of them.
    initial : float
        Its value before the first step.
    degree : int
        Its unit as a power of the unit of the objective (momentum 1, squared gradients 2).
    """

    shape: Shape = None
    initial: float = 0.0
    degree: int = 0

    @property
    def known(self) -> bool:
        """Whether there is such a shape."""
        if isinstance(self.shape, tuple):
            first, second = self.shape if len(self.shape) == 2 else (None, None)
            return (_is_count(first) and second in ("theta", "rows")) or (
                (first, second) == ("rows", "theta")
            )
        return self.shape in (None, "matrix", "rows", *PER_LAYER) or _is_count(self.shape)

    @property
    def of_layers(self) -> bool:
        """Whether its size depends on the weight matrices."""
        return isinstance(self.shape, str) and self.shape in PER_LAYER

    def extent(self, sizes: Sizes) -> tuple[int, ...]:
        """Return the shape that the kernel sees."""
        if isinstance(self.shape, tuple):
            named = {"theta": sizes.parameters, "rows": sizes.rows}
            return tuple(named[part] if isinstance(part, str) else part for part in self.shape)
        if isinstance(self.shape, str) and self.shape in PER_LAYER:
            count = PER_LAYER[self.shape]
            return (sum(count(int(rows), int(columns)) for _, rows, columns in sizes.layers),)
        if isinstance(self.shape, int):
            return (self.shape,)
        p = sizes.parameters
        return {None: (p,), "matrix": (p, p), "rows": (sizes.rows,)}[self.shape]

    def size(self, sizes: Sizes) -> int:
        """Return how many numbers the slot holds."""
        return math.prod(self.extent(sizes))


def _is_count(part: object) -> bool:
    return isinstance(part, int) and not isinstance(part, bool) and part > 0
