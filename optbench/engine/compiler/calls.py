"""Call a compiled kernel by its address: what lets one compiled loop run every plug-in.

A first-class function argument of Numba costs 0.1 ms each time Python passes it; an address is an
integer.  The call itself follows Numba's own convention, exceptions included.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numba
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from optbench.engine.compiler.cache import compile_kernel
from optbench.engine.compiler.overloads import when_compiled


@functools.cache
def address_of(kernel: Any) -> Any:
    """Return the address of a dispatcher's only overload; the function itself without JIT.

    The dispatcher must be kept alive as long as the address is used.
    """
    if numba.config.DISABLE_JIT:
        return kernel
    (result,) = kernel.overloads.values()
    return int(result.library.get_pointer_to_function(result.fndesc.llvm_func_name))


@functools.cache
def entry_point(kernel: Any) -> Any:
    """Return what runs a dispatcher's only overload from Python without resolving types again."""
    if numba.config.DISABLE_JIT:
        return kernel
    (result,) = kernel.overloads.values()
    if not kernel.targetoptions.get("no_cpython_wrapper"):
        return result.entry_point
    call, address = _unpacking(result.signature), address_of(kernel)
    return lambda *arguments: call(address, arguments)


@functools.cache
def _unpacking(signature: Any) -> Callable[..., Any]:
    """Return ``call(address, arguments)`` for Python, one for all kernels of a signature."""
    namespace: dict[str, Any] = {"__name__": __name__, "call": caller(signature)}
    exec("def unpacking(address, arguments):\n    return call(address, arguments)\n", namespace)  # noqa: S102
    arguments = types.Tuple(tuple(signature.args))
    own = signature.return_type(types.uint64, arguments)
    return entry_point(compile_kernel(namespace["unpacking"], own))


def caller(signature: Any) -> Callable[..., Any]:
    """Return ``call(address, arguments)`` for kernels of one signature."""
    expected = tuple(signature.args)
    returned = signature.return_type

    @intrinsic
    def jitted(_context: Any, address: Any, arguments: Any) -> Any:
        def codegen(context: Any, builder: Any, sig: Any, values: Any) -> Any:
            given = cgutils.unpack_tuple(builder, values[1])
            cast = [
                context.cast(builder, value, source, target)
                for value, source, target in zip(given, sig.args[1].types, expected, strict=True)
            ]
            kind = context.call_conv.get_function_type(returned, expected)
            pointer = builder.inttoptr(values[0], kind.as_pointer())
            status, result = context.call_conv.call_function(
                builder, pointer, returned, expected, cast
            )
            with cgutils.if_unlikely(builder, status.is_error):
                context.call_conv.return_status_propagate(builder, status)
            return context.get_dummy_value() if returned == types.void else result

        return returned(types.uint64, arguments), codegen

    def call(address: Any, arguments: tuple[Any, ...]) -> Any:
        return address(*arguments)

    when_compiled(call, jitted)
    return call
