"""A HiGHS that prints nothing: standard output belongs to optbench's tables, JSON and CSV."""

from __future__ import annotations

import functools
from typing import Any


def silent_highs() -> Any:
    """Return a ``highspy.Highs`` without any output, not even the banner of its constructor.

    HiGHS writes a banner at the first call that is not an option.  Since highspy 1.16 the
    constructor makes such a call, so that an option set on what it returns comes too late.
    """
    solver = _silent_class()()
    solver.setOptionValue("output_flag", False)  # where the constructor enables no callbacks
    return solver


@functools.cache
def _silent_class() -> Any:
    import highspy

    class SilentHighs(highspy.Highs):  # type: ignore[misc]
        def enableCallbacks(self) -> None:
            self.setOptionValue("output_flag", False)
            super().enableCallbacks()

    return SilentHighs
