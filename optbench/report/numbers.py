"""Numbers as people read them: three or four digits, and a dash where there is none."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from optbench.numerals import significant as significant

THOUSANDS_UP_TO = 1_000_000  # above: 1.23e6


def ratio(value: float | None) -> str:
    """Return a number of order one with three decimals: ``0.964``."""
    if value is None or not math.isfinite(value):
        return significant(value)
    return f"{value:.3f}"


def fixed(value: float | None) -> str:
    """Return an angle in degrees or an exponent p with two decimals at most: ``12.3``, ``2``."""
    if value is None or not math.isfinite(value):
        return significant(value)
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def count(value: float | None) -> str:
    """Return a number of steps: ``847``, ``12,300``, ``1.23e6``."""
    if value is None or not math.isfinite(value):
        return significant(value)
    return f"{round(value):,}" if abs(value) < THOUSANDS_UP_TO else significant(value)


def nanoseconds(value: float | None) -> str:
    """Return nanoseconds without their unit: ``18.4``, ``1,240``."""
    return significant(value) if value is None or not value >= 100 else count(value)


def duration(seconds: float | None) -> str:
    """Return a time with its unit: ``18.4 ns``, ``2.31 ms``, ``12.4 s``, ``3 min 20 s``."""
    if seconds is None or not math.isfinite(seconds):
        return significant(seconds)
    if seconds >= 99.95:
        return f"{int(seconds) // 60} min {int(seconds) % 60} s"
    for unit, name in ((1.0, "s"), (1e-3, "ms"), (1e-6, "us")):
        if seconds >= 0.9995 * unit:
            return f"{seconds / unit:.3g} {name}"
    return f"{seconds * 1e9:.3g} ns"


def counted_noun(number: int, noun: str) -> str:
    """Return ``1 instance``, ``5 instances``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def interval(bounds: Sequence[float | None] | None) -> str:
    """Return ``[low, high]`` with as many digits as tell the two apart, or nothing."""
    if bounds is None:
        return ""
    low, high = bounds
    if low is None or high is None or math.isnan(low) or math.isnan(high):
        return ""
    digits = 3
    if math.isfinite(low) and math.isfinite(high) and low != high:
        apart = abs(high - low) / max(abs(low), abs(high))
        digits = min(max(3, 1 - math.floor(math.log10(apart))), 8)
    return f"[{significant(low, digits)}, {significant(high, digits)}]"


def outward(bounds: Sequence[float | None] | None, digits: int = 2) -> str:
    """Return ``[low, high]`` with few digits, of which none makes the interval narrower."""
    if bounds is None or None in bounds:
        return ""
    low, high = (float(end) for end in bounds if end is not None)
    if not (low > 0.0 and math.isfinite(high)):
        return interval(bounds)
    ends = []
    for end, towards in ((low, math.floor), (high, math.ceil)):
        unit = 10.0 ** (math.floor(math.log10(end)) + 1 - digits)
        count_of_units = end / unit
        near = round(count_of_units)  # 3.4 / 0.1 is not 34
        exact = math.isclose(count_of_units, near, rel_tol=1e-12)
        ends.append(significant((near if exact else towards(count_of_units)) * unit, digits))
    return f"[{ends[0]}, {ends[1]}]"


TEXT_OF_UNIT: Mapping[str, Callable[[float | None], str]] = {
    "": significant,
    "steps": count,
    "s": duration,
    "ns": nanoseconds,
    "deg": fixed,
    "ratio": ratio,
    "p": fixed,
    "rank": fixed,
    "rate": significant,
    "loss": lambda value: significant(value, 2),
    "decades": lambda value: significant(value, 2),
}
