"""optbench: which solution does an optimizer pick, and how fast does it get there?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from optbench.contract import Hyper, Slot, optimizer, problem
from optbench.errors import UserError
from optbench.options import Option

if TYPE_CHECKING:
    from optbench.api import compare, run
    from optbench.instance import Instance
    from optbench.result import Comparison, load, load_latest
    from optbench.runs import RunResult, RunSpec, run_all

__version__ = "0.1.0"

__all__ = [
    "Comparison",
    "Hyper",
    "Instance",
    "Option",
    "RunResult",
    "RunSpec",
    "Slot",
    "UserError",
    "compare",
    "load",
    "load_latest",
    "optimizer",
    "problem",
    "run",
    "run_all",
]

_LAZY = {
    "Comparison": "optbench.result",
    "compare": "optbench.api",
    "load": "optbench.result",
    "load_latest": "optbench.result",
    "run": "optbench.api",
    "run_all": "optbench.runs",
    "RunResult": "optbench.runs",
    "RunSpec": "optbench.runs",
    "Instance": "optbench.instance",
}


def __getattr__(name: str) -> Any:
    """Import what needs Numba, SciPy or pandas only when it is asked for."""
    if name not in _LAZY:
        raise AttributeError(f"module 'optbench' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_LAZY[name]), name)
