"""Search the learning rates of all cells; what goes on advances side by side."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

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
) -> list[Search | None]:
    """Run every rate for a short time, the finalists longer, and the winners to the horizon.

    Parameters
    ----------
    tuners : sequence of Tuner
        One a cell, all with the same horizon and learning rates.
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

    def advance(horizon: int, label: str) -> None:
        chunks = [chunk for _, found in pairs for chunk in found.chunks(found.longest)]
        done = functools.partial(report, label)
        advanced = iter(advance_all(chunks, horizon, stop, threads, done))
        for _, found in pairs:
            found.replace(found.longest, advanced)

    for first in tuners[:1]:
        if first.given is None:
            advance(first.longer, "searching")
            for tuner, found in pairs:
                tuner.narrow(found)
        advance(first.horizon, "running")
    for tuner, found in pairs:
        tuner.finish(found)
    return searches
