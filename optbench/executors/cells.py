"""Search the learning rate of every cell; then all winners go to the horizon side by side."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

from optbench.engine.stop import StopSignal
from optbench.executors.batches import advance_at_once
from optbench.executors.local import run_tasks
from optbench.tune import Search, Tuner

Report = Callable[[str, int, int], None]


def run_cells(
    tuners: Sequence[Tuner],
    horizon: int,
    threads: int,
    stop: StopSignal,
    report: Report = lambda label, done, total: None,
) -> list[Search | None]:
    """Run cells.

    Parameters
    ----------
    tuners : sequence of Tuner
        One a cell.
    horizon : int
        Number of steps.
    threads : int
        The results do not depend on it.
    report : callable, optional
        ``report(label, done, total)``.

    Returns
    -------
    list of Search or None
        None where Ctrl-C came before the cell began.
    """
    tasks = [tuner.search for tuner in tuners]
    searches = run_tasks(tasks, threads, stop, lambda done: report("searching", done, len(tasks)))
    pairs = [(tuner, found) for tuner, found in zip(tuners, searches, strict=True) if found]
    chunks = [chunk for _, found in pairs for chunk in found.chunks(found.longest)]
    advanced = iter(
        advance_at_once(chunks, horizon, stop, threads, functools.partial(report, "running"))
    )
    for tuner, found in pairs:
        found.replace(found.longest, advanced)
        tuner.finish(found)
    return searches
