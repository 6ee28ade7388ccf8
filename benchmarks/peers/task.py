"""A task: the numbers of one job, as every contender gets them.

Only NumPy is needed here: the contenders may live in an interpreter without optbench.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np

# prepare(task, threads) compiles and returns fresh; fresh() resets the state, untimed, and
# returns run; run() takes all steps, timed, and returns theta (K, p).
Run = Callable[[], np.ndarray]
Fresh = Callable[[], Run]

SMALL_BYTES = 2**18

BETA1, BETA2, EPS = 0.9, 0.999, 1e-8
MOMENTUM, NEWTON_SCHULZ, MUON_STEPS = 0.95, (3.4445, -4.7750, 2.0315), 5


class Unsupported(Exception):
    """A contender cannot do a task; the message is the reason that the table shows."""


@dataclass(frozen=True)
class Task:
    """Minimise scale * sum_i l((X w(theta))_i, target_i) by ``steps`` steps from ``theta``.

    The softmax loss has a matrix W (k, d) in place of w, row by row in theta.

    Attributes
    ----------
    loss : {"logistic", "squared", "softmax"}
        l(z, t) = log(1 + exp(-t z)), (z - t)^2 / 2 or -log softmax(z)[t].
    optimizer : {"gradient_descent", "sign_descent", "adam", "exponentiated_gradient", "muon"}
        Sign descent and Muon take steps rate / sqrt(t), exponentiated gradient theta exp(-rate g);
        Muon has Nesterov's momentum and no more rows of a matrix than columns.
    parametrization : {"linear", "diagonal", "deep_linear"}
        w = theta, u^2 - v^2, or the product of the layers.
    layers : tuple of (int, int)
        Shapes of the parts of theta.
    separable : bool
        Whether the infimum of a logistic loss is at infinity.
    scale, steps : float, int
        Factor of the loss; number of steps.
    dense : ndarray, float64 (n, d)
        The data matrix, (0, 0) when it is sparse.
    values, columns, starts : ndarray
        The data matrix as CSR, empty when it is dense.
    targets : ndarray, float64 (n,)
        Labels +1/-1 (logistic), classes 0, 1, ... (softmax) or real numbers.
    theta : ndarray, float64 (K, p)
        Where each run starts.
    rates : ndarray, float64 (K,)
        Learning rate of each run.
    """

    loss: str
    optimizer: str
    parametrization: str
    layers: tuple[tuple[int, int], ...]
    separable: bool
    scale: float
    steps: int
    dense: np.ndarray
    values: np.ndarray
    columns: np.ndarray
    starts: np.ndarray
    targets: np.ndarray
    theta: np.ndarray
    rates: np.ndarray

    @property
    def sparse(self) -> bool:
        """Whether the data matrix is CSR."""
        return self.dense.size == 0

    @property
    def runs(self) -> int:
        """Number K of runs."""
        return int(self.theta.shape[0])

    @property
    def features(self) -> int:
        """Columns d of the data matrix."""
        wide = self.parametrization == "deep_linear" or self.loss == "softmax"
        return self.layers[0][1] if wide else self.layers[0][0]

    @property
    def outputs(self) -> int:
        """Predictions k of a row."""
        return self.layers[0][0] if self.loss == "softmax" else 1

    @property
    def one_hot(self) -> np.ndarray:
        """Classes as columns of zeros and a one, (k, n)."""
        return (np.arange(self.outputs)[:, None] == self.targets).astype(float)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the data matrix."""
        return self.targets.size, self.features

    @property
    def copies_transpose(self) -> bool:
        """Whether a hand gradient keeps scale * B^T beside B: faster where both fit in cache."""
        return self.sparse or self.dense.nbytes <= SMALL_BYTES

    def signed(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the matrix with label -1 times +1 folded in, and what is left of the targets.

        With B = -diag(targets) X the logistic gradient is scale * B^T sigmoid(B w): every hand
        gradient may use it.  Sparse data gives the values of B.
        """
        if self.loss == "squared":
            return (self.values if self.sparse else self.dense), self.targets
        if self.sparse:
            per_value = np.repeat(self.targets, np.diff(self.starts))
            return -per_value * self.values, np.zeros_like(self.targets)
        return -self.targets[:, None] * self.dense, np.zeros_like(self.targets)

    def batch(self) -> np.ndarray:
        """Return a copy of theta as hand loops hold it: (p,) for one run, else (p, K)."""
        return self.theta[0].copy() if self.runs == 1 else np.ascontiguousarray(self.theta.T)


def save_task(task: Task, path: Path) -> None:
    """Write a task as one .npz file."""
    given = {field.name: getattr(task, field.name) for field in fields(task)}
    arrays = {name: value for name, value in given.items() if isinstance(value, np.ndarray)}
    numbers = {name: value for name, value in asdict(task).items() if name not in arrays}
    arrays["numbers"] = np.array(json.dumps(numbers))
    np.savez(path, **arrays)


def load_task(path: Path) -> Task:
    """Read what :func:`save_task` wrote."""
    with np.load(path) as stored:
        arrays = {name: stored[name] for name in stored.files if name != "numbers"}
        numbers = json.loads(str(stored["numbers"]))
    numbers["layers"] = tuple(tuple(shape) for shape in numbers["layers"])
    return Task(**numbers, **arrays)
