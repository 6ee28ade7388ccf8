"""One contender in a process of its own: answers one JSON line for each JSON line it reads.

``{"load": null}`` imports what it needs, ``{"prepare": FILE}`` compiles for a task,
``{"final": FILE}`` runs once and writes the last iterate, ``{"time": null}`` runs once and
answers the seconds.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peers.task import Fresh, Unsupported, load_task


class Worker:
    """What one contender keeps between two requests."""

    def __init__(self, peer: str, threads: int) -> None:
        self._peer = importlib.import_module(f"benchmarks.peers.{peer}")
        self._threads = threads
        self._fresh: Fresh

    def load(self, _: None) -> dict[str, Any]:
        """Import the contender's libraries, which is no compile time; answer their versions."""
        for name in self._peer.REQUIRES:
            if importlib.util.find_spec(name) is None:
                return {"unsupported": f"{name} is not installed"}
            importlib.import_module(name)
        return {"versions": {name: version(name) for name in self._peer.REQUIRES}}

    def prepare(self, file: str) -> dict[str, Any]:
        """Compile for a task; answer the seconds and the threads in use."""
        task = load_task(Path(file))
        began = time.perf_counter()
        try:
            self._fresh = self._peer.prepare(task, self._threads)
        except Unsupported as reason:
            return {"unsupported": str(reason)}
        seconds = time.perf_counter() - began
        used = getattr(self._peer, "used_threads", lambda task, threads: threads)
        return {"seconds": seconds, "threads": used(task, self._threads)}

    def final(self, file: str) -> dict[str, Any]:
        """Run once, untimed: a warm-up whose last iterate is checked."""
        np.save(file, self._fresh()())
        return {}

    def time(self, _: None) -> dict[str, Any]:
        """Run once from the start; answer wall and processor seconds."""
        run = self._fresh()
        wall, processor = time.perf_counter(), time.process_time()
        run()
        return {
            "seconds": time.perf_counter() - wall,
            "processor_seconds": time.process_time() - processor,
        }


def serve(peer: str, threads: int) -> None:
    """Answer requests until the input ends."""
    # Libraries print to standard output when they like: the answers get it for themselves.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    worker = Worker(peer, threads)
    for line in sys.stdin:
        ((name, argument),) = json.loads(line).items()
        answers.write(json.dumps(getattr(worker, name)(argument)) + "\n")


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]))
