"""Learning-rate search: the same budget for every optimizer, in batched calls.

All rates of a log-spaced grid (two a decade, six decades) run a tenth of the horizon; the winner,
the two smaller rates and the next larger one go on to the horizon.  A winner on the edge of the
grid widens it, at most twice.  On separable data the infimum is at infinity and larger rates
always look faster, while the theorems on implicit bias ask for small ones: there the grid ends at
the natural rate (2 / L, or the step that moves no margin by more than one).
"""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass

import numpy as np

from optbench.engine.chunk import Chunk
from optbench.engine.ensemble import make_chunks, side_by_side
from optbench.engine.records import Records
from optbench.instance import Instance
from optbench.study import Cell

GRID = np.arange(-10, 3) / 2.0  # decades relative to the natural rate: 1e-5, ..., 1e1
SEPARABLE_GRID = np.arange(-12, 1) / 2.0  # the same number of rates, ending at the natural one
WIDEN = 4
FINALISTS = (-2, -1, 0, 1)
SOLVED = math.log(1e-8)  # relative suboptimality at which speed decides


@dataclass
class Search:
    """All runs of one cell at some rates; a row of ``scores`` a rate.

    Attributes
    ----------
    rates : list of float or None
        Learning rates in increasing order (``[None]`` when nothing is tuned).
    chunks : list
        For each rate, one list of chunks: all seeds.
    """

    rates: list[float | None]
    runs: list[list[Chunk]]
    scores: np.ndarray
    diverged: np.ndarray
    at_edge: bool = False
    sensitivity: float | None = None
    critical: float | None = None

    @property
    def best(self) -> int:
        """Index of the winning rate."""
        return int(np.argmin(self.scores))


def natural_rate(cell: Cell) -> float:
    """Return the rate that theory or scale suggests: where the grid is centred.

    A rate that multiplies gradients: 2 / L (over the parametrization's own curvature); a rate
    that is itself a step: the size of the solution, or, on separable data, the step that moves
    the largest margin by one.
    """
    instance = cell.instance
    degree = cell.choice.optimizer.hypers[cell.choice.tuned or ""].degree
    size = solution_size(instance)
    if degree == -1:
        curvature = instance.curvature
        stretch = 1.0 if cell.parametrization.linear else 4.0 * max(size, 1.0)
        if cell.parametrization.linear and instance.positive:
            stretch = max(size, 1.0)
        return 2.0 / (curvature * stretch) if math.isfinite(curvature) and curvature > 0 else 1.0
    if instance.kind == "classification":
        features = instance.features
        squares = features.multiply(features) if instance.sparse else features * features
        return 1.0 / math.sqrt(float(np.max(squares.sum(axis=1))))
    return max(math.sqrt(size) if not cell.parametrization.linear else size, 1e-3)


def solution_size(instance: Instance) -> float:
    """Largest coordinate of a reference solution (1 on separable data, where there is no scale)."""
    if instance.kind == "classification" or not instance.solved:
        return 1.0
    sizes = [float(np.max(np.abs(r.solution))) for r in instance.solved.values()]
    return min(sizes)


def log_gap(instance: Instance, log_loss: np.ndarray) -> np.ndarray:
    """Return log(loss - optimum) from log(loss); exact in the log domain where the optimum is 0."""
    optimum = instance.optimum
    if math.isnan(optimum) or optimum == 0.0:
        return log_loss
    with np.errstate(all="ignore"):
        difference = np.exp(log_loss) - optimum
        floor = 4.0 * np.finfo(float).eps * abs(optimum)
        gap = np.log(np.maximum(difference, floor))
    return np.where(np.isnan(log_loss), np.nan, gap)


def score(instance: Instance, chunk: Chunk) -> np.ndarray:
    """Rank runs, lower is better: steps to a relative gap of 1e-8, else the final gap.

    Returns
    -------
    ndarray, float64 (K,)
        In [-1, 0) when solved, the final log relative gap shifted above 0 else; inf: diverged.
    """
    records = chunk.records
    gaps = log_gap(instance, records.log_loss)
    relative = gaps - gaps[0]
    scores = np.empty(relative.shape[1])
    for run, status in enumerate(chunk.status):
        known = relative[:, run][~np.isnan(relative[:, run])]
        if status in ("diverged", "failed") or known.size == 0:
            scores[run] = math.inf
        elif np.min(known) <= SOLVED:
            first = records.steps[np.argmax(relative[:, run] <= SOLVED)]
            scores[run] = -1.0 / (2.0 + math.log1p(float(first)))
        else:
            scores[run] = max(float(known[-1]), SOLVED) - SOLVED
    return scores


