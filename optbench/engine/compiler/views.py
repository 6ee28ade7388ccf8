"""Views of arrays without the tests that a slice makes: a slice costs 8 ns where it is compiled.

Numba allows for negative and too large bounds in every ``a[start:end]``.  The loop's own bounds
are right by construction, and its blocks are so short that the tests are felt.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types
from numba.core import cgutils
from numba.core.imputils import impl_ret_borrowed
from numba.extending import lower_builtin, type_callable
from numba.np.arrayobj import populate_array


def part(vector: np.ndarray, start: int, size: int) -> np.ndarray:
    """Return ``vector[start : start + size]``; the bounds must be inside: nothing tests them."""
    return vector[start : start + size]


@type_callable(part)
def _type_of_part(_context: Any) -> Any:
    def typer(vector: Any, start: Any, size: Any) -> Any:
        return vector

    return typer


@lower_builtin(part, types.Array, types.Integer, types.Integer)
def _part(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    whole = context.make_array(signature.args[0])(context, builder, arguments[0])
    start = builder.gep(whole.data, [arguments[1]])
    return view(context, builder, signature.return_type, whole, start, [arguments[2]])


def by_output(matrix: np.ndarray, outputs: int) -> np.ndarray:
    """Return the numbers of some runs (K, k d) with a row for each of k outputs, (K k, d)."""
    return matrix.reshape(len(matrix) * outputs, -1)


@type_callable(by_output)
def _type_by_output(_context: Any) -> Any:
    def typer(matrix: Any, outputs: Any) -> Any:
        return matrix

    return typer


@lower_builtin(by_output, types.Array, types.Integer)
def _by_output(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    whole = context.make_array(signature.args[0])(context, builder, arguments[0])
    rows, columns = cgutils.unpack_tuple(builder, whole.shape)
    shape = [builder.mul(rows, arguments[1]), builder.sdiv(columns, arguments[1])]
    return view(context, builder, signature.return_type, whole, whole.data, shape)


def read_only(array: np.ndarray) -> np.ndarray:
    """Return the same numbers as an array that nobody may write to.

    Compiled it costs nothing: a statement that writes has no type and does not compile.
    """
    fixed = array.view()
    fixed.flags.writeable = False
    return fixed


@type_callable(read_only)
def _type_of_read_only(_context: Any) -> Any:
    def typer(array: Any) -> Any:
        return array.copy(readonly=True)

    return typer


@lower_builtin(read_only, types.Array)
def _read_only(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    return impl_ret_borrowed(context, builder, signature.return_type, arguments[0])


def view(context: Any, builder: Any, kind: Any, whole: Any, data: Any, shape: Any) -> Any:
    """Return numbers of an array, row by row from ``data`` on, as an array of their own."""
    result = context.make_array(kind)(context, builder)
    item = context.get_constant(types.intp, 8)
    strides = [item]
    for size in reversed(shape[1:]):
        strides.insert(0, builder.mul(size, strides[0]))
    populate_array(
        result, data=data, shape=shape, strides=strides, itemsize=item, meminfo=whole.meminfo
    )
    return result._getvalue()
