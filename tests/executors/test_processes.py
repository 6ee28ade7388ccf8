"""Work in processes: order, and an end at Ctrl-C that waits for nobody."""

from __future__ import annotations

import operator
import os
import signal
import subprocess
import sys

import pytest

from optbench.executors.processes import map_in_processes

WAITING = """
import signal, time
from optbench.executors.processes import map_in_processes

# a shell's background jobs, such as a CI's, start with SIGINT ignored
signal.signal(signal.SIGINT, signal.default_int_handler)
try:
    for _ in map_in_processes(time.sleep, [0, 0, 60, 60, 60, 60], 2):
        print("done", flush=True)
except KeyboardInterrupt:
    print("interrupted")
"""


def test_results_stand_in_the_order_of_the_items():
    assert list(map_in_processes(operator.neg, [3, 1, 2], 2)) == [-3, -1, -2]


@pytest.mark.skipif(os.name != "posix", reason="a terminal's Ctrl-C is a signal to the group")
def test_ctrl_c_ends_all_processes_at_once():
    with subprocess.Popen(
        [sys.executable, "-c", WAITING], stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as command:
        assert command.stdout is not None
        assert [command.stdout.readline() for _ in range(2)] == ["done\n"] * 2
        os.killpg(command.pid, signal.SIGINT)
        assert command.communicate(timeout=20)[0] == "interrupted\n"
