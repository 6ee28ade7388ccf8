"""What one contract test found, and how tests say so."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from optbench.plugin_files import explain


@dataclass(frozen=True)
class CheckResult:
    """One contract test of one plug-in.

    Attributes
    ----------
    name : str
        What was tested.
    passed : bool or None
        None: not applicable, ``detail`` says why.
    detail : str
        One line: what was measured, or what is wrong and where.
    seconds : float
        How long it took.
    """

    name: str
    passed: bool | None
    detail: str
    seconds: float


class Failed(Exception):
    """The plug-in breaks the contract; the message is one line."""


class NotApplicable(Exception):
    """The plug-in does not promise this; the message says what it declares."""


def run(name: str, file: Path, test: Callable[..., str], *arguments: Any) -> CheckResult:
    """Run one test; ``file`` is the plug-in whose line an unexpected exception names."""
    began = time.perf_counter()
    passed: bool | None
    try:
        with np.errstate(all="ignore"):
            passed, detail = True, test(*arguments)
    except Failed as failure:
        passed, detail = False, str(failure)
    except NotApplicable as reason:
        passed, detail = None, str(reason)
    except Exception as error:  # a plug-in may raise anything
        passed, detail = False, explain(file, error)
    return CheckResult(name, passed, detail, time.perf_counter() - began)


def require(condition: bool, message: str) -> None:
    """Raise Failed with ``message`` unless the condition holds."""
    if not condition:
        raise Failed(message)


def difference(a: np.ndarray, b: np.ndarray) -> float:
    """Return max |a - b| / max |b|; nan and infinities must be in the same places.

    Parameters
    ----------
    a, b : ndarray, float64
        Of the same shape; empty arrays differ by 0.
    """
    if a.size == 0 or np.array_equal(a, b, equal_nan=True):
        return 0.0
    finite = np.isfinite(b)
    if not np.array_equal(np.isfinite(a), finite) or not finite.any():
        return float("inf")
    size = max(float(np.max(np.abs(b[finite]))), np.finfo(float).tiny)
    return float(np.max(np.abs(a[finite] - b[finite]))) / size
