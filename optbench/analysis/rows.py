"""One row of each table from the runs of one cell."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np

from optbench.analysis.learning_rates import learning_rates
from optbench.analysis.measures import measure
from optbench.analysis.progress import (
    SUCCESS_TARGET,
    TARGET_NAMES,
    final_suboptimality,
    hyperparameters,
    last_predictors,
    log_gaps,
    progress,
    runs_with_instances,
    why,
    worst,
)
from optbench.analysis.rates import fit_rate
from optbench.analysis.selection import Selection, effective_p, majority, select
from optbench.analysis.statistics import finite, median_interval
from optbench.analysis.theory import candidates, theory_name, theory_rate
from optbench.result import Trace
from optbench.study import Cell
from optbench.tune import Search


def header(cell: Cell, horizon: int, seeds: int) -> dict[str, Any]:
    """Return the columns that both tables share."""
    return {
        "problem": cell.instance.problem,
        "instance": cell.instance.name,
        "parametrization": cell.parametrization.name,
        "optimizer": cell.choice.label,
        "hyperparameters": {},
        "seeds": seeds,
        "horizon": horizon,
        "status": "skipped",
        "reason": cell.skip,
    }


def empty_bias(cell: Cell, horizon: int, seeds: int) -> dict[str, Any]:
    """Return a row of the implicit-bias table without results: skipped or failed."""
    return {
        **header(cell, horizon, seeds),
        "selected": None,
        "runner_up": None,
        "separation": None,
        "theory": theory_name(cell),
        "condition": cell.choice.optimizer.condition,
        "effective_p": None,
        "effective_p_interval": None,
        "measures": {},
        "intervals": {},
    }


def empty_convergence(cell: Cell, horizon: int, seeds: int) -> dict[str, Any]:
    """Return a row of the convergence table without results."""
    blank = dict.fromkeys(TARGET_NAMES)
    return {
        **header(cell, horizon, seeds),
        "steps_to": dict(blank),
        "seconds_to": dict(blank),
        "intervals": dict(blank),
        "rate": {"law": None, "value": None, "low": None, "high": None, "window": None, "text": ""},
        "ns_per_step": None,
        "relative_cost": None,
        "best_learning_rate": None,
        "at_edge": False,
        "sensitivity_decades": None,
        "critical_learning_rate": None,
        "theory_learning_rate": None,
        "success_rate": 0.0,
        "success_target": SUCCESS_TARGET,
        "final_suboptimality": None,
        "log10_final_suboptimality": None,
        "learning_rates": [],
    }


def bias_row(cell: Cell, search: Search, horizon: int, seeds: int) -> dict[str, Any]:
    """Measure the winner's last predictors against the certified references."""
    row = empty_bias(cell, horizon, seeds)
    best = search.best
    runs = runs_with_instances(cell, search.runs[best])
    statuses = [chunk.status[run] for _, chunk, run in runs]
    row["hyperparameters"] = hyperparameters(cell, search.rates[best])
    row["status"] = worst(statuses)
    row["reason"] = why(statuses, [int(chunk.stopped[run]) for _, chunk, run in runs])
    measures: list[dict[str, float]] = []
    verdicts: list[Selection] = []
    exponents: list[float] = []
    for instance, w in last_predictors(runs, statuses):
        references = candidates(cell, instance)
        measures.append(measure(instance, references, w))
        verdicts.append(select(instance, references, w))
        p, interval = effective_p(instance, instance.norm_optima, w)
        if p is not None:
            exponents.append(p)
            row["effective_p_interval"] = list(interval or ())
    if not measures:
        return row
    for name in measures[0]:
        middle, low, high = median_interval(np.array([m.get(name, math.nan) for m in measures]))
        row["measures"][name] = finite(middle)
        row["intervals"][name] = [low, high] if math.isfinite(low) and math.isfinite(high) else None
    if exponents:
        row["effective_p"] = float(np.sort(exponents)[(len(exponents) - 1) // 2])
    add_verdict(row, verdicts)
    return row


def add_verdict(row: dict[str, Any], verdicts: list[Selection]) -> None:
    """Write the verdict of most seeds; INCONCLUSIVE when no reference has more than half."""
    counts = Counter(verdict.selected for verdict in verdicts)
    name, votes = counts.most_common(1)[0]
    shown = next(verdict for verdict in verdicts if verdict.selected == name)
    row["selected"], row["runner_up"] = majority(list(counts.elements())), shown.runner_up
    row["separation"] = shown.separation
    if votes * 2 <= len(verdicts):
        row["reason"] = "seeds disagree: " + ", ".join(f"{n} {c}x" for n, c in counts.items())
    elif shown.reason and row["reason"] is None:
        row["reason"] = shown.reason


def convergence_row(
    cell: Cell, search: Search, horizon: int, seeds: int, ns_per_step: float
) -> dict[str, Any]:
    """Steps and time to targets, the rate law and what tuning found."""
    row = empty_convergence(cell, horizon, seeds)
    best = search.best
    went = progress(cell, search.runs[best])
    row.update(
        hyperparameters=hyperparameters(cell, search.rates[best]),
        status=went.status,
        reason=went.reason,
        ns_per_step=finite(ns_per_step),
        best_learning_rate=search.rates[best] if cell.choice.tuned else None,
        at_edge=bool(search.at_edge),
        sensitivity_decades=search.sensitivity,
        critical_learning_rate=search.critical,
        theory_learning_rate=theory_rate(cell),
        success_rate=went.success_rate,
        **final_suboptimality(went),
        learning_rates=learning_rates(cell, search),
    )
    for column, name in enumerate(TARGET_NAMES):
        middle, low, high = median_interval(went.reached[:, column])
        row["steps_to"][name] = finite(middle)
        row["seconds_to"][name] = finite(middle * ns_per_step * 1e-9)
        row["intervals"][name] = [low, high] if math.isfinite(low + high) else None
    if went.lasted.size:
        row["rate"] = rate_of(cell, went.steps, np.median(went.gaps[:, went.lasted], axis=1))
    return row


def rate_of(cell: Cell, steps: np.ndarray, gap: np.ndarray) -> dict[str, Any]:
    """Fit the rate law to the median trace."""
    known = ~np.isnan(gap) & (steps > 0)
    if known.sum() < 2:
        text = "not asymptotic yet: too few records"
        return {"law": None, "value": None, "low": None, "high": None, "window": None, "text": text}
    floor = -math.inf if cell.instance.exponential_tail else None
    rate = fit_rate(steps[known], gap[known], floor)
    return {
        "law": rate.law,
        "value": finite(rate.value),
        "low": finite(rate.low),
        "high": finite(rate.high),
        "window": [int(end) for end in rate.window] if rate.window else None,
        "text": rate.text,
    }


def trace_of(cell: Cell, search: Search) -> Trace:
    """Return the winner's suboptimality and measures along the run."""
    chunks = search.runs[search.best]
    steps, gaps = log_gaps(cell, chunks)
    return Trace(
        problem=cell.instance.problem,
        instance=cell.instance.name,
        parametrization=cell.parametrization.name,
        optimizer=cell.choice.label,
        steps=steps,
        log_gap=gaps,
    )
