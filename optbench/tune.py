"""Learning-rate search: the same budget for every optimizer, in batched calls.

Thirteen rates, two a decade, run a hundredth of the horizon; the four around the winner (two
smaller, one larger: smaller rates gain from more steps) run a tenth; the best runs all of it.  A
winner on the edge of the grid widens it, at most twice.  On separable data the infimum is at
infinity and larger rates always look faster, while the theorems on implicit bias ask for small
ones: there the grid ends at the natural rate (2 / L, or the step that moves no margin by more than
one).  The critical rate, between the largest that survives the short run and the next, which
diverges, is bracketed to 4%.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from optbench.engine.chunk import Chunk
from optbench.engine.ensemble import CHUNK_RUNS, make_chunks
from optbench.engine.stop import StopSignal
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
    runs : list of list of Chunk
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
        stretch *= momentum_gain(cell)
        return 2.0 / (curvature * stretch) if math.isfinite(curvature) and curvature > 0 else 1.0
    if instance.kind == "classification":
        features = instance.features
        squares = features.multiply(features) if instance.sparse else features * features
        return 1.0 / math.sqrt(float(np.max(squares.sum(axis=1))))
    return max(math.sqrt(size) if not cell.parametrization.linear else size, 1e-3)


def momentum_gain(cell: Cell) -> float:
    """Return how much farther than gradient descent a rule with memory moves per unit gradient.

    Measured: the kernel runs as plain Python under a constant gradient until its step settles;
    heavy ball gives 1 / (1 - momentum).  1 for rules without a slot in the gradient's unit.
    """
    optimizer = cell.choice.optimizer
    if not any(slot.degree == 1 for slot in optimizer.slots.values()):
        return 1.0
    if set(optimizer.needs) - {"theta", "grad", "step"}:
        return 1.0
    rate = 1e-3
    hypers = dict(zip(optimizer.hypers, cell.choice.hypers(rate), strict=True))
    theta = np.zeros(1)
    values: dict[str, object] = {"theta": theta, "grad": np.ones(1), **hypers}
    values |= {name: np.full(1, slot.initial) for name, slot in optimizer.slots.items()}
    moved = 0.0
    try:
        with np.errstate(all="ignore"):
            for step in range(1, 301):
                before = float(theta[0])
                optimizer.kernel(*({**values, "step": step}[name] for name in optimizer.arguments))
                moved = abs(float(theta[0]) - before) / rate
    except Exception:  # a plug-in may do anything; the compiled run says what it did
        return 1.0
    return max(moved, 1.0) if math.isfinite(moved) else 1.0


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
    with np.errstate(invalid="ignore"):  # inf - inf where the first loss is infinite
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
        stop: StopSignal,
        perturbation: float,
        threads: int = 1,
    ) -> None:
        self.cell = cell
        self.seeds = list(range(seeds))
        self.horizon = horizon
        self.given = rates
        self.stop = stop
        self.perturbation = perturbation
        self.threads = threads

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
                0.0 if instance.seeded else self.perturbation,
                self.threads,
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
        """Steps that every rate gets: enough to see divergence, whatever the horizon."""
        if self.given is not None or self.cell.choice.tuned is None:
            return self.horizon
        return min(max(self.horizon // 100, 200), self.horizon)

    def _advance_all(self, chunks: list[Chunk], horizon: int) -> None:
        for chunk in chunks:
            chunk.advance(horizon, stop=self.stop)

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
        if self.cell.choice.tuned is None or self.given is not None:
            tuned = self.cell.choice.tuned is not None
            rates: list[float | None] = [*sorted(self.given or ())] if tuned else [None]
            runs = self.start(rates)
            found = Search(rates, runs, self.scores(runs), self._diverged(runs))
            found.at_edge = len(rates) > 1 and found.best in (0, len(rates) - 1)
            return found
        found = self._short_runs()
        self._long_runs(found)
        found.critical = self._critical(found)
        return found

    def _short_runs(self) -> Search:
        """Run the grid for the short horizon and widen it while the winner sits on its edge."""
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
        rates: list[float | None] = [unit * 10.0**decade for decade in decades]
        found = Search(rates, runs, scores, self._diverged(runs))
        found.sensitivity = self._sensitivity(scores)
        found.at_edge = found.best == 0 or (found.best == len(rates) - 1 and not separable)
        return found

    def _long_runs(self, found: Search) -> None:
        """Continue the finalists, then the winner; among rates that all diverge none goes on."""
        if not np.isfinite(found.scores).any():
            return
        near = [found.best + k for k in FINALISTS if 0 <= found.best + k < len(found.rates)]
        self._continue(found, near, max(self.horizon // 10, self._short()))
        self._continue(found, [found.best], self.horizon)

    def _continue(self, found: Search, chosen: list[int], horizon: int) -> None:
        """Continue some rates; those that still run compete from now on, if any does."""
        self._advance_together([found.runs[index] for index in chosen], horizon)
        scores = np.full(len(found.rates), math.inf)
        scores[chosen] = self.scores([found.runs[index] for index in chosen])
        if np.isfinite(scores).any():
            found.scores = scores

    def _advance_together(self, runs: list[list[Chunk]], horizon: int) -> None:
        """Advance runs of several rates as one batch: four runs cost little more than two alone."""
        groups: dict[tuple[int, int, int], list[tuple[int, int]]] = {}
        for rate, chunks in enumerate(runs):
            for place, chunk in enumerate(chunks):
                # Seeds may have instances of their own; what has ended stands at another step.
                alike = (id(chunk.combination.data), chunk.step, len(chunk.status))
                groups.setdefault(alike, []).append((rate, place))
        for (_, _, size), places in groups.items():
            most = max(CHUNK_RUNS // size, 1)
            for first in range(0, len(places), most):
                batch = places[first : first + most]
                whole = Chunk.joined([runs[rate][place] for rate, place in batch])
                whole.advance(horizon, stop=self.stop)
                for k, (rate, place) in enumerate(batch):
                    runs[rate][place] = whole.subset(np.arange(k * size, (k + 1) * size))

    def _critical(self, found: Search) -> float | None:
        """Bracket the smallest rate that diverges within the short run."""
        for index in range(1, len(found.rates)):
            low, high = found.rates[index - 1], found.rates[index]
            if low and high and found.diverged[index] and not found.diverged[index - 1]:
                break
        else:
            return None
        for _ in range(2):
            inner = list(np.geomspace(low, high, 7)[1:-1])
            diverged = self._diverged(self.start([float(rate) for rate in inner]))
            first = int(np.argmax(diverged)) if diverged.any() else len(inner)
            edges = [low, *inner, high]
            low, high = float(edges[first]), float(edges[first + 1])
        return math.sqrt(low * high)

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
