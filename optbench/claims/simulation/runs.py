"""Runs of the engine from any theta, and the slopes that claims read from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

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
    from optbench.registry import load_registry
    from optbench.runs import RunSpec, hyper_values, prepare_together

    rule = load_registry().optimizer(optimizer) if isinstance(optimizer, str) else optimizer
    built = parameters
    if isinstance(built, str):
        built = parametrization(built, instance.dimension)
    if theta is None:
        theta = built.initial(instance.start, np.random.Generator(np.random.PCG64(0)))
    starts = np.broadcast_to(theta, (len(runs), built.parameters))
    return prepare_together(
        [
            RunSpec(instance, built, rule, hyper_values(rule, given), seed=k, theta=starts[k])
            for k, given in enumerate(runs)
        ]
    )


def decay_rate(times: np.ndarray, logs: np.ndarray) -> float:
    """Rate at which a quantity falls exponentially, from its logarithms at some times.

    Nan with fewer than three records: a claim about a tail that was never seen fails.
    """
    return float(-np.polyfit(times, logs, 1)[0]) if times.size > 2 else np.nan


def margin_shares(rows: np.ndarray, w: np.ndarray, p: float) -> np.ndarray:
    """L_p margins of predictors w (R, d) on rows y_i x_i, as parts of the largest margin: (R,)."""
    from optbench.references import max_margin

    margins = (w @ rows.T).min(axis=1) / np.linalg.norm(w, ord=p, axis=1)
    return np.asarray(margins / max_margin(rows, p).value)


def class_margin(w: np.ndarray, features: np.ndarray, labels: np.ndarray, norm: str) -> float:
    """Return the least lead of a sample's class over another, per unit of a matrix norm of w."""
    from optbench.references import matrix_norm

    matrix = w.reshape(-1, features.shape[1])
    scores = features @ matrix.T
    own = np.take_along_axis(scores, labels[:, None], axis=1)
    leads = np.where(np.arange(len(matrix)) == labels[:, None], np.inf, own - scores)
    return float(leads.min() / matrix_norm(matrix, norm))


def log_slope(x: np.ndarray, y: np.ndarray) -> float:
    """Slope of the least-squares line through (log x, log y)."""
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])
