"""One row of each table from the runs of one cell."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np

from optbench.analysis.measures import measure
from optbench.analysis.rates import fit_rate
from optbench.analysis.selection import INCONCLUSIVE, Selection, effective_p, select
from optbench.analysis.statistics import median_interval
from optbench.analysis.targets import RELATIVE_TARGETS, steps_to_targets
from optbench.engine.chunk import Chunk
from optbench.engine.ensemble import side_by_side
from optbench.instance import Instance
from optbench.references import Reference, norm_name
from optbench.result import Trace
from optbench.study import Cell
from optbench.tune import Search, log_gap

TARGET_NAMES = tuple(f"1e{round(math.log10(target))}" for target in RELATIVE_TARGETS)
SUCCESS_TARGET = TARGET_NAMES[-1]
WORST_FIRST = ("failed", "diverged", "interrupted", "timeout", "stalled", "horizon", "converged")


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
    }


def theory(cell: Cell) -> str:
    """Return what theory says this cell selects, or ``"unknown"``.

    For another parametrization than the linear one theorems are about gradient flow: they hold
    for optimizers that follow it.
    """
    kind = cell.instance.kind
    if "minimizer" in cell.instance.references:
        return "minimizer"  # the only solution: whatever converges selects it
    selection = cell.choice.optimizer.selection(kind)
    if cell.parametrization.linear:
        return selection
    known = cell.parametrization.selects if cell.choice.optimizer.follows_flow else {}
    return known.get(kind, "unknown")


def candidates(cell: Cell, instance: Instance) -> dict[str, Reference]:
    """Return the references of an instance, and the one that theory predicts for this cell."""
    found = dict(instance.solved)
    family = theory(cell)
    if family not in instance.parametric:
        return found
    hypers = dict(zip(cell.choice.optimizer.hypers, cell.choice.hypers(math.nan), strict=True))
    if not cell.parametrization.linear:
        scale = cell.parametrization.scale
        value = math.nan if scale is None else scale**2
    else:
        value = float(hypers.get({"lp": "p", "hypentropy": "scale"}.get(family, ""), math.nan))
    reference = instance.family_member(family, value)
    known = next((name for name, other in found.items() if _same(reference, other)), None)
    if known is None:
        found["fisher" if family == "fisher" else reference.name] = reference
    return found


def theory_name(cell: Cell) -> str:
    """Return the predicted reference's name: ``l3`` for the family ``lp`` with p = 3."""
    family = theory(cell)
    if family != "lp":
        return family
    position = list(cell.choice.optimizer.hypers).index("p")
    return norm_name(float(cell.choice.hypers(math.nan)[position]))


def _same(a: Reference, b: Reference) -> bool:
    size = max(float(np.linalg.norm(a.solution)), float(np.linalg.norm(b.solution)))
    return float(np.linalg.norm(a.solution - b.solution)) <= 1e-6 * size


def runs_with_instances(cell: Cell, chunks: list[Chunk]) -> list[tuple[Instance, Chunk, int]]:
    """Return (instance, chunk, run) for every seed."""
    table = []
    for index, chunk in enumerate(chunks):
        instance = cell.instances[index] if cell.instance.seeded else cell.instance
        table += [(instance, chunk, run) for run in range(len(chunk.status))]
    return table


def worst(statuses: list[str]) -> str:
    """Return the status a row shows for several seeds."""
    return min(statuses, key=WORST_FIRST.index)


def why(statuses: list[str], stopped: list[int]) -> str | None:
    """Return the reason a row shows for runs that did not last."""
    bad = [(s, t) for s, t in zip(statuses, stopped, strict=True) if s in WORST_FIRST[:5]]
    if not bad:
        return None
    status = worst([s for s, _ in bad])
    steps = [t for s, t in bad if s == status]
    share = "" if len(statuses) == 1 else f" ({len(steps)} of {len(statuses)} seeds)"
    verb = {
        "failed": "failed: an index outside its arrays or an error raised",
        "timeout": "stopped by the time limit",
    }.get(status, status)
    return f"{verb} at step {min(steps):,}{share}"


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
    for instance, chunk, run in runs:
        w = chunk.runs.w[run]
        if chunk.status[run] in ("diverged", "failed") or not np.any(w):
            continue
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
    row["selected"], row["runner_up"] = name, shown.runner_up
    row["separation"] = shown.separation
    if votes * 2 <= len(verdicts):
        row["selected"] = INCONCLUSIVE
        row["reason"] = "seeds disagree: " + ", ".join(f"{n} {c}x" for n, c in counts.items())
    elif shown.reason and row["reason"] is None:
        row["reason"] = shown.reason


