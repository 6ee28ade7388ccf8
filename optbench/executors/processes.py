"""Work in processes of their own, for what threads cannot share: loading plug-ins, compiling."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def map_in_processes(
    task: Callable[[Item], Result], items: Sequence[Item], processes: int
) -> Iterator[Result]:
    """Yield ``task(item)`` of each item, in the order of the items.

    Parameters
    ----------
    task : callable
        With an import name, or a :class:`functools.partial` of such a function.
    items : sequence
        What the tasks need and return is pickled.
    processes : int
        How many work at the same time.
    """
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context, initializer=_end_at_ctrl_c) as pool:
        yield from pool.map(task, items)


def _end_at_ctrl_c() -> None:
    """End without a traceback; the first process, which is interrupted too, answers for all."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_DFL)
