"""How the host ends runs early: a flag that every running loop reads once a step."""

from __future__ import annotations

import threading

import numpy as np

from optbench.status import Status


class StopSignal:
    """Asks all loops that share it to return at their next step.

    Attributes
    ----------
    flag : ndarray, int64 (1,)
        Not 0 when set; the loops read it.
    reason : Status
        That of the runs it ends: ``INTERRUPTED`` or ``TIMEOUT``.
    """

    def __init__(self) -> None:
        self.flag = np.zeros(1, np.int64)
        self.reason = Status.INTERRUPTED
        self._timer: threading.Timer | None = None

    def set(self, reason: Status = Status.INTERRUPTED) -> None:
        """End all runs; the first reason stays."""
        if not self.is_set():
            self.reason = reason
            self.flag[0] = 1

    def is_set(self) -> bool:
        """Whether runs were asked to end."""
        return bool(self.flag[0])

    def set_after(self, seconds: float) -> None:
        """End all runs with status ``timeout`` after so many seconds."""
        self._timer = threading.Timer(seconds, self.set, (Status.TIMEOUT,))
        self._timer.daemon = True
        self._timer.start()

    def cancel(self) -> None:
        """Forget the time limit."""
        if self._timer is not None:
            self._timer.cancel()
