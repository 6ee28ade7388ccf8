"""``optbench.compare``: the main job, as a function."""

from __future__ import annotations

import contextlib
import itertools
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

from optbench.analysis import rows
from optbench.analysis.selection import separations
from optbench.analysis.statistics import finite
from optbench.engine import cache
from optbench.engine.bind_instance import objective_kind
from optbench.engine.ensemble import bind
from optbench.engine.stop import StopSignal
from optbench.environment import describe
from optbench.errors import UserError
from optbench.executors.cells import Report, run_cells
from optbench.executors.compile_ahead import compile_ahead
from optbench.executors.local import default_threads
from optbench.instance import Instance
from optbench.registry import Registry, load_registry
from optbench.result import Comparison, Trace
from optbench.store.results import Finished, cell_key, store_cell, stored_cell
from optbench.study import Cell, build_all, make_cells, parse_optimizer
from optbench.timing import nanoseconds_per_step
from optbench.tune import Search, Tuner

DEFAULT_HORIZON = 100_000
ALL = "all"
PERTURBATION = 1e-3  # standard deviation of the initial noise of seeds 1, 2, ... on real data


@dataclass(frozen=True)
class Settings:
    """What all cells of a comparison share."""

    horizon: int
    seeds: int
    rates: list[float] | None
    stop: StopSignal


@dataclass(frozen=True)
class Outcome:
    """What became of one cell: its search, its rows from the store, or why there is neither."""

    cell: Cell
    search: Search | None
    failure: str | None = None
    finished: Finished | None = None


def compare(
    problems: Sequence[str] = (),
    optimizers: Sequence[str] = (),
    *,
    parametrizations: Sequence[str] = (),
    horizon: int | None = None,
    learning_rates: str | Sequence[float] = "auto",
    seeds: int = 1,
    threads: int | None = None,
    plugins: Sequence[str] = (),
    timeout: float | None = None,
    fresh: bool = False,
    progress: Report | None = None,
) -> Comparison:
    """Run optimizers on problems; find which solution each selects and how fast.

    Parameters
    ----------
    problems : sequence of str
        ``NAME`` or ``NAME:key=value,...``; default: those that declare default instances.
    optimizers : sequence of str
        ``NAME``, ``NAME[hyper=value,...]`` or ``all``; default: those that are not declared with
        ``default=False``.
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
    fresh : bool
        Run every cell again, also those that the store has from an earlier comparison.
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
    settings = _settings(horizon, learning_rates, seeds, threads, timeout)
    threads = threads or default_threads()
    registry = load_registry(tuple(_several(plugins)))
    chosen = _chosen_optimizers(registry, _several(optimizers))
    choices = [parse_optimizer(registry, text) for text in chosen]
    report = progress or (lambda done, total, label: None)
    report(0, 0, "references")
    texts = _several(problems) or registry.default_problems
    instances = build_all(registry, texts, seeds)
    asked = _several(parametrizations)
    cells = [cell for built in instances for cell in make_cells(built, choices, asked)]
    keys = [cell_key(cell, settings.horizon, seeds, settings.rates) for cell in cells]
    finished = {} if fresh else _read_back(cells, keys)
    busy = {k: cell for k, cell in enumerate(cells) if cell.skip is None and k not in finished}
    ahead = _compile_ahead(list(busy.values()), threads, _several(plugins))
    with _quiet_numba(), ahead as finish_compiling:
        facts = _solve_references(instances)
        referenced = time.perf_counter()
        report(0, len(cells), "compiling")
        finish_compiling()
        failures = _compile(cells, busy, threads, report)
    compiled = time.perf_counter()
    notes = registry.notes
    notes += [f"no reference: {why}" for built in instances for why in built[0].unsolved.values()]
    if timeout is not None:
        settings.stop.set_after(timeout)
    running = {k: cell for k, cell in busy.items() if k not in failures}
    searches = _run(running, settings, threads, report)
    outcomes = [
        Outcome(cell, searches.get(k), failures.get(k), finished.get(k))
        for k, cell in enumerate(cells)
    ]
    settings.stop.cancel()
    ran = time.perf_counter()
    report(len(cells), len(cells), "analysis")
    result = _tables(outcomes, keys, settings, facts, notes)
    moments = [began, referenced, compiled, ran, time.perf_counter()]
    result.environment.update(
        describe(threads),
        seconds=_seconds(moments),
        compiled=len(cache.compiled),
        cells_from_store=len(finished),
    )
    return result


def _seconds(moments: Sequence[float]) -> dict[str, float]:
    """Return how long each stage of a comparison took, and all of them."""
    took = [end - begin for begin, end in itertools.pairwise(moments)]
    return {"references": took[0], "compile": took[1], "runs": took[2], "total": sum(took)}


def _chosen_optimizers(registry: Registry, names: Sequence[str]) -> list[str]:
    """Return the optimizers that were named, with every one in place of ``all``."""
    if not names:
        return registry.default_optimizers
    chosen: list[str] = []
    for name in names:
        chosen += sorted(registry.optimizers) if name == ALL else [name]
    return list(dict.fromkeys(chosen))


def _several(names: str | Sequence[str]) -> Sequence[str]:
    """Take one name for a list of one: ``compare("linear_regression")``."""
    return [names] if isinstance(names, str) else names


def _settings(
    horizon: int | None,
    learning_rates: str | Sequence[float],
    seeds: int,
    threads: int | None,
    timeout: float | None,
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
    return Settings(horizon, seeds, rates, StopSignal())


@contextlib.contextmanager
def _quiet_numba() -> Iterator[None]:
    """Keep performance hints for kernel authors out of a user's terminal."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _solve_references(instances: Sequence[tuple[Instance, ...]]) -> list[dict[str, Any]]:
    """Solve (or read back) the references of every instance; describe the first of each seed."""
    from threadpoolctl import threadpool_limits

    described = []
    with threadpool_limits(limits=1):
        for built in instances:
            for instance in built:
                _ = instance.solved, instance.norm_optima, instance.optimum
            described.append(_describe(built[0]))
    return described


