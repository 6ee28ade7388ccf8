"""How plain Python functions are compiled into those that call them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba.extending import overload, register_jitable

# ``@inlined``: compiled as a part of whatever calls it.  A function that is called copies every
# array that it is passed, seven numbers each: too much for what is done once for each block of
# rows.
inlined = register_jitable(forceinline=True)


def when_compiled(plain: Callable[..., Any], call: Callable[..., Any]) -> None:
    """Have compiled code call an intrinsic where it says ``plain``; plain Python keeps that."""

    @overload(plain, strict=False)
    def _implementation(*_types: Any) -> Callable[..., Any]:
        return lambda *arguments: call(*arguments)
