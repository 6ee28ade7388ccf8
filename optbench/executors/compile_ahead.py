"""Compile on two cores where the cache is empty: Numba compiles in one thread of a process.

A helper process fills the cache: first the objective, which takes longest, then the optimizers from
the last to the first. This one compiles the loop and the optimizers from the first to the last, and
loads what it finds. Whatever the helper does not deliver is compiled here.
"""

from __future__ import annotations

import contextlib
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import IO

from optbench.contract import Optimizer
from optbench.engine.bind import bind_loop, bind_optimizer
from optbench.engine.bind_instance import ENGINE_OBJECTIVES, bind_engine_objective
from optbench.engine.compiler.cache import is_kept, kernels_are_compiled, writable_root
from optbench.errors import UserError

# Modules are looked for where this process finds them, not in the current directory first.
PROGRAM = """
import sys
sys.path[:] = sys.argv[1:]
from optbench.executors.compile_ahead import main
main()
"""


@contextlib.contextmanager
def compile_ahead(
    kinds: Sequence[str], optimizers: Sequence[Optimizer]
) -> Iterator[Callable[[], None]]:
    """Begin to compile; yield what does this process's share and waits for the helper's.

    Parameters
    ----------
    kinds : sequence of str
        Which of ``ENGINE_OBJECTIVES`` are needed.
    optimizers : sequence of Optimizer
        Whose updates are needed.
    """
    missing = [kind for kind in kinds if not is_kept(ENGINE_OBJECTIVES[kind])]
    helper = start_helper(missing, optimizers) if missing and can_share_work() else None
    if helper is None:
        yield lambda: None
        return

    def finish() -> None:
        bind_loop()
        for optimizer in optimizers:
            with contextlib.suppress(UserError):  # whoever binds it again is told
                bind_optimizer(optimizer)
        assert helper.stdout is not None
        wait_for(len(missing), helper.stdout)

    with helper:
        try:
            yield finish
        finally:
            helper.kill()


def can_share_work() -> bool:
    """Whether a helper can be started, and leave what it compiles."""
    # the executable of a frozen program is that program
    if not kernels_are_compiled() or not sys.executable or getattr(sys, "frozen", False):
        return False
    try:
        writable_root()
    except OSError:
        return False
    return True


def start_helper(
    kinds: Sequence[str], optimizers: Sequence[Optimizer]
) -> subprocess.Popen[bytes] | None:
    """Start the helper, or return None where that is not possible."""
    sent = []
    for optimizer in reversed(optimizers):
        with contextlib.suppress(UserError):  # of a notebook: only this process has it
            sent.append(pickle.dumps(optimizer))
    try:
        helper = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *(path for path in sys.path if isinstance(path, str))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    except OSError:
        return None
    assert helper.stdin is not None
    with contextlib.suppress(OSError):  # it has ended already: nothing is waited for
        helper.stdin.write(pickle.dumps((list(kinds), sent)))
        helper.stdin.close()
    return helper


def wait_for(count: int, lines: IO[bytes]) -> None:
    """Read so many lines, or fewer if the process has ended."""
    for _ in range(count):
        if not lines.readline():
            return


def main() -> None:
    """Compile in the helper; write a line for each objective."""
    kinds, optimizers = pickle.load(sys.stdin.buffer)  # noqa: S301 - from the process that waits
    for kind in kinds:
        bind_engine_objective(kind)
        print(kind, flush=True)
    for sent in optimizers:
        with contextlib.suppress(UserError):  # edited meanwhile, or it does not compile
            bind_optimizer(pickle.loads(sent))  # noqa: S301