class Tuner:
    """Search the learning rate of one cell and run the winner to the horizon."""

    def __init__(
        self,
        cell: Cell,
        seeds: int,
        horizon: int,
        rates: list[float] | None,
        deadline: float,
        stop: threading.Event,
        perturbation: float,
    ) -> None:
        self.cell = cell
        self.seeds = list(range(seeds))
        self.horizon = horizon
        self.given = rates
        self.deadline = deadline
        self.stop = stop
        self.perturbation = perturbation

    def start(self, rates: list[float | None]) -> list[list[Chunk]]:
        """Return fresh runs, for each rate one chunk an instance."""
        cell = self.cell
        by_rate: list[list[Chunk]] = [[] for _ in rates]
        groups = (
            [(instance, [seed]) for seed, instance in enumerate(cell.instances)]
            if cell.instance.seeded
            else [(cell.instance, self.seeds)]
        )
        for instance, seeds in groups:
            hypers = np.stack([cell.choice.hypers(rate) for rate in rates for _ in seeds])
            repeated = [seed for _ in rates for seed in seeds]
            chunks = make_chunks(
                instance,
                cell.parametrization,
                cell.choice.optimizer,
                hypers,
                repeated,
                self.perturbation,
            )
            self._advance_all(chunks, self._short())
            flat = [(chunk, row) for chunk in chunks for row in range(len(chunk.status))]
            for index in range(len(rates)):
                mine = flat[index * len(seeds) : (index + 1) * len(seeds)]
                for chunk in dict.fromkeys(chunk for chunk, _ in mine):
                    rows = np.array([row for owner, row in mine if owner is chunk])
                    by_rate[index].append(chunk.subset(rows))
        return by_rate

    def _short(self) -> int:
        return self.horizon if self.given is not None else max(self.horizon // 10, 1)

    def _advance_all(self, chunks: list[Chunk], horizon: int) -> None:
        for chunk in chunks:
            chunk.advance(horizon, deadline=self.deadline, stop=self.stop)

    def scores(self, runs: list[list[Chunk]]) -> np.ndarray:
        """Median score over seeds for each rate."""
        instances = self.cell.instances
        table = []
        for chunks in runs:
            parts = [
                score(instances[min(i, len(instances) - 1)], chunk)
                for i, chunk in enumerate(chunks)
            ]
            table.append(float(np.median(np.concatenate(parts))))
        return np.array(table)

    def search(self) -> Search:
        """Run the whole search."""
        if self.cell.choice.tuned is None:
            runs = self.start([None])
            self._advance_all(runs[0], self.horizon)
            found = Search([None], runs, self.scores(runs), self._diverged(runs))
            return found
        if self.given is not None:
            rates: list[float | None] = list(sorted(self.given))
            runs = self.start(rates)
            found = Search(rates, runs, self.scores(runs), self._diverged(runs))
            best = int(np.argmin(found.scores))
            found.at_edge = len(rates) > 1 and best in (0, len(rates) - 1)
        else:
            found = self._search_grid()
            best = int(np.argmin(found.scores))
        found.critical = self._critical(found)
        return found

    def _search_grid(self) -> Search:
        unit = natural_rate(self.cell)
        separable = self.cell.instance.kind == "classification"
        decades = list(SEPARABLE_GRID if separable else GRID)
        runs = self.start([unit * 10.0**decade for decade in decades])
        scores = self.scores(runs)
        for _ in range(2):
            best = int(np.argmin(scores))
            if not np.isfinite(scores[best]) or best == 0:
                more = [decades[0] - k / 2.0 for k in range(WIDEN, 0, -1)]
                fresh = self.start([unit * 10.0**decade for decade in more])
                decades, runs = more + decades, fresh + runs
                scores = np.concatenate([self.scores(fresh), scores])
            elif best == len(decades) - 1 and not separable:
                more = [decades[-1] + k / 2.0 for k in range(1, WIDEN + 1)]
                fresh = self.start([unit * 10.0**decade for decade in more])
                decades, runs = decades + more, runs + fresh
                scores = np.concatenate([scores, self.scores(fresh)])
            else:
                break
        best = int(np.argmin(scores))
        found = Search([unit * 10.0**decade for decade in decades], runs, scores, np.zeros(0, bool))
        found.sensitivity = self._sensitivity(scores)
        found.diverged = self._diverged(runs)
        found.at_edge = best in (0, len(decades) - 1)
        finalists = [best + k for k in FINALISTS if 0 <= best + k < len(decades)]
        for index in finalists:
            self._advance_all(runs[index], self.horizon)
        final = np.full(len(decades), math.inf)
        final[finalists] = self.scores([runs[index] for index in finalists])
        # Among rates that all diverge the short winner stays, to be shown as diverged.
        found.scores = final if np.isfinite(final).any() else scores
        return found

    def _diverged(self, runs: list[list[Chunk]]) -> np.ndarray:
        return np.array(
            [any("diverged" in chunk.status for chunk in chunks) for chunks in runs], dtype=bool
        )

    def _sensitivity(self, scores: np.ndarray) -> float | None:
        """Width in decades of the rates whose short run is within a factor 2 of the best."""
        best = float(np.min(scores))
        if not math.isfinite(best):
            return None
        if best < 0:  # solved: compare steps, score = -1 / (2 + log(1 + steps))
            steps = [math.expm1(-1.0 / s - 2.0) if s < 0 else math.inf for s in scores]
            close = np.array(steps) <= 2.0 * min(steps) + 1.0
        else:
            close = scores <= best + math.log(2.0)
        return 0.5 * float(close.sum())

    def _critical(self, found: Search) -> float | None:
        """Geometric mean of the largest rate that did not diverge and the next, which did."""
        for index in range(1, len(found.rates)):
            low, high = found.rates[index - 1], found.rates[index]
            if low and high and found.diverged[index] and not found.diverged[index - 1]:
                return math.sqrt(low * high)
        return None


def joined(runs: list[Chunk]) -> Records:
    """Records of all seeds of one rate, run after run."""
    return side_by_side(runs)
