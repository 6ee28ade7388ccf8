"""Let compiled kernels call the plain functions that optbench offers to plug-ins.

``optbench.random`` and ``optbench.linear_algebra`` do not import Numba, so that a plug-in which
uses them is listed as fast as any other.
"""

from __future__ import annotations

import inspect

from optbench import random, schedules
from optbench.engine.compiler.overloads import called, unchecked
from optbench.linear_algebra import orthogonal, places, products, symmetric

INTRINSIC = (products.product,)  # see optbench.engine.data.matrices
KNOWN = {
    random: called,
    schedules: called,
    **dict.fromkeys((orthogonal, places, products, symmetric), unchecked),
}

for _module, _compile in KNOWN.items():
    for _function in vars(_module).values():
        own = inspect.isfunction(_function) and _function.__module__ == _module.__name__
        if own and _function not in INTRINSIC:
            _compile(_function)
