"""Load the plug-in files by path and step their kernels as plain Python on NumPy arrays."""

from __future__ import annotations

import functools
import importlib.util
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import small_problems as problems

from optbench.contract import Optimizer, Sizes

FOLDER = Path(__file__).resolve().parents[2] / "optimizers"


def load_file(path: Path) -> Optimizer:
    """Execute one plug-in file and return the optimizer that it declares."""
    name = f"plain_optimizers_{path.stem}"
    specification = importlib.util.spec_from_file_location(name, path)
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module
    specification.loader.exec_module(module)
    (found,) = [value for value in vars(module).values() if isinstance(value, Optimizer)]
    return found


@functools.cache
def all_optimizers() -> Mapping[str, Optimizer]:
    """Return every optimizer of the folder by name."""
    loaded = [load_file(path) for path in sorted(FOLDER.glob("*.py"))]
    return {optimizer.name: optimizer for optimizer in loaded}


class PlainRun:
    """One run of one kernel without the engine.

    Parameters
    ----------
    optimizer : str
        Name of the plug-in.
    theta : ndarray (p,)
        Where it starts; copied.
    layers : ndarray, int64 (L, 3), optional
        By default one row, as the linear parametrization has.
    inverse_fisher : ndarray (p, p), optional
        By default the identity.
    rows : int
        How many the data has.
    hypers : float
        Hyperparameters by name; a tuned one without a value is 0.1.

    """

    def __init__(
        self,
        optimizer: str,
        theta: np.ndarray,
        layers: np.ndarray | None = None,
        inverse_fisher: np.ndarray | None = None,
        rows: int = 1,
        /,
        **hypers: float,
    ) -> None:
        self.optimizer = all_optimizers()[optimizer]
        self.theta = np.array(theta, dtype=float)
        size = self.theta.size
        self.layers = np.array([[0, 1, size]]) if layers is None else layers
        self.inverse_fisher = np.eye(size) if inverse_fisher is None else inverse_fisher
        assert set(hypers) <= set(self.optimizer.hypers)
        self.hypers = {
            name: hypers.get(name, 0.1 if hyper.default is None else hyper.default)
            for name, hyper in self.optimizer.hypers.items()
        }
        sizes = Sizes(size, rows, self.layers)
        self.slots = {
            name: np.full(slot.extent(sizes), slot.initial)
            for name, slot in self.optimizer.slots.items()
        }
        self.steps = 0
        self.power = 0

    def step(
        self, gradient: np.ndarray, loss: float = 1.0, row: np.ndarray | None = None
    ) -> np.ndarray:
        """Take one step from a gradient and loss in the true unit; return theta.

        The drawn row is parallel to its gradient, so by default it is the gradient.
        """
        self.steps += 1
        oracle = {
            "theta": self.theta,
            "grad": np.ldexp(gradient, self.power),
            "natural_grad": self.inverse_fisher @ np.ldexp(gradient, self.power),
            "sample_grad": np.ldexp(gradient, self.power),
            "sample_row": gradient if row is None else row,
            "step": self.steps,
            "loss": float(np.ldexp(loss, self.power)),
            "optimal_loss": 0.0,
            "layers": self.layers,
        }
        given = oracle | self.slots | self.hypers
        self.optimizer(*(given[name] for name in self.optimizer.arguments))
        return self.theta.copy()

    def change_unit(self, power: int) -> None:
        """Measure the objective in units 2**power times smaller from now on, as the engine does."""
        for name, slot in self.optimizer.slots.items():
            self.slots[name] *= 2.0 ** (power * slot.degree)
        for name, hyper in self.optimizer.hypers.items():
            if not hyper.integer:
                self.hypers[name] *= 2.0 ** (power * hyper.degree)
        self.power += power

    def follow(
        self,
        gradient: Callable[[np.ndarray], np.ndarray],
        steps: int,
        loss: Callable[[np.ndarray], float] = lambda theta: 1.0,
    ) -> np.ndarray:
        """Take ``steps`` steps down an objective; return theta after each, (steps, p)."""
        return np.array([self.step(gradient(self.theta), loss(self.theta)) for _ in range(steps)])


CASES = {
    "quadratic": (problems.quadratic_gradient, problems.START, None),
    "logistic": (problems.logistic_gradient, problems.START, None),
    "least_squares": (problems.least_squares_gradient, problems.START, None),
    "network": (problems.network_gradient, problems.NETWORK_START, problems.LAYERS),
}


def follow_case(name: str, problem: str, steps: int, hypers: Mapping[str, float]) -> np.ndarray:
    """Run an optimizer on an objective of ``small_problems``; return theta after each step."""
    gradient, start, layers = CASES[problem]
    run = PlainRun(name, start, layers, **hypers)
    if problem == "least_squares":  # the one whose least value, 0, polyak_step is told
        return run.follow(gradient, steps, problems.least_squares_loss)
    return run.follow(gradient, steps)
