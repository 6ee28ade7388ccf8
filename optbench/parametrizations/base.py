"""What a parametrization declares: theta -> w, its pull-back and where it starts."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from optbench.errors import UserError


@dataclass(frozen=True)
class Parametrization:
    """A map from trained parameters ``theta`` to the predictor ``w``.

    Attributes
    ----------
    name : str
        What a user types, with options: ``diagonal:depth=3``.
    formula : str
        The map in one line.
    forward, pull_back : callable
        Batched kernels for :data:`optbench.engine.types.forward_s` and ``pull_back_s``.
    layers : ndarray, int64 (L, 3)
        Offset, rows and columns of each weight matrix in theta; where there are no weight
        matrices, the integers that the kernels read.
    initial : callable
        ``initial(w, generator) -> theta`` (p,), where ``w`` (d,) is the predictor to start at, or
        None for the parametrization's own start.
    parameters, scratch : int
        How many trained parameters and how many scratch numbers a run needs.
    weight_matrices : bool
        Whether ``layers`` are the weight matrices of a network (what AGD asks for).
    starts_anywhere : bool
        Whether ``initial`` has a theta for every predictor.
    selects : mapping of str to str
        What gradient flow on theta selects, by kind of problem; for ``linear`` the optimizer
        says it.
    scale : float or None
        Size alpha of the start, in units of the diagonal network u o u - v o v: what selects the
        least hypentropy selects that of alpha^2.  None where nothing starts at a scale.
    conserved : callable or None
        ``conserved(theta) -> array``: what gradient flow on theta never changes, whatever the
        objective; gradient descent changes it in proportion to its rate.
    cost : callable or None
        ``cost(w) -> float``, the representation cost R(w) = min ||theta||^2 over f(theta) = w:
        weight decay on theta is this regulariser of w.  None where no formula is known.
    """

    name: str
    formula: str
    forward: Callable[..., None] | None
    pull_back: Callable[..., None] | None
    layers: np.ndarray
    initial: Callable[[np.ndarray | None, np.random.Generator], np.ndarray]
    parameters: int
    scratch: int = 0
    weight_matrices: bool = False
    starts_anywhere: bool = True
    selects: Mapping[str, str] = field(default_factory=dict)
    scale: float | None = None
    conserved: Callable[[np.ndarray], np.ndarray] | None = None
    cost: Callable[[np.ndarray], float] | None = None

    @property
    def linear(self) -> bool:
        """Whether w is theta itself."""
        return self.forward is None


Builder = Callable[..., Parametrization]


def layer_table(*shapes: tuple[int, int]) -> np.ndarray:
    """Return offset, rows and columns of matrices that lie one after the other, int64 (L, 3)."""
    table, offset = [], 0
    for rows, columns in shapes:
        table.append((offset, rows, columns))
        offset += rows * columns
    return np.array(table, dtype=np.int64)


def require(name: str, valid: bool, message: str) -> None:
    """Raise a UserError about parametrization ``name`` unless ``valid``."""
    if not valid:
        raise UserError(f"parametrization {name}: {message}")


def require_scale(name: str, scale: float) -> None:
    """Raise a UserError unless the scale is a positive finite number."""
    require(name, 0.0 < scale < math.inf, f"scale={scale:g} must be positive and finite")
