"""Views of arrays without the tests that a slice makes: a slice costs 8 ns where it is compiled.

Numba allows for negative and too large bounds in every ``a[start:end]``.  The loop's own bounds
are right by construction, and its blocks are so short that the tests are felt.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numba import types
from numba.extending import intrinsic
from numba.np.arrayobj import populate_array


@intrinsic
def _part(_context: Any, vector: Any, start: Any, size: Any) -> Any:
    integer = types.intp

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        whole = context.make_array(sig.args[0])(context, builder, args[0])
        view = context.make_array(sig.return_type)(context, builder)
        item = context.get_constant(integer, context.get_abi_sizeof(whole.data.type.pointee))
        populate_array(
            view,
            data=builder.gep(whole.data, [args[1]]),
            shape=[args[2]],
            strides=[item],
            itemsize=item,
            meminfo=whole.meminfo,
            parent=whole.parent,
        )
        return view._getvalue()

    return vector(vector, integer, integer), codegen


def _slice(vector: np.ndarray, start: int, size: int) -> np.ndarray:
    """Return ``vector[start : start + size]``; the bounds must be inside: nothing tests them."""
    return vector[start : start + size]


# An overload, as elsewhere, cannot return a view: compiled functions own no memory.
part = _slice if numba.config.DISABLE_JIT else _part
