"""Run independent tasks on local threads; the results do not depend on their number."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TypeVar

from optbench.engine.stop import StopSignal

Result = TypeVar("Result")


def default_threads() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run_tasks(
    tasks: Sequence[Callable[[], Result]],
    threads: int,
    stop: StopSignal,
    done: Callable[[int], None] | None = None,
) -> list[Result | None]:
    """Run tasks on ``threads`` threads; kernels release the interpreter lock.

    Parameters
    ----------
    tasks : sequence of callable
        Each watches ``stop`` and returns early with what it has.
    threads : int
        One level of threads only: BLAS is pinned to one thread meanwhile.
    stop : StopSignal
        Set on Ctrl-C; tasks that have not begun are then left out (None).
    done : callable, optional
        Called with the number of finished tasks.

    Returns
    -------
    list
        Results in the order of the tasks.

    Raises
    ------
    Exception
        The first error of a task, in the order of the tasks.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1), ThreadPoolExecutor(threads) as pool:
        futures: list[Future[Result]] = [pool.submit(task) for task in tasks]
        pending = set(futures)
        while pending:
            try:
                wait(pending, timeout=0.2, return_when=FIRST_COMPLETED)
                if done is not None:
                    done(sum(future.done() for future in futures))
            except KeyboardInterrupt:
                stop.set()
                for future in pending:
                    future.cancel()
            pending = {future for future in pending if not future.done()}
    return [None if future.cancelled() else future.result() for future in futures]
