"""The harness's end of a worker: starts it with its threads pinned, asks, reads answers."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any

ROOT = Path(__file__).resolve().parents[2]

# What the user types, and the module of this package.
PEERS = {
    "optbench": "optbench_peer",
    "numpy": "numpy_loop",
    "torch": "torch_hand",
    "torch_optim": "torch_optim",
    "jax": "jax_loop",
    "optax": "optax_scan",
    "c": "c_peer",
}
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "NPROC",  # the size of XLA's thread pool
)


class Failed(Exception):
    """A worker died or cannot do what it was asked; the message is one line."""


def environment(threads: int) -> dict[str, str]:
    """Return this process's environment with every library's threads pinned."""
    pinned = dict.fromkeys(THREAD_VARIABLES, str(threads))
    flags = os.environ.get("XLA_FLAGS", "")
    if threads == 1:
        flags += " --xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    return {**os.environ, **pinned, "XLA_FLAGS": flags.strip(), "JAX_PLATFORMS": "cpu"}


class Contender:
    """A worker process for one peer; close it with ``with``.

    Parameters
    ----------
    name : str
        A key of ``PEERS``.
    python : str
        The interpreter that has the peer's libraries.
    threads : int
        Threads of every library in it.
    """

    def __init__(self, name: str, python: str, threads: int) -> None:
        self.name = name
        self.versions: dict[str, str] = {}
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed in __exit__
        self._process = subprocess.Popen(
            [python, "-m", "benchmarks.peers.worker", PEERS[name], str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            cwd=ROOT,
            env=environment(threads),
        )

    def load(self) -> None:
        """Let the worker import its libraries, and note their versions."""
        self.versions = self.ask("load")["versions"]

    def ask(self, request: str, argument: str | None = None) -> dict[str, Any]:
        """Send one request and return the answer.

        Raises
        ------
        Failed
            When the worker says that it cannot, or has died.
        """
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps({request: argument}) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            self._log.seek(0)
            last = self._log.read().strip().splitlines() or ["no message"]
            raise Failed(f"worker died in {request}: {last[-1]}")
        answer: dict[str, Any] = json.loads(line)
        if "unsupported" in answer:
            raise Failed(answer["unsupported"])
        return answer

    def __enter__(self) -> Contender:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._log.close()
