"""How the runs of one learning rate went, over all seeds: what every row of a table reads."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import median

import numpy as np

from optbench.analysis.statistics import finite
from optbench.engine.chunk import Chunk
from optbench.engine.ensemble import side_by_side
from optbench.instance import Instance
from optbench.study import Cell
from optbench.targets import RELATIVE_TARGETS, steps_to_targets
from optbench.tune import log_gap

TARGET_NAMES = tuple(f"1e{round(math.log10(target))}" for target in RELATIVE_TARGETS)
SUCCESS_TARGET = TARGET_NAMES[-1]
WORST_FIRST = ("failed", "diverged", "interrupted", "timeout", "stalled", "horizon", "converged")
WITHOUT_NUMBERS = ("diverged", "failed")


@dataclass(frozen=True)
class Progress:
    """One column or entry a seed.

    Attributes
    ----------
    runs : list of (Instance, Chunk, int)
        Where each seed's run is found.
    statuses : list of str
    steps : ndarray, int64 (R,)
    gaps : ndarray, float64 (R, S)
        Natural logarithm of loss minus optimum; nan after a run's end.
    lasted : ndarray, int64
        The seeds whose runs neither diverged nor failed: only these have numbers.
    reached : ndarray, float64 (S, targets)
        Steps to each target, inf where it was not reached.
    """

    runs: list[tuple[Instance, Chunk, int]]
    statuses: list[str]
    steps: np.ndarray
    gaps: np.ndarray
    lasted: np.ndarray
    reached: np.ndarray

    @property
    def status(self) -> str:
        """The worst status of all seeds."""
        return worst(self.statuses)

    @property
    def reason(self) -> str | None:
        """Why runs did not last."""
        return why(self.statuses, [int(chunk.stopped[run]) for _, chunk, run in self.runs])

    @property
    def success_rate(self) -> float:
        """Fraction of seeds that reached the last target."""
        return sum(map(math.isfinite, self.reached[:, -1].tolist())) / len(self.runs)

    @property
    def steps_to(self) -> dict[str, float | None]:
        """Median steps to each target; None where half of the seeds or more did not reach it."""
        medians = map(median, zip(*self.reached.tolist(), strict=True))
        return dict(zip(TARGET_NAMES, map(finite, medians), strict=True))

    @property
    def final(self) -> float:
        """Median over the seeds that lasted of the last log(loss - optimum); nan without any."""
        last = [self._ends(seed)[1] for seed in self.lasted]
        return median(last) if last else math.nan

    @property
    def left(self) -> float:
        """Likewise the logarithm of the last over the first suboptimality: the unit of targets."""
        ends = [self._ends(seed) for seed in self.lasted]
        ratios = [last - first for first, last in ends if math.isfinite(first)]
        return median(ratios) if ratios else math.nan

    def _ends(self, seed: int) -> tuple[float, float]:
        """Return the first and the last log(loss - optimum) of a seed."""
        gap = self.gaps[:, seed]
        known = np.flatnonzero(~np.isnan(gap))
        return float(gap[known[0]]), float(gap[known[-1]])


def progress(cell: Cell, chunks: list[Chunk]) -> Progress:
    """Read the runs of one learning rate, all seeds."""
    runs = runs_with_instances(cell, chunks)
    statuses = [status for chunk in chunks for status in chunk.status]
    steps, gaps = log_gaps(cell, chunks)
    lasted = np.flatnonzero([status not in WITHOUT_NUMBERS for status in statuses])
    reached = np.full((len(runs), len(TARGET_NAMES)), math.inf)
    for seed in lasted:
        known = ~np.isnan(gaps[:, seed])
        reached[seed] = steps_to_targets(steps[known], gaps[known, seed])
    return Progress(runs, statuses, steps, gaps, lasted, reached)


def final_suboptimality(went: Progress) -> dict[str, float | None]:
    """Return the median last suboptimality and its logarithm, which never underflows."""
    final = went.final
    return {
        "final_suboptimality": None if math.isnan(final) else math.exp(min(final, 700.0)),
        "log10_final_suboptimality": finite(final / math.log(10.0)),
    }


def runs_with_instances(cell: Cell, chunks: list[Chunk]) -> list[tuple[Instance, Chunk, int]]:
    """Return (instance, chunk, run) for every seed."""
    table = []
    for index, chunk in enumerate(chunks):
        instance = cell.instances[index] if cell.instance.seeded else cell.instance
        table += [(instance, chunk, run) for run in range(len(chunk.status))]
    return table


def last_predictors(
    runs: list[tuple[Instance, Chunk, int]], statuses: list[str]
) -> list[tuple[Instance, np.ndarray]]:
    """Return (instance, w) of every run that lasted and has moved from zero."""
    found = []
    for (instance, chunk, run), status in zip(runs, statuses, strict=True):
        w = chunk.runs.w[run]
        if status not in WITHOUT_NUMBERS and np.any(w):
            found.append((instance, w))
    return found


def log_gaps(cell: Cell, chunks: list[Chunk]) -> tuple[np.ndarray, np.ndarray]:
    """Return steps (R,) and log suboptimality (R, S) of all seeds."""
    records = side_by_side(chunks)
    columns = []
    for run, (instance, _, _) in enumerate(runs_with_instances(cell, chunks)):
        columns.append(log_gap(instance, records.log_loss[:, run]))
    return records.steps, np.stack(columns, axis=1)


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


def hyperparameters(cell: Cell, rate: float | None) -> dict[str, float]:
    """Return all hyperparameters by name."""
    names = cell.choice.optimizer.hypers
    return dict(zip(names, map(float, cell.choice.hypers(rate)), strict=True))
