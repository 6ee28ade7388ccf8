"""Which runs advance side by side: those on the same data, as many as keep every thread busy."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple

from optbench.engine.chunk import Chunk
from optbench.engine.stop import StopSignal
from optbench.engine.together import advance_together, batch_key, evaluated_together

JOINED_RUNS = 64  # four chunks of the thirteen rates of a search are 52: thirteen groups of four


class Batch(NamedTuple):
    """Some of the chunks of a request, which advance together."""

    places: list[int]  # among those of the request
    chunks: list[Chunk]
    horizon: int

    def advance(self, stop: StopSignal, threads: int) -> list[Chunk]:
        """Continue all of them, on so many threads."""
        return advance_together(self.chunks, self.horizon, stop, threads)


def plan_batches(chunks: Sequence[Chunk], horizon: int, threads: int) -> list[Batch]:
    """Return chunks in batches that advance together to ``horizon``, the most work first.

    Parameters
    ----------
    chunks : sequence of Chunk
        Of any data and optimizers.
    horizon : int
        The step that they are to reach.
    threads : int
        Batches are small enough to give each thread one, and large enough to share products. No
        bit of any run depends on it.
    """
    groups: dict[Hashable, list[int]] = {}
    for place, chunk in enumerate(chunks):
        groups.setdefault(batch_key(chunk), []).append(place)
    cuts = [places for group in groups.values() for places in _cut(chunks, group, threads)]
    cuts.sort(key=lambda places: -sum(_work(chunks[place]) for place in places))
    return [Batch(places, [chunks[place] for place in places], horizon) for places in cuts]


def _cut(chunks: Sequence[Chunk], group: Sequence[int], threads: int) -> list[list[int]]:
    """Cut chunks that may be joined into batches of whole chunks."""
    first = chunks[group[0]]
    count = sum(len(chunks[place].status) for place in group)
    most = _batch_size(first, count, threads)
    batches: list[list[int]] = []
    runs = 0
    # Runs in units of their own are evaluated one by one.  They come last, next to each other, so
    # that as few batches as possible have any.
    for place in sorted(group, key=lambda place: bool(chunks[place].combination.rule.rescale[0])):
        size = len(chunks[place].status)
        if not batches or runs + size > most:
            batches.append([])
            runs = 0
        batches[-1].append(place)
        runs += size
    return batches


def _batch_size(chunk: Chunk, count: int, threads: int) -> int:
    """Return how many of ``count`` runs a batch has: whole groups that share a product, or few."""
    each, group = -(-count // threads), evaluated_together(chunk)
    return each if each <= group // 2 else min(-(-each // group) * group, JOINED_RUNS)


def _work(chunk: Chunk) -> int:
    data = chunk.combination.data
    return len(chunk.status) * (data.panels.size + data.values.size)
