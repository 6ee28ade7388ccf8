"""Let compiled kernels call the plain functions that optbench offers to plug-ins.

``optbench.random`` and ``optbench.linear_algebra`` do not import Numba, so that a plug-in which
uses them is listed as fast as any other.
"""

from __future__ import annotations

import inspect

from numba import types

from optbench import random, schedules
from optbench.engine.compiler.linked import linked
from optbench.engine.compiler.overloads import called, unchecked
from optbench.linear_algebra import orthogonal, places, products, symmetric

_vector, _matrix = types.float64[::1], types.float64[:, ::1]
_given, _transpose = (types.Array(types.float64, 2, layout, readonly=True) for layout in "CF")
_none, _number, _coefficients = types.void, types.float64, types.UniTuple(types.float64, 3)
LINKED = {
    orthogonal.orthogonalize: [_none(_matrix, _matrix, types.int64, _coefficients)],
    orthogonal.polar: [_none(_matrix, _matrix)],
    orthogonal.qr: [_none(_matrix, _matrix)],
    products.multiply: [
        _none(_given, _given, _matrix),
        _none(_transpose, _given, _matrix),
        _none(_given, _transpose, _matrix),
    ],
    symmetric.symmetric_eigen: [_none(_matrix, _matrix)],
    symmetric.cholesky: [types.boolean(_given, _matrix)],
    symmetric.solve_semidefinite: [_none(_matrix, _vector, _matrix)],
    symmetric.inverse_root: [_none(_given, _number, _matrix, _matrix, _number)],
}
INTRINSIC = (products.product,)  # see optbench.engine.data.matrices
KNOWN = {
    random: called,
    schedules: called,
    **dict.fromkeys((orthogonal, places, products, symmetric), unchecked),
}

for _module, _compile in KNOWN.items():
    for _function in vars(_module).values():
        own = inspect.isfunction(_function) and _function.__module__ == _module.__name__
        if own and _function in LINKED:
            linked(_function, LINKED[_function])
        elif own and _function not in INTRINSIC:
            _compile(_function)
