"""What the arguments of an optimizer may be: oracle arguments, ``Hyper``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real

UNKNOWN = "unknown"  # what an optimizer selects where there is no theorem

# What a kernel may ask for, and what it is.  A run keeps some of it beside the optimizer's slots,
# in this order; how each is found stands in a file of ``engine/oracles``.
ORACLE_ARGUMENTS: Mapping[str, str] = {
    "theta": "the trained parameters, float64 (p,); written in place",
    "grad": "the gradient of the objective at theta, float64 (p,); read only",
    "step": "the number of this step, 1, 2, ...; int",
    "loss": "the objective at theta, in the unit of grad; float",
    "optimal_loss": "the certified optimal value of the objective, in the unit of grad; float",
    "natural_grad": "F^+ grad, F = J^T F_w J the Fisher matrix at theta, float64 (p,); read only",
    "sample_grad": "grad estimated from ``batch`` rows drawn at random, float64 (p,); read only",
    "sample_row": "the features of the last drawn row, float64 (d,); read only",
    "sample_index": "the number of the last drawn row, 0, 1, ...; int",
    "sample_slope": "the derivative of its loss by its prediction, in the unit of grad; float",
    "features": "the data matrix (n, d), for products: see optbench.linear_algebra; read only",
    "targets": "the targets of its rows, float64 (n,); read only",
    "cost": "the cost of a linear program, float64 (d,); read only",
    "horizon": "how many steps the run takes in all; int",
    "layers": "offset, rows and columns of each weight matrix in theta, int64 (L, 3)",
    "rng": "this run's random state for optbench.random, uint64 (2,)",
    "probe": "another point, float64 (p,): the probe kernel writes it, the main kernel reads it",
    "probe_grad": "the gradient of the objective at probe, float64 (p,); read only",
    "probe_loss": "the objective at probe, in the unit of grad; float",
    "probe_sample_grad": "the gradient of the drawn rows at probe, float64 (p,); read only",
    "hessian_vector": "the Hessian at theta times probe, float64 (p,); read only",
    "trial": "the number of this trial in its step, 1, 2, ...; int, in the probe kernel",
    "smooth_grad": "the gradient at theta without that of the penalty, float64 (p,); read only",
    "prox": "the prox of the instance's penalty, for apply_prox of optbench.proximal",
    "bounded_set": "the projection onto the set to which w is restricted, for apply_prox",
    "output": "what is measured in place of theta, float64 (p,); starts as theta, written in place",
}


@dataclass(frozen=True)
class Hyper:
    """A scalar hyperparameter of an optimizer.

    Parameters
    ----------
    default : float, optional
        Value when the user names none.  Without a default the host tunes it (``tune``).
    low, high : float, optional
        Inclusive range of valid values.
    tune : {"log"}, optional
        The host searches this hyperparameter on a log-spaced grid.
    degree : int
        Its unit as a power of the unit of the objective: -1 for a step size that multiplies a
        gradient, 1 for Adam's ``eps``, 0 for a pure number.
    integer : bool
        Only whole numbers are valid, and the kernel gets an int.
    """

    default: float | None = None
    low: float | None = None
    high: float | None = None
    tune: str | None = None
    degree: int = 0
    integer: bool = False

    def problem_with(self, value: float) -> str | None:
        """Say why ``value`` is not valid, or return None."""
        if not isinstance(value, Real):
            return "must be a number"
        if value != value or value in (float("inf"), float("-inf")):
            return "must be a finite number"
        if self.integer and value != int(value):
            return "must be a whole number"
        if self.low is not None and value < self.low:
            return f"must be at least {self.low:g}"
        if self.high is not None and value > self.high:
            return f"must be at most {self.high:g}"
        return None
