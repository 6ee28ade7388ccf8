"""``optbench.compare``: the main job, as a function."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

from optbench.analysis.comparison import tell
from optbench.engine import cache
from optbench.environment import describe
from optbench.errors import UserError
from optbench.executors.cells import Report
from optbench.executors.local import default_threads
from optbench.instance import Instance
from optbench.plan import Settings, make_plan, renewed
from optbench.registry import load_registry
from optbench.result import Comparison
from optbench.run import DEFAULT_HORIZON
from optbench.study import build_all, choose_all, is_arrays, make_cells

if TYPE_CHECKING:
    from optbench.contract import Optimizer
    from optbench.study import Arrays


def compare(
    problems: str | Instance | Arrays | Sequence[str | Instance | Arrays] = (),
    optimizers: str | Optimizer | Sequence[str | Optimizer] = (),
    *,
    parametrizations: Sequence[str] = (),
    horizon: int | None = None,
    learning_rates: str | Sequence[float] = "auto",
    seeds: int = 1,
    threads: int | None = None,
    plugins: Sequence[str] = (),
    timeout: float | None = None,
    rerun: bool = False,
    fresh: bool = False,
    progress: Report | None = None,
) -> Comparison:
    """Run optimizers on problems; find which solution each selects and how fast.

    Parameters
    ----------
    problems : str, Instance, (X, y), or a sequence of them
        ``NAME`` or ``NAME:key=value,...``; what a problem builds; a matrix (n, d), dense or
        sparse, with n targets: two different ones are labels of classes, others numbers to be
        predicted.  Default: those that declare default instances.
    optimizers : str, Optimizer, or a sequence of them
        ``NAME``, ``NAME[hyper=value,...]`` or ``all``; a function under ``@optimizer``, wherever
        it is defined.  Default: those that are not declared with ``default=False``.
    parametrizations : sequence of str
        ``NAME`` or ``NAME:key=value,...``; default: what each problem prescribes.
    horizon : int, optional
        Number of steps, default 100,000.
    learning_rates : "auto" or sequence of float
        All of them go to the horizon; ``"auto"``: a search, two rates a decade over six decades
        around the natural rate.
    seeds : int
        Seeds vary the instance of synthetic problems and the initialization on real data.
    threads : int, optional
        Worker threads; the results do not depend on it.
    plugins : sequence of str
        Plug-in files or directories.
    timeout : float, optional
        Seconds for all runs together; unfinished runs get the status ``timeout``.
    rerun : bool
        Run every cell again, also those that the store has from an earlier comparison.
    fresh : bool
        Renew all that was kept: machine code and references too.
    progress : callable, optional
        ``progress(done, total, label)``, while cells run from another thread.

    Returns
    -------
    Comparison
        With ``.bias``, ``.convergence`` and ``.learning_rates`` (DataFrames) and ``.traces``.

    Raises
    ------
    UserError
        For wrong input: what is wrong, where, what would be right.
    """
    began = time.perf_counter()
    report = progress or (lambda done, total, label: None)
    settings = _settings(horizon, learning_rates, seeds, threads, timeout, rerun, fresh)
    registry = load_registry(tuple(map(str, _several(plugins))))
    choices = choose_all(registry, _several(optimizers))
    with renewed(settings):
        instances = build_all(registry, _several(problems), seeds)
        asked = _several(parametrizations)
        cells = [cell for built in instances for cell in make_cells(built, choices, asked)]
        plan = make_plan(settings, instances, cells, registry.notes)
        plan.prepare(report)
        plan.run(report)
        report(len(cells), len(cells), "analysis")
        result = tell(plan)
    result.environment.update(
        describe(settings.threads),
        seconds={**plan.seconds, "total": time.perf_counter() - began},
        compiled=len(cache.compiled),
        cells_from_store=sum(entry.finished is not None for entry in plan.entries),
    )
    return result


def _several(given: Any) -> Sequence[Any]:
    """Take one of them for a list of one: ``compare("linear_regression")``, ``compare((X, y))``."""
    one = not isinstance(given, Sequence) or isinstance(given, str)
    return [given] if one or is_arrays(given) else given


def _settings(
    horizon: int | None,
    learning_rates: str | Sequence[float],
    seeds: int,
    threads: int | None,
    timeout: float | None,
    rerun: bool,
    fresh: bool,
) -> Settings:
    horizon = DEFAULT_HORIZON if horizon is None else horizon
    for name, value in (("horizon", horizon), ("seeds", seeds), ("threads", threads)):
        if value is not None and not (isinstance(value, Integral) and value >= 1):
            raise UserError(f"{name}={value} must be an integer of at least 1")
    if timeout is not None and not timeout > 0:
        raise UserError(f"timeout={timeout} must be a positive number of seconds")
    rates: list[float] | None = None
    if isinstance(learning_rates, str):
        if learning_rates != "auto":
            raise UserError(
                f"learning_rates={learning_rates!r} must be 'auto' or a list of numbers"
            )
    else:
        given = [learning_rates] if isinstance(learning_rates, Real) else learning_rates
        rates = sorted(set(map(float, given)))
        if not rates or not all(math.isfinite(rate) and rate > 0 for rate in rates):
            raise UserError(f"learning_rates={learning_rates} must be positive finite numbers")
    return Settings(horizon, seeds, rates, threads or default_threads(), timeout, rerun, fresh)


__all__ = ["Comparison", "compare"]
