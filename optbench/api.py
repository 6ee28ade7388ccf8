"""``optbench.compare``: the main job, as a function."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

from optbench.analysis.along import ReferenceMeters
from optbench.analysis.comparison import tell
from optbench.analysis.rows import settled
from optbench.choices import check_ranges, choose_all, choose_one
from optbench.engine.compiler import cache
from optbench.environment import describe
from optbench.errors import UserError
from optbench.executors.local import default_threads
from optbench.instance import Instance
from optbench.parametrizations import written_out
from optbench.plan import PERTURBATION, Plan, Settings, make_plan, renewed
from optbench.progress import Report, progress_of
from optbench.provenance import call_text, papers_of
from optbench.registry import Registry, load_registry
from optbench.result import Comparison
from optbench.runs import DEFAULT_HORIZON, RunResult, RunSpec, hyper_values, run_all
from optbench.study import build_all, is_arrays, make_cells
from optbench.sweeps import MOST, check_count

if TYPE_CHECKING:
    from optbench.choices import Choice
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
    until_verdict: bool = False,
    progress: Report | bool = False,
) -> Comparison:
    """Run optimizers on problems; find which solution each selects and how fast.

    Parameters
    ----------
    problems : str, Instance, (X, y), or a sequence of them
        ``NAME`` or ``NAME:key=value,...``, with one or several values as for optimizers; what a
        problem builds; a matrix (n, d), dense or sparse, with n targets: two different ones are
        labels of classes, others numbers to be predicted.  As with files, columns are divided by
        their standard deviation; those of a dense matrix, and numbers to be predicted, have their
        means subtracted.  An instance is
        taken as it is.  Default: those that declare default instances.
    optimizers : str, Optimizer, or a sequence of them
        ``NAME``, ``NAME[hyper=value,...]`` or ``all``; a function under ``@optimizer``, wherever
        it is defined, whose name may then stand in the others: ``[mine, "mine[beta=0.5]"]``.
        Several values make a sweep, ``"heavy_ball[momentum=0,0.5]"`` or LOW:HIGH:COUNT, of all
        combinations: each has a row as if it had been written out.
        Default: those that are not declared with ``default=False``.
    parametrizations : sequence of str
        ``NAME`` or ``NAME:key=value,...``, with one or several values; default: what each problem
        prescribes.
    horizon : int, optional
        Number of steps, default 100,000.
    learning_rates : "auto" or sequence of float
        All of them go to the horizon; ``"auto"``: a search, two rates a decade over six decades
        around the natural rate, whose winner is the best at the horizon.
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
    until_verdict : bool
        Let the winner's runs go on beyond the horizon until they have settled, up to 100 times as
        far; the convergence table keeps the horizon.
    progress : bool or callable
        True: a bar, in terminals and notebooks; a callable: ``progress(done, total, label)``,
        while cells run from another thread.

    Returns
    -------
    Comparison
        With ``.summary()``, ``.table(kind)``, ``.plot(kind)``, ``.to_dataframe()`` and
        ``.save(path)``.

    Raises
    ------
    UserError
        For wrong input: what is wrong, where, what would be right.
    """
    call = call_text("optbench.compare", locals(), compare)
    settings = _settings(horizon, learning_rates, seeds, threads, timeout, rerun, fresh)
    settings = replace(settings, until_verdict=until_verdict)
    registry = load_registry(tuple(map(str, _several(plugins))))
    choices = choose_all(registry, _several(optimizers))
    named = [each for text in _several(parametrizations) for each in written_out(text)]
    asked = _several(problems), named
    with progress_of(progress) as report:
        result = _compared(settings, registry, choices, *asked, report)
    result.environment["command"] = call
    return result


def _compared(
    settings: Settings,
    registry: Registry,
    choices: Sequence[Choice],
    problems: Sequence[Any],
    parametrizations: Sequence[str],
    report: Report,
) -> Comparison:
    """Plan, run, and tell what was found, with what it took."""
    began = time.perf_counter()
    with renewed(settings):
        report(0, 0, "problems")
        instances = build_all(registry, problems, settings.seeds)
        plan = _planned(settings, registry, choices, instances, parametrizations)
        plan.prepare(report)
        plan.run(report, settled if settings.until_verdict else None, ReferenceMeters())
        report(len(plan.entries), len(plan.entries), "analysis")
        told = tell(plan)
    environment = {
        **describe(settings.threads),
        "seconds": {**plan.seconds, "total": time.perf_counter() - began},
        "compiled": len(cache.compiled),
        "cells_from_store": sum(entry.finished is not None for entry in plan.entries),
        "papers": papers_of(registry, [entry.cell for entry in plan.entries]),
    }
    return Comparison(**told._asdict(), environment=environment, notes=plan.notes)


def _planned(
    settings: Settings,
    registry: Registry,
    choices: Sequence[Choice],
    instances: Sequence[tuple[Instance, ...]],
    parametrizations: Sequence[str],
) -> Plan:
    """Return every cell that is asked for: as used and, unless rates are given, as theorems ask."""
    counts = len(instances), max(len(parametrizations), 1), len(choices)
    names = "{:,} instances x {:,} parametrizations x {:,} optimizers".format(*counts)
    check_count(names, math.prod(counts))
    both = settings.rates is None
    cells = [
        cell for built in instances for cell in make_cells(built, choices, parametrizations, both)
    ]
    own = [choice.optimizer for choice in choices if choice.optimizer.baseline]
    baseline = own[0] if own else registry.baseline
    notes = [*registry.notes, *_without_rates(settings, choices)]
    return make_plan(settings, list(instances), cells, notes, baseline)


def run(
    problem: str | Instance | Arrays,
    optimizer: str | Optimizer,
    *,
    parametrization: str | None = None,
    horizon: int = DEFAULT_HORIZON,
    seed: int = 0,
    steps: Sequence[int] | None = None,
    plugins: Sequence[str] = (),
    **hyperparameters: float,
) -> RunResult:
    """Run one optimizer on one instance; return the whole trajectory.

    Parameters
    ----------
    problem : str, Instance or (X, y)
        As in :func:`compare`; a name stands for its first default instance.
    optimizer : str or Optimizer
        ``NAME``, ``NAME[hyper=value,...]``, or a function under ``@optimizer``.
    parametrization : str, optional
        ``NAME`` or ``NAME:key=value,...``; default: what the problem prescribes.
    horizon : int
        Number of steps.
    seed : int
        Of its random numbers, and of noise of 1e-3 on its start where it is not 0.
    steps : sequence of int, optional
        Which steps are recorded; ten a decade by default.
    plugins : sequence of str
        Plug-in files or directories.
    **hyperparameters : float
        Such as ``learning_rate``, which has no default.

    Returns
    -------
    RunResult
        With ``steps``, ``loss``, ``snapshots``, ``w``, ``status`` and ``continued(horizon)``.

    Raises
    ------
    UserError
        For wrong input: what is wrong, where, what would be right.
    """
    settings = _settings(horizon, "auto", 1, 1, None, False, False)
    registry = load_registry(tuple(map(str, _several(plugins))))
    choice = choose_one(registry, optimizer)
    instances = build_all(registry, [problem], 1)[0]
    asked = () if parametrization is None else (parametrization,)
    (cell,) = make_cells(instances, [choice], asked)
    if cell.skip is not None:
        raise UserError(f"optimizer {choice.label} on {cell.instance.problem}: {cell.skip}")
    values = hyper_values(choice.optimizer, _both(choice.fixed, hyperparameters))
    check_ranges(choice.optimizer, hyperparameters)
    if not isinstance(seed, Integral) or seed < 0:
        raise UserError(f"seed={seed!r} must be a whole number, 0 or more")
    for step in () if steps is None else steps:
        if not isinstance(step, Integral) or not 0 <= step <= horizon:
            raise UserError(f"steps: {step!r} must be a whole number from 0 to the horizon")
    spec = RunSpec(
        cell.instance,
        cell.parametrization,
        choice.optimizer,
        values,
        settings.horizon,
        seed,
        0.0 if cell.instance.seeded else PERTURBATION,
        steps=None if steps is None else tuple(map(int, steps)),
    )
    return run_all([spec])[0]


def _both(fixed: Mapping[str, float], given: Mapping[str, float]) -> dict[str, float]:
    """Return hyperparameters of the name and of keywords; none may be given twice."""
    for name in fixed:
        if name in given:
            raise UserError(f"{name} is given twice: {fixed[name]:g} and {given[name]!r}")
    return {**fixed, **given}


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
        if len(rates) > MOST:
            raise UserError(f"learning_rates has {len(rates):,} rates: at most {MOST:,} run")
    return Settings(horizon, seeds, rates, threads or default_threads(), timeout, rerun, fresh)


def _without_rates(settings: Settings, choices: Sequence[Choice]) -> list[str]:
    """Say which optimizers do not run at the learning rates that were given."""
    untuned = [choice.label for choice in choices if choice.tuned is None]
    if settings.rates is None or not untuned:
        return []
    return [f"the learning rates that were given are not for {', '.join(untuned)}: none to tune"]


__all__ = ["Comparison", "compare", "run"]
