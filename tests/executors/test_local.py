"""Tasks on threads: order, errors, interruption."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from optbench.engine.stop import StopSignal
from optbench.executors.local import default_threads, run_tasks


def numbered(count, wait=0.0):
    def task(index):
        def work():
            time.sleep(wait * (count - index))  # the last task ends first
            return index

        return work

    return [task(index) for index in range(count)]


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_results_stand_in_the_order_of_the_tasks(threads):
    assert run_tasks(numbered(5, 0.01), threads, StopSignal()) == [0, 1, 2, 3, 4]
    assert run_tasks([], threads, StopSignal()) == []


def test_no_more_threads_than_asked_for():
    running, most, lock = [0], [0], threading.Lock()

    def task():
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        time.sleep(0.02)
        with lock:
            running[0] -= 1

    run_tasks([task] * 8, 2, StopSignal())
    assert most[0] == 2
    assert default_threads() >= 1


def blas_threads():
    """OpenMP's own limit belongs to each thread that asks; BLAS libraries have one for all."""
    return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]


def test_blas_has_one_thread_meanwhile():
    np.ones((2, 2)) @ np.ones((2, 2))
    seen = run_tasks([blas_threads], 1, StopSignal())
    assert set(seen[0]) <= {1}


def test_progress_counts_up_to_all():
    counts = []
    run_tasks(numbered(6), 2, StopSignal(), counts.append)
    assert counts == sorted(counts) and counts[-1] == 6


def test_the_first_error_in_the_order_of_the_tasks_is_raised():
    def fails(name, wait):
        def work():
            time.sleep(wait)
            raise RuntimeError(name)

        return work

    with pytest.raises(RuntimeError, match="first"):
        run_tasks([fails("first", 0.05), fails("second", 0.0)], 2, StopSignal())


def test_ctrl_c_stops_running_tasks_and_leaves_out_the_others():
    """The interruption reaches the main thread, here from the progress callback."""
    stop, began = StopSignal(), threading.Event()

    def patient():
        began.set()
        while not stop.is_set():
            time.sleep(0.001)
        return "what it has"

    def interrupt(count):
        if began.is_set() and not stop.is_set():
            raise KeyboardInterrupt

    results = run_tasks([patient] * 4, 1, stop, interrupt)
    assert stop.reason == "interrupted"
    assert results[0] == "what it has"
    assert results[2:] == [None, None]  # the second may have begun in between
