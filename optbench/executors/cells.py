"""Run all cells: whatever their searches ask for next advances side by side."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

from optbench.engine.chunk import Chunk
from optbench.engine.stop import StopSignal
from optbench.executors.batches import advance_all
from optbench.executors.local import run_tasks
from optbench.tune import Search, Tuner

Report = Callable[[str, int, int], None]


def run_cells(
    tuners: Sequence[Tuner],
    threads: int,
    stop: StopSignal,
    report: Report = lambda label, done, total: None,
) -> list[Search]:
    """Run every cell's search to its end.

    Parameters
    ----------
    tuners : sequence of Tuner
        One a cell.
    threads : int
        The results do not depend on it.
    stop : StopSignal
        Set on Ctrl-C: all searches then end with what they have.
    report : callable, optional
        ``report(label, done, total)``, from another thread.

    Returns
    -------
    list of Search
        In the order of the cells.
    """
    # Ctrl-C reaches the main thread, which waits here, and not the searches.
    task = functools.partial(_in_rounds, tuners, threads, stop, report)
    (searches,) = run_tasks([task], 1, stop)
    return task() if searches is None else searches


def _in_rounds(
    tuners: Sequence[Tuner], threads: int, stop: StopSignal, report: Report
) -> list[Search]:
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
        turn = {k: waiting.pop(k)[0] for k, (_, steps) in [*waiting.items()] if steps == horizon}
        label = "running" if horizon == tuners[0].horizon else "searching"
        everything = [chunk for chunks in turn.values() for chunk in chunks]
        done = functools.partial(report, label)
        advanced = iter(advance_all(everything, horizon, stop, threads, done))
        for cell, chunks in turn.items():
            resume(cell, [next(advanced) for _ in chunks])
    return [found[cell] for cell in range(len(tuners))]
