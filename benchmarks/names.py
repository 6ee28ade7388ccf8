"""What the dashboard calls a benchmark, and the unit of what it tracks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def named(name: str, unit: str | None = None) -> Callable[[Any], Any]:
    """Give a benchmark a name that a stranger reads; a number that is tracked, its unit."""

    def give(benchmark: Any) -> Any:
        benchmark.pretty_name = name
        if unit is not None:
            benchmark.unit = unit
        return benchmark

    return give
