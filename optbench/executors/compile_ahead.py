"""Compile on two cores where the cache is empty: Numba compiles in one thread of a process.

A second process fills the cache: first the objective, which takes longest, then the optimizers from
the last to the first. This one compiles the loop and the optimizers from the first to the last, and
loads what it finds. Whatever the other does not deliver is compiled here.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import IO

import numba

from optbench.contract import Optimizer
from optbench.engine.bind import ENGINE_OBJECTIVES, bind_loop, bind_objective, bind_update
from optbench.engine.cache import is_kept, writable_root
from optbench.errors import UserError
from optbench.registry import load_registry


@contextlib.contextmanager
def compile_ahead(
    kinds: Sequence[str], optimizers: Sequence[Optimizer], plugins: Sequence[str]
) -> Iterator[Callable[[], None]]:
    """Begin to compile; yield what does this process's share and waits for the other's.

    Parameters
    ----------
    kinds : sequence of str
        Objectives of the engine that are needed: ``"dense"``, ``"sparse"``.
    optimizers : sequence of Optimizer
        Whose updates are needed.
    plugins : sequence of str
        Where else the second process finds optimizers.
    """
    missing = [kind for kind in kinds if not is_kept(ENGINE_OBJECTIVES[kind])]
    if not missing or not can_share_work():
        yield lambda: None
        return
    names = [optimizer.name for optimizer in reversed(optimizers)]
    child = subprocess.Popen(
        [sys.executable, "-m", __name__, json.dumps([missing, names, list(plugins)])],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )

    def finish() -> None:
        bind_loop()
        for optimizer in optimizers:
            with contextlib.suppress(UserError):  # whoever binds it again is told
                bind_update(optimizer)
        assert child.stdout is not None
        wait_for(len(missing), child.stdout)

    try:
        yield finish
    finally:
        child.kill()
        child.communicate()


def can_share_work() -> bool:
    """Whether a second process can be started, and leave what it compiles."""
    if numba.config.DISABLE_JIT or not sys.executable:
        return False
    try:
        writable_root()
    except OSError:
        return False
    return True


def wait_for(count: int, lines: IO[str]) -> None:
    """Read so many lines, or fewer if the process has ended."""
    for _ in range(count):
        if not lines.readline():
            return


def main(kinds: Sequence[str], optimizers: Sequence[str], plugins: Sequence[str]) -> None:
    """Compile; write a line for each objective."""
    for kind in kinds:
        bind_objective(kind)
        print(kind, flush=True)
    registry = load_registry(tuple(plugins))
    for name in optimizers:
        with contextlib.suppress(UserError):
            bind_update(registry.optimizer(name))


if __name__ == "__main__":
    main(*json.loads(sys.argv[1]))