def finite(value: float) -> float | None:
    """Return a finite number or None."""
    return float(value) if math.isfinite(value) else None


def hyperparameters(cell: Cell, rate: float | None) -> dict[str, float]:
    """Return all hyperparameters by name."""
    names = cell.choice.optimizer.hypers
    return dict(zip(names, map(float, cell.choice.hypers(rate)), strict=True))


def log_gaps(cell: Cell, chunks: list[Chunk]) -> tuple[np.ndarray, np.ndarray]:
    """Return steps (R,) and log suboptimality (R, S) of all seeds."""
    records = side_by_side(chunks)
    columns = []
    for run, (instance, _, _) in enumerate(runs_with_instances(cell, chunks)):
        columns.append(log_gap(instance, records.log_loss[:, run]))
    return records.steps, np.stack(columns, axis=1)


def convergence_row(
    cell: Cell, search: Search, horizon: int, seeds: int, ns_per_step: float
) -> dict[str, Any]:
    """Steps and time to targets, the rate law and what tuning found."""
    row = empty_convergence(cell, horizon, seeds)
    best = search.best
    chunks = search.runs[best]
    runs = runs_with_instances(cell, chunks)
    statuses = [chunk.status[run] for _, chunk, run in runs]
    steps, gaps = log_gaps(cell, chunks)
    ok = [status not in ("diverged", "failed") for status in statuses]
    reached = np.full((len(runs), len(TARGET_NAMES)), math.inf)
    for run in np.flatnonzero(ok):
        known = ~np.isnan(gaps[:, run])
        reached[run] = steps_to_targets(steps[known], gaps[known, run])
    tuned = cell.choice.tuned
    row.update(
        hyperparameters=hyperparameters(cell, search.rates[best]),
        status=worst(statuses),
        reason=why(statuses, [int(chunk.stopped[run]) for _, chunk, run in runs]),
        ns_per_step=finite(ns_per_step),
        best_learning_rate=search.rates[best] if tuned else None,
        at_edge=bool(search.at_edge),
        sensitivity_decades=search.sensitivity,
        critical_learning_rate=search.critical,
        theory_learning_rate=theory_rate(cell),
        success_rate=float(np.mean(np.isfinite(reached[:, -1]))),
    )
    for column, name in enumerate(TARGET_NAMES):
        middle, low, high = median_interval(reached[:, column])
        row["steps_to"][name] = finite(middle)
        row["seconds_to"][name] = finite(middle * ns_per_step * 1e-9)
        row["intervals"][name] = [low, high] if math.isfinite(low + high) else None
    if any(ok):
        final = [gaps[~np.isnan(gaps[:, run]), run][-1] for run in np.flatnonzero(ok)]
        middle = float(np.median(final))
        row["final_suboptimality"] = math.exp(min(middle, 700.0))
        row["log10_final_suboptimality"] = finite(middle / math.log(10.0))
        row["rate"] = rate_of(cell, steps, np.median(gaps[:, ok], axis=1))
    return row


def theory_rate(cell: Cell) -> float | None:
    """Return 2 / L, the critical rate of gradient descent on w; None for every other rule."""
    optimizer, curvature = cell.choice.optimizer, cell.instance.curvature
    plain = optimizer.selection("regression") == "l2" and "grad" in optimizer.needs
    hyper = optimizer.hypers.get(cell.choice.tuned or "")
    if not plain or optimizer.slots or hyper is None or hyper.degree != -1:
        return None
    if not cell.parametrization.linear or cell.instance.positive or not curvature > 0:
        return None
    return finite(2.0 / curvature)


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
