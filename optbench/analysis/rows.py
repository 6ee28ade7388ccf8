"""One row of each table from the runs of one cell."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np

from optbench.analysis.effective_p import UNTOLD, EffectiveP
from optbench.analysis.instances import names_of
from optbench.analysis.kinds import measured
from optbench.analysis.learning_rates import learning_rates
from optbench.analysis.optimum import depends_on_other_rows
from optbench.analysis.progress import Progress, progress, why
from optbench.analysis.rates import LOG_FLOOR, Rate, fit_rate, floor_of_zero
from optbench.analysis.runs import (
    LastPart,
    evaluations_of,
    hyperparameters,
    last_parts,
    runs_with_instances,
)
from optbench.analysis.selection import majority
from optbench.analysis.settling import Verdict, judge
from optbench.analysis.statistics import finite, known, median_interval
from optbench.analysis.theory import (
    candidates,
    nothing_to_say,
    predicted,
    theory_condition,
    theory_rate,
)
from optbench.analysis.underflow import underflow
from optbench.columns import BiasRow, ConvergenceRow, Interval, RateLaw, Row
from optbench.engine.chunk import Chunk
from optbench.instance import Instance
from optbench.norm_names import FAMILIES
from optbench.references import Reference
from optbench.status import Status, worst
from optbench.study import Cell
from optbench.targets import SUCCESS_TARGET, TARGET_NAMES, rounding_of
from optbench.tuning.search import Search

# near the best loss of all rows every gap falls to 0, whatever the law is
NO_LAW_FROM_BEST = "the optimum is only the best loss of all rows"
AnyRow = TypeVar("AnyRow", bound=Row)


def _header(cell: Cell, horizon: int, seeds: int) -> dict[str, Any]:
    state = {"status": Status.SKIPPED, "reason": cell.skip}
    choice = cell.choice
    asked = {"schedule": choice.optimizer.schedule, "as_theorem_asks": choice.as_theorem_asks}
    return {**names_of(cell), **asked, **state, "seeds": seeds, "horizon": horizon}


def empty_bias(cell: Cell, horizon: int, seeds: int) -> BiasRow:
    """Return a row of the implicit-bias table without results: skipped or failed."""
    return BiasRow(**_header(cell, horizon, seeds))


def empty_convergence(cell: Cell, horizon: int, seeds: int) -> ConvergenceRow:
    """Return a row of the convergence table without results."""
    return ConvergenceRow(
        **_header(cell, horizon, seeds),
        success_target=SUCCESS_TARGET,
        steps_to=dict.fromkeys(TARGET_NAMES),
        evaluations_to=dict.fromkeys(TARGET_NAMES),
        seconds_to=dict.fromkeys(TARGET_NAMES),
        intervals=dict.fromkeys(TARGET_NAMES),
        reached=dict.fromkeys(TARGET_NAMES),
        left_again_at=dict.fromkeys(TARGET_NAMES),
    )


def failed(row: AnyRow, reason: str) -> AnyRow:
    """Return a row that says why nothing could run."""
    return replace(row, status=Status.FAILED, reason=reason)


def cut_short(row: AnyRow, status: Status) -> AnyRow:
    """Say of a row whose search or runs did not end that it is not complete."""
    if row.status in (status, Status.SKIPPED):
        return row
    return replace(row, status=status, reason=f"{status} before its runs had ended")


@dataclass(frozen=True)
class Measured:
    """What the last predictor of one seed is compared with, and what came of it."""

    references: Mapping[str, Reference]
    measures: dict[str, float]
    verdict: Verdict


def _measured(cell: Cell, end: LastPart, rate: float | None) -> Measured:
    references = candidates(cell, end.instance, rate)
    measures = measured(end.instance, references, end.w) if np.any(end.w) else {}
    return Measured(references, measures, judge(end.instance, references, end.path, end.at_rest))


def bias_row(cell: Cell, search: Search, horizon: int, seeds: int) -> BiasRow:
    """Measure the winner's last predictors against the certified references."""
    if reason := nothing_to_say(cell):
        return replace(empty_bias(cell, horizon, seeds), reason=reason)
    rate = search.rates[search.best]
    runs = runs_with_instances(cell, search.further or search.runs[search.best])
    statuses = [chunk.status[run] for _, chunk, run in runs]
    stopped = [int(chunk.stopped[run]) for _, chunk, run in runs]
    ends = last_parts(cell, runs, statuses)
    told = predicted(cell, rate, min((float(np.max(np.abs(e.w))) for e in ends), default=math.inf))
    row = replace(
        empty_bias(cell, horizon, seeds),
        hyperparameters=hyperparameters(cell, rate),
        theory=told.name,
        condition=theory_condition(cell),
        theory_reason=told.reason,
        status=worst(statuses),
        reason=why(statuses, stopped) or underflow(cell, runs),
        steps=max(stopped),
        evaluations=known(max(evaluations_of(chunk, run) for _, chunk, run in runs)),
    )
    found = [_measured(cell, end, rate) for end in ends]
    if not found:
        return row
    medians = _medians([each.measures for each in found])
    doubtful = [name for e in found for name in e.references if not e.references[name].certified]
    row = replace(
        row,
        uncertified=tuple(dict.fromkeys(doubtful)),
        measures={name: known(middle) for name, (middle, _, _) in medians.items()},
        intervals={name: _interval(low, high) for name, (_, low, high) in medians.items()},
    )
    return with_verdict(row, [each.verdict for each in found])


