"""Run all cells: whatever their searches ask for next advances as soon as a thread is free."""

from __future__ import annotations

import functools
import itertools
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from optbench.engine.chunk import Chunk
from optbench.engine.stop import StopSignal
from optbench.executors.batches import Batch, plan_batches
from optbench.executors.local import run_tasks
from optbench.progress import Report
from optbench.tuning.search import Search, Tuner
from optbench.tuning.starts import Asking


def run_cells(
    tuners: Sequence[Tuner],
    threads: int,
    stop: StopSignal,
    report: Report = lambda done, total, label: None,
) -> list[Search]:
    """Run every cell's search to its end.

    Parameters
    ----------
    tuners : sequence of Tuner
        One a cell; those of an instance are neighbours.
    threads : int
        The results do not depend on it.
    stop : StopSignal
        Set on Ctrl-C: all searches then end with what they have.
    report : callable, optional
        ``report(done, total, label)``, from another thread: cells that have ended.

    Returns
    -------
    list of Search
        In the order of the cells.
    """
    # Ctrl-C reaches the main thread, which waits here, and not the searches.
    task = functools.partial(_run, tuners, threads, stop, report)
    (searches,) = run_tasks([task], 1, stop)
    return task() if searches is None else searches


class InstanceSearches:
    """The searches on one instance: what they wait for, and in the end what they found."""

    def __init__(self, tuners: Sequence[Tuner]) -> None:
        self.found: list[Search] = []
        self._rounds = in_rounds(tuners)
        self._advanced: list[Chunk] | None = None
        self._missing = 0

    def ask(self, threads: int) -> list[Batch]:
        """Return the batches that are to advance next; none when all searches have ended."""
        batches: list[Batch] = []
        while not batches:
            try:
                chunks, horizon = self._rounds.send(self._advanced)  # type: ignore[arg-type]
            except StopIteration as end:
                self.found = end.value
                break
            self._advanced = chunks
            batches = plan_batches(chunks, horizon, threads)
        self._missing = len(batches)
        return batches

    def take(self, batch: Batch, advanced: Sequence[Chunk]) -> bool:
        """Take a batch that has advanced; return whether none is missing now."""
        assert self._advanced is not None
        for place, chunk in zip(batch.places, advanced, strict=True):
            self._advanced[place] = chunk
        self._missing -= 1
        return self._missing == 0


def _run(tuners: Sequence[Tuner], threads: int, stop: StopSignal, report: Report) -> list[Search]:
    """Begin with an instance when a thread has nothing else to do.

    No thread waits for another's last batch, and few instances are under way when time is up.
    """
    searched = [InstanceSearches(own) for own in by_instance(tuners)]
    queue: deque[tuple[InstanceSearches, Batch]] = deque()
    running: dict[Future[list[Chunk]], tuple[InstanceSearches, Batch, int]] = {}

    def resume(one: InstanceSearches) -> None:
        queue.extend((one, batch) for batch in one.ask(threads))
        report(sum(len(one.found) for one in searched), len(tuners), "running")

    further, free = iter(searched), threads
    with ThreadPoolExecutor(threads) as pool:
        while True:
            while len(queue) < free and (one := next(further, None)) is not None:
                resume(one)
            # as many threads for each batch as there are: more than one if nothing else is to do
            share = max(free // max(len(queue), 1), 1)
            while queue and free > 0:
                one, batch = queue.popleft()
                running[pool.submit(batch.advance, stop, share)] = one, batch, share
                free -= share
            if not running:
                return [search for one in searched for search in one.found]
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                one, batch, share = running.pop(future)
                free += share
                if one.take(batch, future.result()):
                    resume(one)


def by_instance(tuners: Sequence[Tuner]) -> Iterator[list[Tuner]]:
    """Cut cells into those of one instance each."""
    for _, own in itertools.groupby(tuners, lambda tuner: id(tuner.cell.instances)):
        yield list(own)


def in_rounds(tuners: Sequence[Tuner]) -> Asking[list[Search]]:
    """Join searches: requests for the fewest steps first, finalists wait for all other searches."""
    searches = [tuner.search() for tuner in tuners]
    waiting: dict[int, tuple[list[Chunk], int]] = {}
    found: dict[int, Search] = {}

    def resume(cell: int, advanced: list[Chunk] | None) -> None:
        try:
            waiting[cell] = searches[cell].send(advanced)  # type: ignore[arg-type]
        except StopIteration as end:
            found[cell] = end.value

    for cell in range(len(tuners)):
        resume(cell, None)
    while waiting:
        horizon = min(steps for _, steps in waiting.values())
        turn = [cell for cell, (_, steps) in waiting.items() if steps == horizon]
        requests = [waiting.pop(cell)[0] for cell in turn]
        advanced = iter((yield [chunk for chunks in requests for chunk in chunks], horizon))
        for cell, chunks in zip(turn, requests, strict=True):
            resume(cell, [next(advanced) for _ in chunks])
    return [found[cell] for cell in range(len(tuners))]
