"""The contract tests of a plug-in, in seconds: ``check("adam")``, ``check("my_optimizer.py")``."""

from __future__ import annotations

from optbench.check.outcome import CheckResult
from optbench.check.plugin import check

__all__ = ["CheckResult", "check"]
