"""Functions that are compiled once, apart from whatever calls them, and found by a symbol.

A kernel that contained an orthogonalization would compile for seconds.  It contains a call, and the
name of what is called: LLVM looks that up as it loads machine code, be it new or from the cache.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numba
from llvmlite import binding
from numba import types
from numba.core import cgutils
from numba.core.errors import TypingError
from numba.extending import intrinsic, overload

from optbench.engine.compiler.cache import SYMBOLS, compile_kernel, once
from optbench.engine.compiler.calls import address_of
from optbench.engine.compiler.overloads import INLINED

_OVERLOAD = """
def overloaded({parameters}):
    def implementation({parameters}):
        return call(({names},))
    return implementation
"""


def declare(function: Callable[..., Any], signature: Any) -> str:
    """Return the symbol of a function for one signature; ``SYMBOLS[symbol]()`` compiles it."""
    symbol = symbol_of(function, signature)
    SYMBOLS[symbol] = _maker(symbol, function, signature)
    return symbol


def linked(function: Callable[..., Any], signatures: Sequence[Any]) -> None:
    """Have compiled code call ``function``, which is compiled for these signatures.

    Parameters
    ----------
    function : callable
        It tests the shapes that it is given: nothing tests its indices.
    signatures : sequence of numba signature
        They differ in the layouts of arrays; an array that is not written to is ``readonly``.
    """
    by_symbol = {declare(function, signature): signature for signature in signatures}

    @intrinsic
    def call(_context: Any, arguments: Any) -> Any:
        symbol = next((s for s, own in by_symbol.items() if _fits(arguments.types, own.args)), None)
        if symbol is None:
            raise TypingError(_refusal(function, arguments.types))
        SYMBOLS[symbol]()
        called = by_symbol[symbol]

        def codegen(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            given = cgutils.unpack_tuple(builder, values[0])
            return emit_call(context, builder, symbol, called, signature.args[0].types, given)

        return called.return_type(arguments), codegen

    parameters = inspect.signature(function).parameters.values()
    defaults = {f"default_{p.name}": p.default for p in parameters}
    names: dict[str, Any] = {"call": call, **defaults}
    written = ", ".join(
        p.name if p.default is p.empty else f"{p.name}=default_{p.name}" for p in parameters
    )
    source = _OVERLOAD.format(parameters=written, names=", ".join(p.name for p in parameters))
    exec(compile(source, f"<optbench {function.__name__}>", "exec"), names)  # noqa: S102
    overload(function, jit_options=INLINED)(names["overloaded"])


def emit_call(
    context: Any, builder: Any, symbol: str, called: Any, kinds: Sequence[Any], given: Sequence[Any]
) -> Any:
    """Emit the call of what was compiled for a signature, with values of these types."""
    # an array that is only read has the same fields as any other
    passed = [
        value if isinstance(kind, types.Array) else context.cast(builder, value, kind, expected)
        for value, kind, expected in zip(given, kinds, called.args, strict=True)
    ]
    form = context.call_conv.get_function_type(called.return_type, called.args)
    target = cgutils.get_or_insert_function(builder.module, form, symbol)
    status, result = context.call_conv.call_function(
        builder, target, called.return_type, called.args, passed
    )
    with cgutils.if_unlikely(builder, status.is_error):
        context.call_conv.return_status_propagate(builder, status)
    return context.get_dummy_value() if called.return_type == types.void else result


def symbol_of(function: Callable[..., Any], signature: Any) -> str:
    """Return the name by which machine code calls a function that was compiled for a signature."""
    layouts = "".join(kind.layout for kind in signature.args if isinstance(kind, types.Array))
    return f"optbench_linked_{function.__name__}_{layouts}"


def _maker(symbol: str, function: Callable[..., Any], signature: Any) -> Callable[[], None]:
    """Return what makes a symbol known, once."""

    @once
    def make() -> Any:
        before = numba.config.BOUNDSCHECK
        numba.config.BOUNDSCHECK = None  # that of the kernel which is compiled at present
        try:
            kernel = compile_kernel(function, signature, from_python=False)
        finally:
            numba.config.BOUNDSCHECK = before
        binding.add_symbol(symbol, address_of(kernel))
        return kernel  # as long as it is kept its machine code stays

    return make


def _fits(given: Sequence[Any], expected: Sequence[Any]) -> bool:
    """Whether arrays may be passed for those of a signature."""
    return all(
        (own.dtype, own.ndim, own.layout) == (kind.dtype, kind.ndim, kind.layout)
        and (own.mutable or not kind.mutable)
        for own, kind in zip(given, expected, strict=True)
        if isinstance(own, types.Array) and isinstance(kind, types.Array)
    )


def _refusal(function: Callable[..., Any], given: Sequence[Any]) -> str:
    """Say which arrays a function takes."""
    kinds = ", ".join(map(str, given))
    return (
        f"{function.__name__}: its arrays must be contiguous, of float64, and those that it "
        f"overwrites no others' (a transpose is a factor of multiply only); here they are {kinds}"
    )
