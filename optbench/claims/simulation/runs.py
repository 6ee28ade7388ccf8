"""Runs of the engine from any theta, and the slopes that claims read from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from optbench.errors import UserError
from optbench.instance import Instance
from optbench.parametrizations import Parametrization, parametrization

if TYPE_CHECKING:
    from optbench.contract import Optimizer
    from optbench.engine.chunk import Chunk


def start(
    instance: Instance,
    parameters: str | Parametrization,
    optimizer: str | Optimizer,
    runs: Sequence[Mapping[str, float]] = ({},),
    theta: np.ndarray | None = None,
) -> Chunk:
    """Prepare runs at step 0; ``chunk.advance(horizon)`` moves them.

    Parameters
    ----------
    instance : Instance
    parameters : str or Parametrization
        ``linear``, ``diagonal:depth=3,scale=0.1``, ...
    optimizer : str or Optimizer
        A name of ``optbench list optimizers``.
    runs : sequence of mapping
        Hyperparameters of each run; those not given take their defaults.
    theta : ndarray, float64 (p,) or (K, p), optional
        Where the runs start; by default where the parametrization does.

    Returns
    -------
    Chunk
        ``records`` hold steps, losses and predictors, ``runs`` the present theta and w.

    Raises
    ------
    UserError
        For a hyperparameter that is unknown or has neither a value nor a default.
    """
    from optbench.engine.chunk import Chunk
    from optbench.engine.ensemble import bind
    from optbench.registry import load_registry

    rule = load_registry().optimizer(optimizer) if isinstance(optimizer, str) else optimizer
    built = parameters
    if isinstance(built, str):
        built = parametrization(built, instance.dimension)
    if theta is None:
        theta = built.initial(instance.start, np.random.Generator(np.random.PCG64(0)))
    # the compiled loop reads rows that lie one after the other, which a broadcast array need not
    together = np.array(np.broadcast_to(theta, (len(runs), built.parameters)), float, order="C")
    return Chunk(
        bind(instance, built, rule),
        built,
        together,
        np.array([_values(rule, given) for given in runs], dtype=float).reshape(len(runs), -1),
        range(len(runs)),
        instance.dimension,
    )


def _values(rule: Optimizer, given: Mapping[str, float]) -> list[float]:
    """Return hyperparameters in the order of the signature."""
    if unknown := sorted(set(given) - set(rule.hypers)):
        raise UserError(f"optimizer {rule.name}: unknown hyperparameters {', '.join(unknown)}")
    values = {name: hyper.default for name, hyper in rule.hypers.items()} | dict(given)
    if open_ := [name for name, value in values.items() if value is None]:
        raise UserError(f"optimizer {rule.name}: give {', '.join(open_)} a value")
    return [float(value) for value in values.values() if value is not None]


def decay_rate(times: np.ndarray, logs: np.ndarray) -> float:
    """Rate at which a quantity falls exponentially, from its logarithms at some times.

    Nan with fewer than three records: a claim about a tail that was never seen fails.
    """
    return float(-np.polyfit(times, logs, 1)[0]) if times.size > 2 else np.nan


def log_slope(x: np.ndarray, y: np.ndarray) -> float:
    """Slope of the least-squares line through (log x, log y)."""
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])