def settled(cell: Cell, chunks: Sequence[Chunk], rate: float | None) -> bool:
    """Tell whether more steps could not change a row's verdict: no seed's run is under way."""
    runs = runs_with_instances(cell, chunks)
    statuses = [chunk.status[run] for _, chunk, run in runs]
    found = [_measured(cell, end, rate).verdict for end in last_parts(cell, runs, statuses)]
    return not any(each.open for each in found)


def _medians(found: Sequence[Mapping[str, float]]) -> dict[str, tuple[float, float, float]]:
    """Return median and interval over the seeds of each number by name."""
    names = dict.fromkeys(name for each in found for name in each)
    return {name: median_interval([e[name] for e in found if name in e]) for name in names}


def with_verdict(row: BiasRow, verdicts: Sequence[Verdict]) -> BiasRow:
    """Give a row the verdict of most seeds; INCONCLUSIVE when none has more than half."""
    counts = Counter(verdict.selected for verdict in verdicts)
    name, votes = counts.most_common(1)[0]
    agreed = [verdict for verdict in verdicts if verdict.selected == name]
    shown = _middle(agreed)
    reason = row.reason or shown.reason
    if len(counts) > 1:
        told = ", ".join(f"{n} {c}x" for n, c in counts.most_common())
        one = votes * 2 > row.seeds
        reason = row.reason or f"{'not all seeds agree' if one else 'seeds disagree'}: {told}"
    entrywise, spectral = (_middle_exponent(verdicts, family) for family in FAMILIES)
    ends = [e for e in verdicts if e.missing and e.by_distance == shown.by_distance]
    return replace(
        row,
        selected=majority(list(counts.elements()), row.seeds),
        nearest=shown.nearest,
        towards=shown.towards,
        runner_up=shown.runner_up,
        separation=shown.separation,
        decided_at=shown.decided_at,
        missing={n: known(m) for n, (m, _, _) in _medians([e.missing for e in ends]).items()},
        trend={n: known(m) for n, (m, _, _) in _medians([e.trend for e in ends]).items()},
        by_distance=shown.by_distance,
        effective_p=entrywise.p,
        effective_p_interval=entrywise.interval,
        effective_schatten_p=spectral.p,
        effective_schatten_p_interval=spectral.interval,
        reason=reason,
    )


