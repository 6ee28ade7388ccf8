"""How the runs of one learning rate went, over all seeds: what every row of a table reads."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from optbench.analysis.optimum import OPTIMUM_UNKNOWN, optimum_of
from optbench.analysis.runs import Run, runs_with_instances
from optbench.analysis.statistics import finite, known
from optbench.engine.chunk import Chunk
from optbench.engine.ensemble import side_by_side
from optbench.instance import Instance
from optbench.status import Status, worst
from optbench.study import Cell
from optbench.targets import (
    EXACT,
    INTERPOLATED,
    RELATIVE_TARGETS,
    SUCCESS_TARGET,
    TARGET_NAMES,
    Passages,
    log_suboptimality,
    rounding_of,
)


@dataclass(frozen=True)
class Progress:
    """One column or entry a seed.

    Attributes
    ----------
    runs : list of (Instance, Chunk, int)
        Where each seed's run is found.
    statuses : list of Status
    steps : ndarray, int64 (R,)
    loss, gaps : ndarray, float64 (R, S)
        The loss, and the natural logarithm of loss minus optimum; nan after a run's end, gaps also
        where the optimum is unknown.
    lasted : ndarray, int64
        The seeds whose runs neither diverged nor failed: only these have numbers.
    evaluations : ndarray, float64 (R, S)
        How often each run had the whole objective evaluated; nan after its end.
    passages : Passages
        When each seed's run passed each target; one that did not last keeps none.
    optimum_known : bool
        Whether there is an optimum to measure from, for every seed.
    below_rounding : tuple of str
        The targets at which some seed's loss differs from its optimum by less than rounding.
    """

    runs: list[Run]
    statuses: list[Status]
    steps: np.ndarray
    loss: np.ndarray
    gaps: np.ndarray
    evaluations: np.ndarray
    lasted: np.ndarray
    passages: Passages
    optimum_known: bool
    below_rounding: tuple[str, ...] = ()

    @property
    def status(self) -> Status:
        """The worst status of all seeds."""
        return worst(self.statuses)

    @property
    def reason(self) -> str | None:
        """Why runs did not last, else why there are no targets."""
        stopped = [int(chunk.stopped[run]) for _, chunk, run in self.runs]
        ended = why(self.statuses, stopped)
        return ended if ended or self.optimum_known else OPTIMUM_UNKNOWN

    @property
    def kept(self) -> np.ndarray:
        """From which step on each run keeps each target, where that counts: float64 (K, T)."""
        return self.passages.counted(self.statuses)

    @property
    def success_target(self) -> str:
        """The hardest target that is above rounding; the hardest of all where none is."""
        above = [name for name in TARGET_NAMES if name not in self.below_rounding]
        return above[-1] if above else SUCCESS_TARGET

    @property
    def success_rate(self) -> float | None:
        """Fraction of seeds that kept it; None where the optimum is unknown, or none is above."""
        if not self.optimum_known or self.success_target in self.below_rounding:
            return None
        kept = self.kept[:, TARGET_NAMES.index(self.success_target)]
        return sum(map(math.isfinite, kept.tolist())) / len(self.runs)

    @property
    def steps_to(self) -> dict[str, float | None]:
        """Median steps to keep each target; None where half of the seeds or more did not."""
        return self._of_median_seed(self.kept)

    @property
    def reached(self) -> dict[str, float | None]:
        """First step at each target, of the seed of that median; None where it has none."""
        return self._of_median_seed(self.passages.reached)

    @property
    def left_again_at(self) -> dict[str, float | None]:
        """Last step above each target after that; None where it was never left again."""
        passages = self.passages
        again = np.isfinite(passages.reached) & (passages.kept > passages.reached)
        last_above = np.minimum(passages.kept - 1.0, passages.last[:, None])
        left = self._of_median_seed(np.where(np.isfinite(passages.reached), last_above, np.inf))
        told = np.take_along_axis(again, self._median_seeds, axis=0).T
        return {
            name: left[name] if seen.any() else None for name, seen in zip(left, told, strict=True)
        }

    @property
    def evaluations_to(self) -> dict[str, float | None]:
        """Evaluations until each target is kept, of the seed of that median."""
        return self._of_median_seed(
            np.stack([self._evaluations_at(steps, seed) for seed, steps in enumerate(self.kept)])
        )

    @property
    def last_evaluations(self) -> float | None:
        """Evaluations to the end of a run, of the longest seed."""
        found = [_ends(self.evaluations[:, seed])[1] for seed in range(len(self.runs))]
        return known(max(found))

    def _evaluations_at(self, steps: np.ndarray, seed: int) -> np.ndarray:
        """Return the evaluations at some steps of a run, infinite at infinity."""
        told = ~np.isnan(self.evaluations[:, seed])
        if not told.any():
            return np.full(steps.shape, np.inf)
        counts = np.interp(steps, self.steps[told], self.evaluations[told, seed])
        return np.where(np.isfinite(steps), counts, np.inf)

    def _of_median_seed(self, steps: np.ndarray) -> dict[str, float | None]:
        middle = np.take_along_axis(steps, self._median_seeds, axis=0).mean(axis=0)
        return dict(zip(TARGET_NAMES, map(finite, middle.tolist()), strict=True))

    @property
    def _median_seeds(self) -> np.ndarray:
        """For each target the seed in the middle of ``kept``, or the two of an even number: medians
        of first, last and kept steps, each over all seeds, would not be of any run."""
        order = np.lexsort((self.passages.reached, self.passages.kept, self.kept), axis=0)
        return order[(len(order) - 1) // 2 : len(order) // 2 + 1]

    @property
    def passages_from(self) -> str:
        """Whether all passages are exact; empty where the optimum is unknown."""
        if not self.optimum_known:
            return ""
        return EXACT if self.passages.exact.all() else INTERPOLATED

    @property
    def final_loss(self) -> float | None:
        """Median over the seeds of the last loss; None where half of them or more did not last."""
        return finite(self._median_of_last(self.loss))

    @property
    def final_suboptimality(self) -> float | None:
        """The same of the last loss minus optimum."""
        return finite(_exponential(self._median_of_last(self.gaps)))

    @property
    def log10_final_suboptimality(self) -> float | None:
        """Its decimal logarithm, which never underflows."""
        return known(self._median_of_last(self.gaps) / math.log(10.0))

    @property
    def left(self) -> float:
        """Median logarithm of the last over the first suboptimality: the unit of targets."""
        ends = [_ends(self.gaps[:, seed]) for seed in self.lasted]
        ratios = [last - first for first, last in ends if math.isfinite(first)]
        return self._median_with_lost(ratios)

    def _median_of_last(self, values: np.ndarray) -> float:
        last = [_ends(values[:, seed])[1] for seed in self.lasted]
        numbers = [value for value in last if not math.isnan(value)]
        return self._median_with_lost(numbers)

    def _median_with_lost(self, numbers: Sequence[float]) -> float:
        """Return the median over seeds; those that did not last are above all, and nan."""
        lost = [math.inf] * (len(self.runs) - self.lasted.size)
        middle = median([*numbers, *lost]) if numbers else math.nan
        return middle if middle < math.inf else math.nan


def progress(cell: Cell, chunks: Sequence[Chunk], best: Mapping[Instance, float]) -> Progress:
    """Read the runs of one learning rate, all seeds.

    Parameters
    ----------
    cell : Cell
    chunks : sequence of Chunk
        Its runs at that rate.
    best : mapping of Instance to float
        From :func:`optbench.analysis.optimum.best_losses`.
    """
    runs = runs_with_instances(cell, chunks)
    statuses = [status for chunk in chunks for status in chunk.status]
    records = side_by_side(list(chunks))
    optima = [optimum_of(instance, best) for instance, _, _ in runs]
    gaps = np.stack(
        [
            log_suboptimality(records.log_loss[:, k], records.loss[:, k], optimum)
            for k, optimum in enumerate(optima)
        ],
        axis=1,
    )
    lasted = np.flatnonzero([status.has_numbers for status in statuses])
    by_chunk = {chunk: optimum_of(instance, best) for instance, chunk, _ in runs}
    passages = Passages.side_by_side([chunk.passages(told) for chunk, told in by_chunk.items()])
    return Progress(
        runs=runs,
        statuses=statuses,
        steps=records.steps,
        loss=records.loss,
        gaps=gaps,
        evaluations=records.evaluations,
        lasted=lasted,
        passages=passages,
        optimum_known=not any(map(math.isnan, optima)),
        below_rounding=_below_rounding(gaps[0], optima),
    )


def _below_rounding(first_gaps: np.ndarray, optima: Sequence[float]) -> tuple[str, ...]:
    with np.errstate(divide="ignore"):  # an optimum of 0 has no rounding
        least = np.log([rounding_of(optimum) for optimum in optima])
    goals = first_gaps[:, None] + np.log(RELATIVE_TARGETS)
    below = (goals < least[:, None]).T
    return tuple(name for name, hidden in zip(TARGET_NAMES, below, strict=True) if hidden.any())


def why(statuses: Sequence[Status], stopped: Sequence[int]) -> str | None:
    """Return the reason a row shows for runs that did not last."""
    bad = [(s, t) for s, t in zip(statuses, stopped, strict=True) if s.ended_early]
    if not bad:
        return None
    status = worst(s for s, _ in bad)
    steps = [t for s, t in bad if s == status]
    share = "" if len(statuses) == 1 else f" ({len(steps)} of {len(statuses)} seeds)"
    verb = {
        Status.FAILED: "failed: an index outside its arrays, an error raised or too many trials",
        Status.TIMEOUT: "stopped by the time limit",
    }.get(status, status.value)
    return f"{verb} at step {min(steps):,}{share}"


def _ends(values: np.ndarray) -> tuple[float, float]:
    """Return the first and the last number of a column; nan without any."""
    told = values[~np.isnan(values)]
    return (float(told[0]), float(told[-1])) if told.size else (math.nan, math.nan)


def _exponential(logarithm: float) -> float:
    """Return exp of it, at most the largest number of its decade."""
    return math.exp(min(logarithm, 700.0)) if not math.isnan(logarithm) else math.nan
