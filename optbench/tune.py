"""Learning-rate search: the same budget for every optimizer, in batched calls.

Thirteen rates, two a decade, run a hundredth of the horizon; the four around the winner (two
smaller, one larger: smaller rates gain from more steps) run a tenth; the best runs all of it,
side by side with the best of other optimizers on the same data.  A
winner on the edge of the grid widens it, at most twice.  On separable data the infimum is at
infinity and larger rates always look faster, while the theorems on implicit bias ask for small
ones: there the grid ends at the natural rate (2 / L, or the step that moves no margin by more than
one).  The critical rate, between the largest that survives the short run and the next, which
diverges, is bracketed to 4%.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias, TypeVar

import numpy as np

from optbench.engine.chunk import Chunk
from optbench.instance import Instance
from optbench.runs import RunSpec, prepare
from optbench.solutions import solved
from optbench.status import Status
from optbench.study import FLOW_RATE, Cell
from optbench.targets import RELATIVE_TARGETS, log_suboptimality
from optbench.until_verdict import Settled, cut_short, go_on

GRID = np.arange(-10, 3) / 2.0  # decades relative to the natural rate: 1e-5, ..., 1e1
SEPARABLE_GRID = np.arange(-12, 1) / 2.0  # the same number of rates, ending at the natural one
WIDEN = 4
FINALISTS = (-2, -1, 0, 1)
SOLVED = math.log(RELATIVE_TARGETS[-1])  # relative gap at which speed decides
BELOW_ALL = 1000.0  # no logarithm of a positive number is as low as minus that

Result = TypeVar("Result")
# Asks for runs to be advanced to a step, is sent them, and returns something in the end.
Asking: TypeAlias = Generator[tuple[list[Chunk], int], list[Chunk], Result]


@dataclass
class Search:
    """All runs of one cell at some rates; a row of ``scores`` a rate.

    Attributes
    ----------
    rates : list of float or None
        Learning rates in increasing order (``[None]`` when nothing is tuned).
    runs : list of list of Chunk
        For each rate, one list of chunks: all seeds.
    scores : ndarray, float64 (rates,)
        Lower is better, see :func:`score`.
    diverged : ndarray of bool (rates,)
        Whether any seed did.
    longest : list of int
        Which rates went on to more steps.
    further : list of Chunk
        The winner's runs beyond the horizon, where they went on until there was a verdict.
    complete : bool
        Whether nothing was cut short by Ctrl-C or the time limit.
    """

    rates: list[float | None]
    runs: list[list[Chunk]]
    scores: np.ndarray
    diverged: np.ndarray
    longest: list[int] = field(default_factory=list)
    further: list[Chunk] = field(default_factory=list)
    complete: bool = True
    at_edge: bool = False
    sensitivity: float | None = None
    critical: float | None = None

    @property
    def best(self) -> int:
        """Index of the winning rate."""
        return int(np.argmin(self.scores))

    def chunks(self, chosen: Sequence[int]) -> list[Chunk]:
        """Return the runs of some rates, rate after rate."""
        return [chunk for index in chosen for chunk in self.runs[index]]

    def replace(self, chosen: Sequence[int], advanced: Iterator[Chunk]) -> None:
        """Put runs that went on, in the order of :meth:`chunks`, in the place of the former."""
        for index in chosen:
            self.runs[index] = [next(advanced) for _ in self.runs[index]]


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


def flow_rate(cell: Cell) -> float:
    """Return a learning rate whose steps follow gradient flow through the parametrization.

    A part of the natural rate.  Where w starts far below its solution it grows by factors first,
    and every step adds to its logarithm an error of the order of the rate: the rate falls with
    that logarithm.
    """
    start = cell.instance.start
    first = cell.parametrization.scale or 1.0
    first = first**2 if start is None else float(np.max(np.abs(start)))
    growth = solution_size(cell.instance) / first if first > 0.0 else 1.0
    return FLOW_RATE * natural_rate(cell) / (1.0 + math.log(max(growth, 1.0)))


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
    hypers = optimizer.given(cell.choice.hypers(rate))
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
    if instance.kind == "classification" or not solved(instance):
        return 1.0
    sizes = [float(np.max(np.abs(r.solution))) for r in solved(instance).values()]
    return min(sizes)


def score(instance: Instance, chunk: Chunk) -> np.ndarray:
    """Rank runs, lower is better: steps to a relative gap of 1e-8, else the final gap.

    Returns
    -------
    ndarray, float64 (K,)
        In [-1, 0) when solved, the final log relative gap shifted above 0 else; inf: diverged.
    """
    records = chunk.records
    if math.isnan(instance.optimum):
        return _score_by_loss(chunk)
    gaps = log_suboptimality(records.log_loss, records.loss, instance.optimum)
    with np.errstate(invalid="ignore"):  # inf - inf where the first loss is infinite
        relative = gaps - gaps[0]
    kept = chunk.passages(instance.optimum).kept[:, -1]
    scores = np.empty(relative.shape[1])
    for run, status in enumerate(chunk.status):
        recorded = ~np.isnan(relative[:, run])
        known = relative[recorded, run]
        if not status.has_numbers or known.size == 0:
            scores[run] = math.inf
            continue
        if math.isfinite(kept[run]):
            scores[run] = -1.0 / (2.0 + math.log1p(kept[run]))
        else:
            scores[run] = max(float(known[-1]), SOLVED) - SOLVED
    return scores


def _score_by_loss(chunk: Chunk) -> np.ndarray:
    """Rank runs by their last loss, as there is no optimum; in factors of it while positive."""
    scores = np.full(len(chunk.status), math.inf)
    for run, status in enumerate(chunk.status):
        known = np.flatnonzero(~np.isnan(chunk.records.loss[:, run]))
        if status.has_numbers and known.size:
            log_loss = chunk.records.log_loss[known[-1], run]
            last = chunk.records.loss[known[-1], run]
            below = -BELOW_ALL - math.log1p(max(-last, 0.0))
            scores[run] = 2.0 * BELOW_ALL + (below if last < 0.0 else max(log_loss, -BELOW_ALL))
    return scores


class Tuner:
    """Search the learning rate of one cell, and let the winner run to the horizon.

    The search asks for the runs that it needs next: whoever drives it advances them, side by side
    with those of other cells (:func:`optbench.executors.cells.run_cells`).
    """

    def __init__(
        self,
        cell: Cell,
        seeds: int,
        horizon: int,
        rates: list[float] | None,
        perturbation: float,
        settled: Settled | None = None,
    ) -> None:
        self.cell = cell
        self.seeds = list(range(seeds))
        self.horizon = horizon
        self.short = min(max(horizon // 100, 200), horizon)  # enough to see divergence
        self.longer = max(horizon // 10, self.short)  # of the finalists
        self.given = rates
        self.perturbation = perturbation
        self.settled = settled

    def search(self) -> Asking[Search]:
        """Run the whole search, and the winner on until it has settled where that was asked for.

        Yields
        ------
        (list of Chunk, int)
            Runs, and the step that they are to reach; they are sent back, in the same order.

        Returns
        -------
        Search
        """
        found = yield from self._search()
        if self.settled is not None:
            yield from go_on(self.cell, found, self.horizon, self.settled)
        return found

    def _search(self) -> Asking[Search]:
        searched = self.cell.choice.tuned is not None and not self.cell.choice.follows_flow
        if self.given is None and searched:
            found = yield from self._short_runs()
            found.critical = yield from self._critical(found)
            if np.isfinite(found.scores).any():  # among rates that all diverge none goes on
                near = [found.best + k for k in FINALISTS]
                found.longest = [rate for rate in near if 0 <= rate < len(found.rates)]
                yield from self._continue(found, self.longer)
                found.longest = [found.best]
                yield from self._continue(found, self.horizon)
            return found
        rates: list[float | None] = [None]
        if self.given is not None and self.cell.choice.tuned is not None:
            rates = [*sorted(self.given)]
        elif self.cell.choice.follows_flow:
            rates = [flow_rate(self.cell)]
        return (yield from self._without_search(rates))

    def _without_search(self, rates: list[float | None]) -> Asking[Search]:
        """Run all rates to the horizon; where others are searched, with the same records."""
        stages = [self.horizon]
        if self.given is None:
            stages = [self.short, self.longer, self.horizon]
        runs = yield from self.start(rates, stages[0])
        blank = np.full(len(rates), math.inf), np.zeros(len(rates), bool)
        found = Search(rates, runs, *blank, longest=list(range(len(rates))))
        self._rank(found)
        for stage in stages[1:]:
            yield from self._continue(found, stage)
        found.diverged = self._diverged(found.runs)
        found.at_edge = len(rates) > 1 and found.best in (0, len(rates) - 1)
        return found

    def start(self, rates: list[float | None], horizon: int) -> Asking[list[list[Chunk]]]:
        """Return runs from the start to ``horizon``, for each rate one chunk an instance."""
        seeds = self.seeds
        groups = [(self.cell.instance, seeds)]
        if self.cell.instance.seeded:
            groups = [(instance, [seed]) for seed, instance in enumerate(self.cell.instances)]
        fresh = [self._fresh(rates, instance, seeds) for instance, seeds in groups]
        advanced = iter((yield [chunk for chunks in fresh for chunk in chunks], horizon))
        by_rate: list[list[Chunk]] = [[] for _ in rates]
        for (_, seeds), chunks in zip(groups, fresh, strict=True):
            own = [next(advanced) for _ in chunks]
            flat = [(chunk, row) for chunk in own for row in range(len(chunk.status))]
            for index in range(len(rates)):
                mine = flat[index * len(seeds) : (index + 1) * len(seeds)]
                for chunk in dict.fromkeys(chunk for chunk, _ in mine):
                    rows = np.array([row for owner, row in mine if owner is chunk])
                    by_rate[index].append(chunk.subset(rows))
        return by_rate

    def _fresh(
        self, rates: list[float | None], instance: Instance, seeds: list[int]
    ) -> list[Chunk]:
        """Return runs that have not begun: rate after rate, seed after seed."""
        choice = self.cell.choice
        shared = RunSpec(
            instance,
            self.cell.parametrization,
            choice.optimizer,
            (),
            self.horizon,
            perturbation=0.0 if instance.seeded else self.perturbation,
            snapshots="last decades",  # whether w has settled
            passages=True,
        )
        values = [tuple(choice.hypers(rate).tolist()) for rate in rates]
        return prepare([replace(shared, hypers=own, seed=s) for own in values for s in seeds])

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

    def _short_runs(self) -> Asking[Search]:
        """Run the grid for the short horizon and widen it while the winner sits on its edge."""
        unit = natural_rate(self.cell)
        separable = self.cell.instance.kind == "classification"
        decades = list(SEPARABLE_GRID if separable else GRID)
        runs = yield from self.start([unit * 10.0**decade for decade in decades], self.short)
        scores = self.scores(runs)
        for _ in range(2):
            best = int(np.argmin(scores))
            smaller = not np.isfinite(scores[best]) or best == 0
            if not smaller and (separable or best < len(decades) - 1):
                break
            if smaller:
                more = [decades[0] - k / 2.0 for k in range(WIDEN, 0, -1)]
            else:
                more = [decades[-1] + k / 2.0 for k in range(1, WIDEN + 1)]
            fresh = yield from self.start([unit * 10.0**decade for decade in more], self.short)
            parts = [(more, fresh, self.scores(fresh)), (decades, runs, scores)]
            first, second = parts if smaller else parts[::-1]
            decades, runs = first[0] + second[0], first[1] + second[1]
            scores = np.concatenate([first[2], second[2]])
        rates: list[float | None] = [unit * 10.0**decade for decade in decades]
        found = Search(rates, runs, scores, self._diverged(runs))
        found.complete = not self._cut_short([chunk for chunks in runs for chunk in chunks])
        found.sensitivity = self._sensitivity(scores)
        found.at_edge = found.best == 0 or (found.best == len(rates) - 1 and not separable)
        return found

    def _continue(self, found: Search, horizon: int) -> Asking[None]:
        """Let the rates that go on compete at ``horizon`` steps."""
        advanced = yield found.chunks(found.longest), horizon
        found.replace(found.longest, iter(advanced))
        self._rank(found)

    def _rank(self, found: Search) -> None:
        """Score the rates that have gone further than the others, if any of them still runs."""
        found.complete &= not self._cut_short(found.chunks(found.longest))
        scores = np.full(len(found.rates), math.inf)
        scores[found.longest] = self.scores([found.runs[index] for index in found.longest])
        if np.isfinite(scores).any():
            found.scores = scores

    def _critical(self, found: Search) -> Asking[float | None]:
        """Bracket the smallest rate that diverges within the short run; None when cut short."""
        for index in range(1, len(found.rates)):
            low, high = found.rates[index - 1], found.rates[index]
            if low and high and found.diverged[index] and not found.diverged[index - 1]:
                break
        else:
            return None
        for _ in range(2):
            inner = [float(rate) for rate in np.geomspace(low, high, 7)[1:-1]]
            runs = yield from self.start([*inner], self.short)
            if self._cut_short([chunk for chunks in runs for chunk in chunks]):
                found.complete = False
                return None
            diverged = self._diverged(runs)
            first = int(np.argmax(diverged)) if diverged.any() else len(inner)
            edges = [low, *inner, high]
            low, high = edges[first], edges[first + 1]
        return math.sqrt(low * high)

    def _cut_short(self, chunks: Sequence[Chunk]) -> bool:
        """Whether Ctrl-C or the time limit ended a run."""
        return any(map(cut_short, chunks))

    def _diverged(self, runs: list[list[Chunk]]) -> np.ndarray:
        return np.array(
            [any(Status.DIVERGED in chunk.status for chunk in chunks) for chunks in runs],
            dtype=bool,
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
