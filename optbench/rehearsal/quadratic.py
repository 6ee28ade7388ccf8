"""The small problem on which optimizers are checked: 1/(2n) ||X theta - y||^2 with 6 parameters.

Its data are formulas without structure, so that no two coordinates are alike.  It exists twice:
as NumPy functions that hand a gradient to a kernel directly, in any unit and with coordinates
exchanged or flipped, and as an instance for the engine.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from optbench.contract import Hyper, Optimizer, Sizes
from optbench.instance import Instance
from optbench.losses import squared_error

ROWS, SIZE = 8, 6
# Two weight matrices in theta: what an optimizer that asks for layers sees.
LAYERS = np.array([(0, 2, 2), (4, 2, 1)], dtype=np.int64)
SIZES = Sizes(SIZE, ROWS, LAYERS)
TUNED = 0.05
BOX = 8.0


def _waves(rows: int, columns: int, shift: float) -> np.ndarray:
    """Return a full-rank matrix of numbers between -1 and 1, (rows, columns)."""
    i, j = np.arange(1.0, rows + 1.0)[:, None], np.arange(1.0, columns + 1.0)
    return np.asarray(np.sin(1.7 * i * j + 0.9 * i * i + 2.3 * j + shift))


FEATURES = _waves(ROWS, SIZE, 0.0)
TARGETS = _waves(1, ROWS, 1.0)[0] + 1.5
HESSIAN = FEATURES.T @ FEATURES / ROWS
MINIMIZER = np.linalg.solve(HESSIAN, FEATURES.T @ TARGETS / ROWS)
START = _waves(1, SIZE, 0.5)[0]
COST = _waves(1, SIZE, 2.5)[0] + 1.5  # of a linear program with these rows


def _loss(theta: np.ndarray) -> float:
    residual = FEATURES @ theta - TARGETS
    return float(residual @ residual) / (2 * ROWS)


@dataclass(frozen=True)
class Quadratic:
    """The problem in another unit and in other coordinates.

    Attributes
    ----------
    power : float
        Loss and gradient are 2**power times larger: exactly, if it is whole.
    turn : ndarray (6, 6)
        theta = turn @ (parameters of the plain problem): a permutation or flipped signs.
    nudge : float
        How much larger the start is, relatively.
    """

    power: float = 0.0
    turn: np.ndarray = field(default_factory=lambda: np.eye(SIZE))
    nudge: float = 0.0

    def start(self, optimizer: Optimizer) -> np.ndarray:
        """Return where a run starts, (6,): positive when the optimizer asks for it."""
        start = np.abs(START) if optimizer.start == "positive" else START
        return np.asarray(self.turn @ ((1.0 + self.nudge) * start))

    @property
    def features(self) -> np.ndarray:
        """The data matrix in the coordinates of theta."""
        return np.ascontiguousarray(FEATURES @ self.turn.T)

    @property
    def cost(self) -> np.ndarray:
        """The cost of a linear program in these coordinates."""
        return np.asarray(self.turn @ COST)

    def gradient(self, theta: np.ndarray) -> np.ndarray:
        """Return the gradient: the plain one, exactly scaled and turned."""
        plain = self.turn.T @ theta
        turned = self.turn @ (FEATURES.T @ (FEATURES @ plain - TARGETS) / ROWS)
        return np.asarray(turned * 2.0**self.power)

    def sample(self, theta: np.ndarray, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Return a row of the data and its gradient, rows one after the other."""
        row = (step - 1) % ROWS
        features = self.turn @ FEATURES[row]
        residual = FEATURES[row] @ (self.turn.T @ theta) - TARGETS[row]
        return features, np.asarray(features * residual * 2.0**self.power)

    def slope(self, theta: np.ndarray, step: int) -> float:
        """Return the derivative of that row's loss by its prediction."""
        row = (step - 1) % ROWS
        return float((FEATURES[row] @ (self.turn.T @ theta) - TARGETS[row]) * 2.0**self.power)

    def product(self, direction: np.ndarray) -> np.ndarray:
        """Return the Hessian times a direction."""
        turned = self.turn @ (HESSIAN @ (self.turn.T @ direction))
        return np.asarray(turned * 2.0**self.power)

    def loss(self, theta: np.ndarray) -> float:
        """Return the loss."""
        return float(_loss(self.turn.T @ theta) * 2.0**self.power)

    @property
    def optimal_loss(self) -> float:
        """The smallest loss."""
        return float(_loss(MINIMIZER) * 2.0**self.power)

    @property
    def inverse_fisher(self) -> np.ndarray:
        """Inverse Hessian in the coordinates of theta, of the plain unit."""
        return np.ascontiguousarray(self.turn @ np.linalg.inv(HESSIAN) @ self.turn.T)

    def hypers(self, optimizer: Optimizer) -> np.ndarray:
        """Return hyperparameters in the order of the signature, in this unit."""
        values = [_value(hyper) for hyper in optimizer.hypers.values()]
        degrees = np.array([hyper.degree for hyper in optimizer.hypers.values()])
        return np.asarray(values * 2.0 ** (self.power * degrees))


class NotANumber(Quadratic):
    """The problem where every gradient is not a number."""

    def gradient(self, theta: np.ndarray) -> np.ndarray:
        """Return NaN."""
        return np.full(SIZE, np.nan)

    def sample(self, theta: np.ndarray, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Return a row of the data and NaN."""
        return super().sample(theta, step)[0], np.full(SIZE, np.nan)

    def slope(self, theta: np.ndarray, step: int) -> float:
        """Return NaN."""
        return float("nan")


class Flat(Quadratic):
    """The problem where every gradient is zero."""

    def gradient(self, theta: np.ndarray) -> np.ndarray:
        """Return zeros."""
        return np.zeros(SIZE)

    def sample(self, theta: np.ndarray, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Return a row of the data and zeros."""
        return super().sample(theta, step)[0], np.zeros(SIZE)

    def slope(self, theta: np.ndarray, step: int) -> float:
        """Return zero."""
        return 0.0


def no_penalty(v: np.ndarray, step_size: float) -> None:
    """The prox of zero."""


def clip(v: np.ndarray, step_size: float) -> None:
    """The projection onto a box that holds the minimizer."""
    for i in range(v.size):
        v[i] = min(max(v[i], -BOX), BOX)


def _value(hyper: Hyper) -> float:
    """Return the default, or a small rate inside the declared range."""
    if hyper.default is not None:
        return hyper.default
    low = -np.inf if hyper.low is None else hyper.low
    high = np.inf if hyper.high is None else hyper.high
    return float(np.clip(TUNED, low, high))


def instance(optimizer: Optimizer) -> Instance:
    """Return the problem as the engine reads it, with a start for this optimizer."""
    return Instance(
        problem="check",
        name="quadratic",
        features=FEATURES,
        targets=TARGETS,
        kind="regression",
        row=squared_error,
        prox=clip if "bounded_set" in optimizer.needs else no_penalty,
        scale=1.0 / ROWS,
        optimal_value=lambda: _loss(MINIMIZER),
        inverse_fisher=lambda: np.linalg.inv(HESSIAN),
        start=Quadratic().start(optimizer),
        cost=COST,
    )