def _describe(instance: Instance) -> dict[str, Any]:
    facts = {k: v for k, v in instance.facts.items() if isinstance(v, str | bool | int | float)}
    return {
        "problem": instance.problem,
        "instance": instance.name,
        **facts,
        "infimum": finite(instance.optimum),
        "references": [
            {
                "name": name,
                "value": finite(reference.value),
                "bound": finite(reference.bound),
                "gap": finite(reference.gap),
                "certified": reference.certified,
                "unique": reference.unique,
            }
            for name, reference in instance.solved.items()
        ],
        "separation": separations(instance, instance.solved),
    }


def _read_back(cells: Sequence[Cell], keys: Sequence[str]) -> dict[int, Finished]:
    """Return the cells that the store has, by index."""
    found = {}
    for index, (cell, key) in enumerate(zip(cells, keys, strict=True)):
        if cell.skip is None and (stored := stored_cell(key)) is not None:
            found[index] = stored
    return found


def _compile_ahead(
    cells: Sequence[Cell], threads: int, plugins: Sequence[str]
) -> contextlib.AbstractContextManager[Callable[[], None]]:
    """Begin to compile what the cells need, on two cores if there are."""
    kinds = {objective_kind(cell.instance) for cell in cells} if threads > 1 else set()
    optimizers = {cell.choice.optimizer.name: cell.choice.optimizer for cell in cells}
    shipped = sorted(kinds - {"own"})
    return compile_ahead(shipped, list(optimizers.values()), plugins)


def _compile(
    cells: Sequence[Cell], busy: Mapping[int, Cell], threads: int, report: Report
) -> dict[int, str]:
    """Compile what every busy cell needs, before anything is timed; failures by cell index."""
    failures = {}
    for index, cell in enumerate(cells):
        if index in busy:
            try:
                bind(cell.instance, cell.parametrization, cell.choice.optimizer, threads)
            except UserError as error:
                failures[index] = str(error)
        report(index + 1, len(cells), "compiling")
    return failures


def _run(
    cells: Mapping[int, Cell], settings: Settings, threads: int, report: Report
) -> dict[int, Search]:
    """Return the finished searches, by index."""
    stop = settings.stop
    tuners = [
        Tuner(cell, settings.seeds, settings.horizon, settings.rates, stop, PERTURBATION)
        for cell in cells.values()
    ]
    return dict(zip(cells, run_cells(tuners, threads, stop, report), strict=True))


def _tables(
    outcomes: Sequence[Outcome],
    keys: Sequence[str],
    settings: Settings,
    facts: list[dict[str, Any]],
    notes: list[str],
) -> Comparison:
    bias: list[dict[str, Any]] = []
    convergence: list[dict[str, Any]] = []
    traces: list[Trace] = []
    horizon, seeds = settings.horizon, settings.seeds
    for outcome, key in zip(outcomes, keys, strict=True):
        cell, search = outcome.cell, outcome.search
        if outcome.finished is not None:
            first, second, trace = outcome.finished
            traces.append(trace)
        elif search is None:
            first = rows.empty_bias(cell, horizon, seeds)
            second = rows.empty_convergence(cell, horizon, seeds)
            if outcome.failure is not None:
                for row in (first, second):
                    row["status"] = "failed"
                    row["reason"] = outcome.failure
        else:
            best = search.rates[search.best]
            speed = nanoseconds_per_step(cell, best) if search.complete else math.nan
            first = rows.bias_row(cell, search, horizon, seeds)
            second = rows.convergence_row(cell, search, horizon, seeds, speed)
            traces.append(rows.trace_of(cell, search))
            if search.complete:
                store_cell(key, Finished(first, second, traces[-1]))
            else:
                _cut_short(first, second, settings.stop.reason)
        bias.append(first)
        convergence.append(second)
    _relative_costs(convergence)
    if settings.stop.is_set():
        reason = settings.stop.reason
        notes.append(f"{reason}: rows with status {reason} are not complete")
    return Comparison(bias, convergence, facts, traces, {}, notes)


def _cut_short(bias: dict[str, Any], convergence: dict[str, Any], status: str) -> None:
    """Say of rows whose search or runs did not end that they are not complete."""
    for row in (bias, convergence):
        if row["status"] != status:
            row["status"], row["reason"] = status, f"{status} before its runs had ended"


def _relative_costs(convergence: list[dict[str, Any]]) -> None:
    """Divide each row's time per step by gradient descent's on the same data."""
    base = {
        (row["problem"], row["instance"], row["parametrization"]): row["ns_per_step"]
        for row in convergence
        if row["optimizer"].partition("[")[0] == "gradient_descent"
    }
    for row in convergence:
        own = base.get((row["problem"], row["instance"], row["parametrization"]))
        if own and row["ns_per_step"]:
            row["relative_cost"] = row["ns_per_step"] / own


__all__ = ["Comparison", "compare"]
