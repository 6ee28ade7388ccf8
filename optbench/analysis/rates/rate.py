"""What a fit says, and how a table writes it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from optbench.analysis.rates.candidates import Candidate


@dataclass(frozen=True)
class FittedLaw:
    """A law that the trace does not rule out.

    Parameters
    ----------
    name : str
        Of :data:`optbench.analysis.rates.laws.LAWS`.
    value, low, high : float
        q per step (linear) or the exponent a, with its interval; nan for the laws without one.
    offset : float
        s of t + s; nan where the law has none.
    log_floor : float
        Natural logarithm of the gap F that the trace falls to; -inf where the law has none.
    text : str
        For a table: ``0.9931/step``, ``t^-1.02``, ``1/log t``, ``t^-1.02 + F``.
    """

    name: str
    value: float
    low: float
    high: float
    offset: float
    log_floor: float
    text: str


@dataclass(frozen=True)
class Rate:
    """The laws that a trace does not rule out, or the reason why none can be told.

    Parameters
    ----------
    laws : tuple of FittedLaw
        The likeliest first; empty when no law can be told.
    window : tuple of int or None
        First and last step of the fitted window.
    text : str
        For a table: the laws, ``1/log t or t^-0.10``, or the reason.
    """

    laws: tuple[FittedLaw, ...]
    window: tuple[int, int] | None
    text: str

    @property
    def best(self) -> FittedLaw | None:
        """The likeliest law, or None."""
        return self.laws[0] if self.laws else None


def refusal(text: str) -> Rate:
    """Return a rate without a law and its reason."""
    return Rate((), None, text)


def rate_of(laws: list[tuple[Candidate, tuple[float, float, float]]]) -> Rate:
    """Return the rate of candidates with their value and interval, the likeliest first."""
    told = tuple(_told(candidate, *values) for candidate, values in laws)
    t = laws[0][0].window.t
    return Rate(told, (int(t[0]), int(t[-1])), " or ".join(law.text for law in told))


def _told(candidate: Candidate, value: float, low: float, high: float) -> FittedLaw:
    name, log_floor = candidate.law.name, candidate.log_floor
    if name == "linear":
        text = f"{_factor(value)}/step"
        value, low, high = math.exp(value), math.exp(low), math.exp(high)
    elif name == "power":
        text = f"t^-{value:.2f}"
    elif name == "power onto a floor":
        text = f"t^-{value:.2f} + F"
    elif name in ("stretched", "superlinear"):
        text = f"exp(-c t^{value:.2f})"
    elif name == "log power":
        text = f"1/log^{value:.1f} t"
    else:
        text = {"logarithmic": "1/log t", "log over t": "(log t)/t"}[name]
    return FittedLaw(name, value, low, high, candidate.offset, log_floor, text)


def _factor(log_q: float) -> str:
    """q = exp(log_q) with at least two digits of 1 - q."""
    q, rest = math.exp(log_q), -math.expm1(log_q)
    if q < 0.1:
        return f"{q:.2e}"
    if rest < 1e-9:
        return f"1-{rest:.1e}"
    return f"{q:.{max(4, 1 - math.floor(math.log10(rest)))}f}"
