"""The search for a learning rate: its winner is the best at the horizon of the rates it tried.

Thirteen rates run a hundredth of the horizon.  The best of them, two smaller ones and a larger one
run a tenth, the best of these all of it: the leader.  A fast rate that is ahead at a tenth may
stall at a larger gap than a slower one reaches, or blow up again.  So every rate within a decade
and a half of the leader, or at the target at an earlier step, runs on, until it has ended ahead or
can no longer do so: a rate that is above the target at a later step than the leader last was
cannot end ahead.  Where the leader keeps the target all rates have to show that: signs with a rate
300 times as large may come to rest first.  Where it was at a target and left it again, all smaller
ones have to, and larger ones up to three decades above.  Rivals run on in stages, and one that is
ahead before the others have ended becomes the leader: the step from which it keeps the target
bounds how far they must run.  A new leader is challenged in the same way, until none is left that
could end ahead, and the grid is widened, at most twice, when the leader is at an end of it and
ahead of the rate beside it.  On separable data there is no floor to stall at: what is behind at a
tenth of the horizon stays behind, and only a leader that keeps the target soon is challenged.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median

import numpy as np

from optbench.engine.chunk import Chunk
from optbench.engine.records import record_steps
from optbench.instance import Instance
from optbench.status import Status
from optbench.study import Cell
from optbench.tuning import grid
from optbench.tuning.critical import critical_rate
from optbench.tuning.score import Score, least_kept, left_again, over_seeds, score
from optbench.tuning.sensitivity import width_in_decades
from optbench.tuning.starts import Along, Asking, Starts
from optbench.tuning.until_verdict import Settled, cut_short, go_on

FINALISTS = (-2, -1, 0, 1)  # places in the grid around the best after a hundredth
CHALLENGERS = 3  # places on each side of the leader: a decade and a half
SHORTEST = 200  # steps: enough to see divergence
WIDENED = 2  # times
STAGES = 4  # of rivals, from a tenth of the horizon to all of it


@dataclass(eq=False)
class Tried:
    """One learning rate and its runs.

    Attributes
    ----------
    rate : float or None
        None where nothing is tuned.
    chunks : list of Chunk
        All seeds.
    score : Score
        As far as the runs have gone.
    short : Score
        After the short run, which all rates of a search have.
    asked : int
        The step that its runs were to reach.
    """

    rate: float | None
    chunks: list[Chunk]
    score: Score
    short: Score
    asked: int

    @property
    def statuses(self) -> list[Status]:
        """How each seed's run ended."""
        return [status for chunk in self.chunks for status in chunk.status]

    @property
    def diverged(self) -> bool:
        """Whether any seed did."""
        return Status.DIVERGED in self.statuses

    @property
    def cut_short(self) -> bool:
        """Whether Ctrl-C or the time limit ended a run."""
        return any(map(cut_short, self.chunks))


@dataclass
class Search:
    """All runs of one cell at the rates that were tried.

    Attributes
    ----------
    tried : list of Tried
        In increasing order of the rate.
    winner : Tried
    horizon : int
        How many steps the winner was to take.
    searched : bool
        Whether the rates are those of a search: not all of them run to the horizon.
    complete : bool
        Whether nothing was cut short by Ctrl-C or the time limit.
    sensitivity : float or None
        Width in decades of the rates that are nearly as good, see :mod:`optbench.tuning`.
    critical : float or None
        The border of divergence, see :func:`optbench.tuning.critical.critical_rate`.
    ended : list of Tried
        Those that ran to the horizon.
    further : list of Chunk
        The winner's runs beyond the horizon, where they went on until there was a verdict.
    widened : int
        How often the grid was.
    """

    tried: list[Tried]
    winner: Tried
    horizon: int
    searched: bool = False
    complete: bool = True
    sensitivity: float | None = None
    critical: float | None = None
    ended: list[Tried] = field(default_factory=list)
    further: list[Chunk] = field(default_factory=list)
    widened: int = 0

    @property
    def rates(self) -> list[float | None]:
        """Learning rates in increasing order; ``[None]`` when nothing is tuned."""
        return [each.rate for each in self.tried]

    @property
    def runs(self) -> list[list[Chunk]]:
        """For each rate its chunks: all seeds."""
        return [each.chunks for each in self.tried]

    @property
    def best(self) -> int:
        """Index of the winning rate."""
        return self.tried.index(self.winner)

    @property
    def at_edge(self) -> bool:
        """Whether the winner is the smallest or the largest of several, and ahead of the next."""
        if len(self.tried) == 1 or self.best not in (0, len(self.tried) - 1):
            return False
        beside = self.tried[1 if self.best == 0 else -2]
        return self.winner.score.lost > 0 or beside.score != self.winner.score