def _middle(verdicts: Sequence[Verdict]) -> Verdict:
    """Return the verdict in the middle, by the step at which it would be decided."""
    ranked = sorted(verdicts, key=lambda each: each.decided_at or math.inf)
    return ranked[(len(ranked) - 1) // 2]


def _middle_exponent(verdicts: Sequence[Verdict], family: str) -> EffectiveP:
    """Return the effective p of the seed in the middle, and its interval."""
    told = [each.effective[family] for each in verdicts if family in each.effective]
    return sorted(told)[(len(told) - 1) // 2] if told else UNTOLD


def convergence_row(
    cell: Cell,
    search: Search,
    horizon: int,
    seeds: int,
    best: Mapping[Instance, float],
) -> ConvergenceRow:
    """Tell steps to targets, the rate law and what tuning found; times are measured apart.

    Parameters
    ----------
    cell, search
        What ran.
    horizon, seeds : int
        How long and how often.
    best : mapping of Instance to float
        From :func:`optbench.analysis.optimum.best_losses`.
    """
    rate = search.rates[search.best]
    went = progress(cell, search.runs[search.best], best)
    kept = went.kept
    targets = {name: median_interval(kept[:, k]) for k, name in enumerate(TARGET_NAMES)}
    return replace(
        empty_convergence(cell, horizon, seeds),
        hyperparameters=hyperparameters(cell, rate),
        status=went.status,
        reason=went.reason or underflow(cell, went.runs),
        steps_to={name: finite(middle) for name, (middle, _, _) in targets.items()},
        steps_by_seed={
            name: tuple(kept[:, column].tolist()) for column, name in enumerate(TARGET_NAMES)
        },
        intervals={
            name: _interval(low, high) if math.isfinite(low) else None
            for name, (_, low, high) in targets.items()
        },
        reached=went.reached,
        left_again_at=went.left_again_at,
        evaluations=went.last_evaluations,
        evaluations_to=went.evaluations_to,
        passages=went.passages_from,
        rate=rate_of(cell, went),
        best_learning_rate=rate if cell.choice.tuned else None,
        at_edge=search.at_edge,
        searched=search.searched,
        sensitivity_decades=search.sensitivity,
        critical_learning_rate=search.critical,
        theory_learning_rate=theory_rate(cell),
        success_rate=went.success_rate,
        success_target=went.success_target,
        below_rounding=went.below_rounding,
        final_loss=went.final_loss,
        final_suboptimality=went.final_suboptimality,
        log10_final_suboptimality=went.log10_final_suboptimality,
        learning_rates=learning_rates(cell, search, best),
    )


def _interval(low: float, high: float) -> Interval:
    """Return an interval; its upper end may be infinite: some seeds never got there."""
    return None if math.isnan(low) or math.isnan(high) else (low, high)


def rate_of(cell: Cell, went: Progress) -> RateLaw:
    """Fit the rate law to the median trace of the seeds that lasted."""
    if not went.lasted.size or not went.optimum_known:
        return RateLaw()
    if depends_on_other_rows(cell):
        return RateLaw(text=NO_LAW_FROM_BEST)
    gap = np.median(went.gaps[:, went.lasted], axis=1)
    told = ~np.isnan(gap) & (went.steps > 0)
    if told.sum() < 2:
        return RateLaw(text="not asymptotic yet: too few records")
    steps, gap = went.steps[told], gap[told]
    if cell.instance.exponential_tail:
        return rate_law(fit_rate(steps, gap, -math.inf))
    rounding = max(rounding_of(instance.optimum) for instance in cell.instances)
    if rounding == 0.0:
        return rate_law(fit_rate(steps, gap, floor_of_zero(steps, gap)))
    # Where the optimum is large against the first gap, its own rounding is met before that of gaps.
    return rate_law(fit_rate(steps, gap, max(float(gap[0]) + LOG_FLOOR, math.log(rounding))))


def rate_law(rate: Rate) -> RateLaw:
    """Return the columns of a fit: those of its likeliest law, and what else is not ruled out."""
    best = rate.best
    if best is None:
        return RateLaw(text=rate.text)
    return RateLaw(
        law=best.name,
        laws=tuple(law.name for law in rate.laws),
        value=known(best.value),
        low=known(best.low),
        high=known(best.high),
        window=rate.window,
        offset=known(best.offset),
        floor=None if best.log_floor == -math.inf else math.exp(best.log_floor),
        text=rate.text,
    )
