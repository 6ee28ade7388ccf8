"""Run all cells: whatever their searches ask for next advances side by side."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence

from optbench.engine.chunk import Chunk
from optbench.engine.stop import StopSignal
from optbench.executors.batches import advance_all
from optbench.executors.local import run_tasks
from optbench.tune import Search, Tuner

Report = Callable[[int, int, str], None]
ENOUGH = 4  # cells a thread: with so many in a portion no thread waits long for the others


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
    task = functools.partial(_run_portions, tuners, threads, stop, report)
    (searches,) = run_tasks([task], 1, stop)
    return task() if searches is None else searches


def _run_portions(
    tuners: Sequence[Tuner], threads: int, stop: StopSignal, report: Report
) -> list[Search]:
    """Run some cells after others: what has ended is kept when time is up."""
    ended: list[Search] = []
    for portion in portions(tuners, ENOUGH * threads):
        report(len(ended), len(tuners), "running")
        ended += _in_rounds(portion, threads, stop)
    return ended


def portions(tuners: Sequence[Tuner], enough: int) -> Iterator[list[Tuner]]:
    """Cut cells into portions of at least ``enough``; those of an instance stay together."""
    portion: list[Tuner] = []
    for tuner in tuners:
        if len(portion) >= enough and tuner.cell.instances is not portion[-1].cell.instances:
            yield portion
            portion = []
        portion.append(tuner)
    if portion:
        yield portion


def _in_rounds(tuners: Sequence[Tuner], threads: int, stop: StopSignal) -> list[Search]:
    """Answer the requests for the fewest steps first: finalists wait for all other searches."""
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
        everything = [chunk for chunks in requests for chunk in chunks]
        advanced = iter(advance_all(everything, horizon, stop, threads))
        for cell, chunks in zip(turn, requests, strict=True):
            resume(cell, [next(advanced) for _ in chunks])
    return [found[cell] for cell in range(len(tuners))]