class Tuner:
    """Search the learning rate of one cell, or run the rates that were given.

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
        along: Along | None = None,
    ) -> None:
        self.cell = cell
        self.settled = settled
        self.starts = Starts(cell, seeds, horizon, perturbation, along)
        self.horizon = horizon
        self.short = min(max(horizon // 100, SHORTEST), horizon)
        self.longer = max(horizon // 10, self.short)  # of the finalists
        if cell.choice.optimizer.reads_horizon:  # a part of a run is none that ends there
            self.short = self.longer = horizon
        self.stages = [round(s) for s in np.geomspace(self.longer, horizon, STAGES + 1)[1:]]
        self.given = rates
        separable = grid.ends_at_natural_rate(cell.instance)
        self._reach = 0 if separable else CHALLENGERS

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
        if self.settled is not None and not self.cell.choice.optimizer.reads_horizon:
            yield from go_on(self.cell, found, self.horizon, self.settled)
        return found

    def _search(self) -> Asking[Search]:
        searched = self.cell.choice.tuned is not None and not self.cell.choice.follows_flow
        if self.given is None and searched:
            return (yield from self._searched())
        rates: list[float | None] = [None]
        if self.given is not None and self.cell.choice.tuned is not None:
            rates = [*sorted(self.given)]
        elif self.cell.choice.follows_flow:
            rates = [grid.flow_rate(self.cell)]
        return (yield from self._without_search(rates))

    def _without_search(self, rates: list[float | None]) -> Asking[Search]:
        """Run all rates to the horizon; where others are searched, with the same records."""
        stages = [self.horizon]
        if self.given is None:
            stages = [self.short, self.longer, self.horizon]
        tried = yield from self._try(rates, stages[0])
        found = Search(tried, _best(tried), self.horizon)
        for stage in stages[1:]:
            yield from self._continue(found, tried, stage)
        found.complete = not any(each.cut_short for each in tried)
        found.ended, found.winner = list(tried), _best(tried)
        return found

    def _searched(self) -> Asking[Search]:
        """Try the grid, then let the best rates compete to the horizon."""
        unit = grid.natural_rate(self.cell)
        rates = grid.first(unit, self.cell.instance)
        tried = yield from self._try([*rates], self.short)
        found = Search(tried, _best(tried), self.horizon, searched=True)
        found.complete = not any(each.cut_short for each in tried)
        while found.widened < WIDENED and (yield from self._widen(found)):
            found.winner = _best(found.tried)
        found.critical = yield from critical_rate(self.starts, found, self.short)
        if found.complete and found.winner.score.lost < self.starts.seeds:
            yield from self._compete(found)
        known = not any(math.isnan(each.optimum) for each in self.cell.instances)
        if known:
            found.sensitivity = width_in_decades([each.short for each in found.tried])
        return found

    def _try(self, rates: list[float | None], step: int) -> Asking[list[Tried]]:
        """Run rates from the start."""
        runs = yield from self.starts.at(rates, step)
        scores = [self._score(chunks) for chunks in runs]
        return [
            Tried(rate, chunks, own, own, step)
            for rate, chunks, own in zip(rates, runs, scores, strict=True)
        ]

    def _widen(self, found: Search) -> Asking[bool]:
        """Try more rates if the best is at an end of the grid that has no reason to be there."""
        smaller = found.best == 0
        limit = grid.ends_at_natural_rate(self.cell.instance)
        if not found.complete or not found.at_edge or (limit and not smaller):
            return False
        found.widened += 1
        ends = [each.rate for each in found.tried if each.rate is not None]
        fresh = yield from self._try([*grid.further(ends, smaller)], self.short)
        found.tried = [*fresh, *found.tried] if smaller else [*found.tried, *fresh]
        found.complete = not any(each.cut_short for each in fresh)
        return True

    def _compete(self, found: Search) -> Asking[None]:
        """Let rates run on until the best at the horizon has no rival left."""
        near = [found.best + k for k in FINALISTS]
        finalists = [found.tried[place] for place in near if 0 <= place < len(found.tried)]
        yield from self._continue(found, finalists, self.longer)
        contest = [_best(finalists)]
        while contest:
            yield from self._continue(found, contest, self.horizon)
            if not found.complete:
                return
            found.ended += contest
            found.winner = _best(found.ended)
            contest = yield from self._rivals(found)

    def _rivals(self, found: Search) -> Asking[list[Tried]]:
        """Return the rates that could still end ahead of the best at the horizon."""
        if found.widened < WIDENED:
            yield from self._widen(found)
        best = found.winner.score
        near = range(found.best - self._reach, found.best + self._reach + 1)
        if best.kept <= self.longer or (self._reach and math.isfinite(best.kept)):
            near = range(len(found.tried))
        elif any(left_again(*pair) for pair in self._pairs(found.winner.chunks)):
            # whatever is slower may stay where the leader bursts, and much larger rates, too
            near = range(near.stop + self._reach)
        rivals = [
            each
            for place, each in enumerate(found.tried)
            if each not in found.ended and (place in near or each.score[:3] < best[:3])
        ]
        decided = self.horizon
        if math.isfinite(best.kept):  # at the record after that whoever is above the target is out
            steps = record_steps(self.horizon)
            decided = int(steps[np.searchsorted(steps, best.kept)])
        for step in [*(step for step in self.stages if step < decided), decided]:
            yield from self._continue(found, rivals, step)
            if not found.complete:
                return []
            rivals = [each for each in rivals if self._bound(each) <= best]
            ahead = [each for each in rivals if each.score < best]
            if step < decided and ahead:  # as a leader it spares the others the rest of the way
                return [_best(ahead)]
        return rivals

    def _continue(self, found: Search, chosen: Sequence[Tried], step: int) -> Asking[None]:
        """Let the runs of some rates go on to a step, unless they went farther before."""
        behind = [each for each in chosen if each.asked < step]
        if not behind:
            return
        advanced = iter((yield [chunk for each in behind for chunk in each.chunks], step))
        for each in behind:
            each.chunks = [next(advanced) for _ in each.chunks]
            each.score, each.asked = self._score(each.chunks), step
        found.complete &= not any(each.cut_short for each in behind)

    def _score(self, chunks: Sequence[Chunk]) -> Score:
        return over_seeds([own for pair in self._pairs(chunks) for own in score(*pair)])

    def _bound(self, tried: Tried) -> Score:
        """Return a score that these runs cannot end below, however they go on."""
        kept = [least for pair in self._pairs(tried.chunks) for least in least_kept(*pair)]
        return Score(tried.score.lost, median(kept), 0.0, -math.inf, -math.inf)

    def _pairs(self, chunks: Sequence[Chunk]) -> Iterator[tuple[Instance, Chunk]]:
        instances = self.cell.instances
        for place, chunk in enumerate(chunks):
            yield instances[min(place, len(instances) - 1)], chunk


def _best(tried: Sequence[Tried]) -> Tried:
    return min(tried, key=lambda each: each.score)
