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
from optbench.projections import onto_box
from optbench.random import seeded

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
    horizon : int
        How many steps it takes in all.
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
        horizon: int = 1000,
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
        rows = size if "features" in self.optimizer.needs else rows
        sizes = Sizes(size, rows, self.layers)
        self.slots = {
            name: np.full(slot.extent(sizes), slot.initial)
            for name, slot in self.optimizer.slots.items()
        }
        self.probe, self.output = self.theta.copy(), self.theta.copy()
        self.probe_grad, self.probe_loss = np.zeros(size), 0.0
        self.hessian_vector, self.rng = np.zeros(size), seeded(0)
        self.steps, self.horizon = 0, horizon
        self.power = 0

    def step(
        self,
        gradient: np.ndarray,
        loss: float = 1.0,
        row: np.ndarray | None = None,
        elsewhere: Callable[[np.ndarray], tuple[np.ndarray, float]] | None = None,
    ) -> np.ndarray:
        """Take one step from a gradient and loss in the true unit; return theta.

        The drawn row is parallel to its gradient, so by default it is the gradient; ``elsewhere``
        gives gradient and loss at a probe, by default those of a round quadratic.
        """
        self.steps += 1
        oracle = {
            "theta": self.theta,
            "grad": np.ldexp(gradient, self.power),
            "natural_grad": self.inverse_fisher @ np.ldexp(gradient, self.power),
            "sample_grad": np.ldexp(gradient, self.power),
            "sample_row": gradient if row is None else row,
            "sample_index": 0,
            "sample_slope": float(np.ldexp(1.0, self.power)),  # times the row it is the gradient
            "rng": self.rng,
            "step": self.steps,
            "loss": float(np.ldexp(loss, self.power)),
            "optimal_loss": 0.0,
            "horizon": self.horizon,
            "layers": self.layers,
            "features": self.inverse_fisher,  # as good as any other matrix
            "targets": np.ones(self.theta.size),
            "cost": np.ones(self.theta.size),
            "probe": self.probe,
            "output": self.output,
            "hessian_vector": self.hessian_vector,
            "smooth_grad": np.ldexp(gradient, self.power),
            "prox": lambda v, step_size: None,
            "bounded_set": onto_box(-8.0, 8.0),
        }
        given = oracle | self.slots | self.hypers
        found = elsewhere or self._round(gradient, loss)
        if self.optimizer.probe is not None:
            self._probe(given, found)
        given |= {"probe_grad": self.probe_grad, "probe_loss": self.probe_loss}
        given["probe_sample_grad"] = np.ldexp(found(self.probe)[0], self.power)
        self.optimizer(*(given[name] for name in self.optimizer.arguments))
        return self.theta.copy()

    def _round(
        self, gradient: np.ndarray, loss: float
    ) -> Callable[[np.ndarray], tuple[np.ndarray, float]]:
        """The quadratic with this gradient and loss at theta, as curved as it is steep."""
        theta, curvature = self.theta.copy(), float(np.max(np.abs(gradient)))

        def elsewhere(point: np.ndarray) -> tuple[np.ndarray, float]:
            moved = point - theta
            rise = gradient @ moved + 0.5 * curvature * (moved @ moved)
            return gradient + curvature * moved, loss + float(rise)

        return elsewhere

    def _probe(self, given, elsewhere) -> None:  # type: ignore[no-untyped-def]
        names, trial = self.optimizer.probe_arguments, 0
        while trial == 0 or "trial" in names:
            trial += 1
            given |= {"probe_grad": self.probe_grad, "probe_loss": self.probe_loss, "trial": trial}
            if not self.optimizer.probe(*(given[name] for name in names)) and "trial" in names:
                return
            gradient, loss = elsewhere(self.probe)
            # of the round quadratic beside it
            self.hessian_vector[:] = np.max(np.abs(given["grad"])) * self.probe
            self.probe_grad = np.ldexp(gradient, self.power)
            self.probe_loss = float(np.ldexp(loss, self.power))

    def change_unit(self, power: int) -> None:
        """Measure the objective in units 2**power times smaller from now on, as the engine does."""
        for name, slot in self.optimizer.slots.items():
            self.slots[name] *= 2.0 ** (power * slot.degree)
        self.probe_grad, self.probe_loss = (
            self.probe_grad * 2.0**power,
            self.probe_loss * 2.0**power,
        )
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

        def elsewhere(point: np.ndarray) -> tuple[np.ndarray, float]:
            return gradient(point), loss(point)

        return np.array(
            [
                self.step(gradient(self.theta), loss(self.theta), None, elsewhere)
                for _ in range(steps)
            ]
        )


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
