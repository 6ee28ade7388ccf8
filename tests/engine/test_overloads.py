"""Functions that are compiled as parts of others."""

from __future__ import annotations

import numba
import pytest
from numba import types

from optbench.engine.compiler import overloads
from optbench.engine.compiler.overloads import called, inlined


@inlined
def checked(x):
    if x < 0.0:
        raise ValueError("a negative number")
    return 2.0 * x


@called
def successor(x):
    return checked(x) + 1.0


def caller(x):
    return successor(x) + checked(x)


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="nothing is compiled")
def test_parts_are_left_to_the_outermost_function(monkeypatch) -> None:
    left = []
    leave = overloads._PartLibrary._optimize_final_module
    note = lambda library: (left.append(library.name), leave(library))  # noqa: E731
    monkeypatch.setattr(overloads._PartLibrary, "_optimize_final_module", note)
    compiled = numba.njit(types.float64(types.float64))(caller)
    assert set(left) == {"checked", "successor"}
    assert compiled(3.0) == 13.0
    with pytest.raises(ValueError, match="a negative number"):
        compiled(-1.0)
