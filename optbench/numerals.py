"""Numbers with a few digits, as labels and tables write them."""

from __future__ import annotations

import math

NOTHING = "-"  # in the place of a number that there is not


def significant(value: float | None, digits: int = 3) -> str:
    """Return ``value`` with ``digits`` significant digits: ``0.0123``, ``1.2e-7``, ``inf``."""
    if value is None or math.isnan(value):
        return NOTHING
    return shorter(f"{value:.{digits}g}")


def shorter(text: str) -> str:
    """Shorten ``1e+05`` to ``1e5`` and ``1.20e-07`` to ``1.20e-7``."""
    mantissa, e, power = text.partition("e")
    return f"{mantissa}e{int(power)}" if e else text
