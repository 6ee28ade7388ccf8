"""Measuring a claim on its seeds, and the verdict."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from optbench.claims.framework import Check, Claim, Curve
from optbench.errors import UserError

PASS, FAIL, INCONCLUSIVE = "PASS", "FAIL", "INCONCLUSIVE"
DOES_NOT_HOLD = "DOES NOT HOLD HERE"
VERDICTS = (PASS, DOES_NOT_HOLD, FAIL, INCONCLUSIVE)


@dataclass(frozen=True)
class Finding:
    """What the seeds of a claim together say of one check.

    Attributes
    ----------
    name, criterion : str
        Those of the check.
    measured, predicted : float
        Medians over the seeds; a seed without a number counts as one on which it did not hold.
    least, largest : float
        Extremes of what is measured.
    share : float
        Of the seeds on which it must hold.
    held, seeds : int
        On how many it held, of how many.
    passed : bool or None
        Whether it held on so many; None when a seed could not decide.
    """

    name: str
    criterion: str
    measured: float
    predicted: float
    least: float
    largest: float
    share: float
    held: int
    seeds: int
    passed: bool | None

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the share of instances on which it holds (Clopper and Pearson)."""
        from scipy.stats import binomtest

        found = binomtest(self.held, self.seeds).proportion_ci(0.95, method="exact")
        return float(found.low), float(found.high)


@dataclass(frozen=True)
class Result:
    """What a claim's checks found.

    Attributes
    ----------
    verdict : {"PASS", "DOES NOT HOLD HERE", "FAIL", "INCONCLUSIVE"}
    reason : str
        Why it is not PASS.
    """

    claim: Claim
    verdict: str
    reason: str
    checks: tuple[Finding, ...] = ()
    curves: tuple[Curve, ...] = field(default=(), compare=False)
    seconds: float = field(default=0.0, compare=False)


def verify(claim: Claim, seeds: int | None = None, **perturbation: Any) -> Result:
    """Measure one claim on seeds 0, 1, ...

    Parameters
    ----------
    claim : Claim
    seeds : int, optional
        How many; by default as many as the claim says.  Without effect where nothing is random.
    **perturbation
        Arguments of its function in place of their defaults: what must make it fail.

    Returns
    -------
    Result
        FAIL when a check fails that was not declared not to hold, when one that was does hold,
        when there is none, or when measuring raises an exception.
    """
    began = time.perf_counter()
    checks: dict[str, list[Check]] = {}
    curves: list[Curve] = []
    error = ""
    count = 1 if claim.seeds == 1 else seeds or claim.seeds
    try:
        for seed in range(count):
            drawn = {} if claim.seeds == 1 else {"seed": seed}
            for found in claim.measure(**drawn, **perturbation):
                if isinstance(found, Check):
                    _add(checks, found)
                elif seed == 0:  # a figure shows one instance
                    curves.append(found)
    except Exception as raised:  # one claim must not end the verification of the others
        error = f"could not be measured: {type(raised).__name__}: {' '.join(str(raised).split())}"
    findings = tuple(_summarize(found) for found in checks.values())
    verdict, reason = _judge(claim, findings, error)
    seconds = time.perf_counter() - began
    return Result(claim, verdict, reason, findings, tuple(curves), seconds)


def _add(checks: dict[str, list[Check]], found: Check) -> None:
    """Put a check to those of the same name, which must be judged alike."""
    same = checks.setdefault(found.name, [])
    if same and (same[0].criterion, same[0].share) != (found.criterion, found.share):
        raise UserError(f"the criterion of {found.name!r} depends on the seed")
    same.append(found)


def _summarize(checks: Sequence[Check]) -> Finding:
    """Count on how many seeds a check held."""
    first = checks[0]
    measured = [check.measured for check in checks if not math.isnan(check.measured)] or [math.nan]
    predicted = [check.predicted for check in checks if not math.isnan(check.predicted)]
    held = sum(check.passed is True for check in checks)
    undecided = any(check.passed is None for check in checks)
    return Finding(
        name=first.name,
        criterion=first.criterion,
        measured=statistics.median(measured),
        predicted=statistics.median(predicted or [math.nan]),
        least=min(measured),
        largest=max(measured),
        share=first.share,
        held=held,
        seeds=len(checks),
        # 1e-9: 0.95 of 20 is 19, rounded up or down
        passed=None if undecided else held >= first.share * len(checks) - 1e-9,
    )


def _judge(claim: Claim, findings: Sequence[Finding], error: str) -> tuple[str, str]:
    """Return the verdict and why it is not PASS."""
    failed = [found for found in findings if found.passed is False]
    declared = [f for f in failed if claim.does_not_hold and f.name.startswith(claim.does_not_hold)]
    wrong = [found for found in failed if found not in declared]
    undecided = [found.name for found in findings if found.passed is None]
    if error:
        return FAIL, error
    if wrong:
        return FAIL, f"{len(wrong)} of {len(findings)} checks fail, first: {wrong[0].name}"
    if not findings:
        return FAIL, "measured nothing"
    if undecided:
        return INCONCLUSIVE, f"undecided: {'; '.join(undecided)}"
    if declared:
        return DOES_NOT_HOLD, "; ".join(_in_words(found) for found in declared)
    if claim.does_not_hold:
        return FAIL, f"holds, but is declared not to hold: {claim.does_not_hold}"
    if claim.missing:
        return INCONCLUSIVE, f"not measured yet: {claim.missing}"
    return PASS, ""


def _in_words(found: Finding) -> str:
    """Say of a check that does not hold what was measured."""
    held = f", on {found.held} of {found.seeds} seeds" if found.seeds > 1 else ""
    return f"{found.name} is {found.measured:.3g}, not {found.criterion}{held}"
