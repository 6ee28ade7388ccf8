"""Let compiled kernels call the plain functions that optbench offers to plug-ins.

``optbench.random`` and ``optbench.linear_algebra`` do not import Numba, so that a plug-in which
uses them is listed as fast as any other.
"""

from __future__ import annotations

import inspect

from optbench import linear_algebra, random
from optbench.engine.compiler.overloads import called

for _module in (linear_algebra, random):
    for _function in vars(_module).values():
        if inspect.isfunction(_function) and _function.__module__ == _module.__name__:
            called(_function)
