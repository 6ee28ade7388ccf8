"""Which runs advance side by side: those on the same data, as many as keep every thread busy."""

from __future__ import annotations

import functools
from collections.abc import Hashable, Sequence

from optbench.engine.chunk import Chunk
from optbench.engine.stop import StopSignal
from optbench.engine.together import advance_together, company, evaluated_together
from optbench.executors.local import run_tasks

JOINED_RUNS = 64  # four chunks of the thirteen rates of a search are 52: thirteen groups of four


def plan_batches(chunks: Sequence[Chunk], threads: int) -> list[list[int]]:
    """Return the places of chunks that advance together, the most work first.

    Parameters
    ----------
    chunks : sequence of Chunk
        What is to advance.
    threads : int
        Batches are small enough to give each thread one, and large enough to share products. No
        bit of any run depends on it.
    """
    groups: dict[Hashable, list[int]] = {}
    for place, chunk in enumerate(chunks):
        groups.setdefault(company(chunk), []).append(place)
    batches = [batch for group in groups.values() for batch in _cut(chunks, group, threads)]
    return sorted(batches, key=lambda batch: -sum(_work(chunks[place]) for place in batch))


def _cut(chunks: Sequence[Chunk], group: Sequence[int], threads: int) -> list[list[int]]:
    """Cut a company into batches of whole chunks."""
    first = chunks[group[0]]
    count = sum(len(chunks[place].status) for place in group)
    most = _batch_size(first, count, threads)
    batches: list[list[int]] = []
    runs = 0
    # runs in units of their own are evaluated one by one: they are neighbours, not everywhere
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


def advance_all(
    chunks: Sequence[Chunk],
    horizon: int,
    stop: StopSignal,
    threads: int,
) -> list[Chunk]:
    """Continue chunks to ``horizon`` steps, as many batches at once as there are threads.

    Parameters
    ----------
    chunks : sequence of Chunk
        Of any data and optimizers; all of them are returned, in the same order.
    threads : int
        Fewer batches than threads share them.
    """
    batches = plan_batches(chunks, threads)
    share = max(threads // max(len(batches), 1), 1)
    tasks = [
        functools.partial(advance_together, [chunks[k] for k in batch], horizon, stop, share)
        for batch in batches
    ]
    advanced = list(chunks)
    for batch, task, parts in zip(batches, tasks, run_tasks(tasks, threads, stop), strict=True):
        # what Ctrl-C left out returns at once, and its runs say what ended them
        for place, chunk in zip(batch, parts or task(), strict=True):
            advanced[place] = chunk
    return advanced
