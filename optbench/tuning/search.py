"""The search for a learning rate: its winner is the best at the horizon of the rates it tried.

Thirteen rates run a hundredth of the horizon.  The best of them, two smaller ones and a larger one
run a tenth, the best of these all of it: the leader.  A fast rate that is ahead at a tenth may
stall at a larger gap than a slower one reaches, or blow up again.  So every rate within a decade
and a half of the leader runs on, until it has ended ahead or can no longer do so: a rate that is
above the target at a later step than the leader last was cannot end ahead.  Where the leader needs
less than a tenth of the horizon all rates have to show that.  A new leader is challenged in the
same way, until none is left that could end ahead, and the grid is widened, at most twice, when the
leader is at an end of it.  On separable data there is no floor to stall at: what is behind at a
tenth of the horizon stays behind, and only a leader that keeps the target soon is challenged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from optbench.engine.chunk import Chunk
from optbench.engine.records import record_steps
from optbench.status import Status
from optbench.study import Cell
from optbench.tuning import grid
from optbench.tuning.critical import critical_rate
from optbench.tuning.score import Score, least_kept, over_seeds, score
from optbench.tuning.sensitivity import width_in_decades
from optbench.tuning.starts import Asking, Starts

FINALISTS = (-2, -1, 0, 1)  # places in the grid around the best after a hundredth
CHALLENGERS = 3  # places on each side of the leader: a decade and a half
SHORTEST = 200  # steps: enough to see divergence
WIDENED = 2  # times


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
        return bool({Status.INTERRUPTED, Status.TIMEOUT} & set(self.statuses))


@dataclass
class Search:
    """All runs of one cell at the rates that were tried.

    Attributes
    ----------
    tried : list of Tried
        In increasing order of the rate.
    winner : Tried
    searched : bool
        Whether the rates are those of a search: not all of them run to the horizon.
    complete : bool
        Whether nothing was cut short by Ctrl-C or the time limit.
    sensitivity : float or None
        Width in decades of the rates that are nearly as good, see :mod:`optbench.tuning`.
    critical : float or None
        The border of divergence, see :func:`optbench.tuning.critical.critical_rate`.
    """

    tried: list[Tried]
    winner: Tried
    searched: bool = False
    complete: bool = True
    sensitivity: float | None = None
    critical: float | None = None
    ended: list[Tried] = field(default_factory=list)

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
        """Whether the winner is the smallest or the largest of several rates."""
        return len(self.tried) > 1 and self.best in (0, len(self.tried) - 1)


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
    ) -> None:
        self.cell = cell
        self.starts = Starts(cell, seeds, horizon, perturbation)
        self.horizon = horizon
        self.short = min(max(horizon // 100, SHORTEST), horizon)
        self.longer = max(horizon // 10, self.short)  # of the finalists
        self.given = rates

    def search(self) -> Asking[Search]:
        """Run the whole search.

        Yields
        ------
        (list of Chunk, int)
            Runs, and the step that they are to reach; they are sent back, in the same order.

        Returns
        -------
        Search
        """
        if self.given is None and self.cell.choice.tuned is not None:
            return (yield from self._searched())
        rates: list[float | None] = [None]
        if self.given is not None and self.cell.choice.tuned is not None:
            rates = [*sorted(self.given)]
        return (yield from self._without_search(rates))

    def _without_search(self, rates: list[float | None]) -> Asking[Search]:
        """Run all rates to the horizon; where others are searched, with the same records."""
        stages = [self.horizon]
        if self.given is None:
            stages = [self.short, self.longer, self.horizon]
        tried = yield from self._try(rates, stages[0])
        found = Search(tried, _best(tried))
        for stage in stages[1:]:
            yield from self._continue(found, tried, stage)
        found.complete = not any(each.cut_short for each in tried)
        found.ended, found.winner = list(tried), _best(tried)
        return found

    def _searched(self) -> Asking[Search]:
        """Try the grid, then let the best rates compete to the horizon."""
        unit = grid.natural_rate(self.cell)
        decades = grid.first_decades(self.cell.instance)
        tried = yield from self._try([unit * 10.0**decade for decade in decades], self.short)
        found = Search(tried, _best(tried), searched=True)
        found.complete = not any(each.cut_short for each in tried)
        for _ in range(WIDENED):
            yield from self._widen(found)
        found.critical = yield from critical_rate(self.starts, found, self.short)
        if found.complete and found.winner.score.lost < self.starts.seeds:
            yield from self._compete(found)
        found.sensitivity = width_in_decades(found)
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
        """Try more rates where the best is at an end of the grid; return whether there are any."""
