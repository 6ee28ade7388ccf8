"""Kernels are called by address, from the loop and from Python."""

from __future__ import annotations

import numba
import numpy as np
import pytest
from numba import types

from optbench.engine.compiler import cache
from optbench.engine.compiler.calls import entry_point

SIGNATURE = types.float64(types.int64, types.float64[::1])


def weighted(k, values):
    if k < 0:
        raise ValueError("a negative number")
    values[0] += 1.0
    return k * values[0]


def halved(k, values):
    return 0.5 * k * values[1]


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="nothing is compiled")
def test_python_calls_a_kernel_that_has_no_wrapper_for_it() -> None:
    values = np.array([2.0, 4.0])
    called = entry_point(cache.compile_kernel(weighted, SIGNATURE, from_python=False))
    assert called(3, values) == 9.0 and values[0] == 3.0
    with pytest.raises(ValueError, match="a negative number"):
        called(-1, values)
    before = len(cache.compiled)
    other = entry_point(cache.compile_kernel(halved, SIGNATURE, from_python=False))
    assert other(3, values) == 6.0 and called(1, values) == 4.0
    # what unpacks the arguments is there already
    assert cache.compiled[before:] in ([], ["halved"])
