"""Compile row losses of several outputs: eight rows at a time, each in a vector's lane.

``row(predictions (k,), target, slopes (k,)) -> loss`` is written for one row.  It is called in a
loop over eight rows whose numbers lie on the stack, and its own loops, over k outputs, are
unrolled: what is left is a loop over rows that LLVM turns into vectors (four times as fast on ten
outputs).
A row loss that indexes by its target (``predictions[int(target)]``) stays scalar; comparing
(``c == target``) does not.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

import numba
import numpy as np

from optbench.engine import types
from optbench.engine.bind import bounds_checks, define
from optbench.engine.compiler.blame import compile_errors
from optbench.engine.compiler.buffers import movers, stack_vector
from optbench.engine.compiler.cache import KernelId, compile_kernel, once
from optbench.engine.compiler.overloads import PartCompiler, UnrolledPart, inlined, unrolled
from optbench.engine.compiler.vectors import LANES
from optbench.engine.compiler.views import part, read_only
from optbench.instance import Instance
from optbench.source_code import parsed

FEW = 32  # outputs up to which loops over them are unrolled: code grows with them

# An error in one row is told by its slopes and its loss, as those of a whole objective are.
_SLOPES = """
def slopes(predictions, targets, log_unit, out):
    rows, stride = targets.size // width, predictions.size // outputs
    z, s, numbers, results = vector(), vector(), block(), block()
    {prepare}
    for first in range(0, rows, lanes):
        count = rows - first
        read(predictions, first, stride, count, numbers)
        own = part(targets, first * width, lanes * width)
        try:
            for lane in range(lanes):
                gather(numbers, lane, z)
                {gather}
                row({arguments})
                scatter(s, lane, results)
        except Exception:
            results[:] = np.nan
        write(out, first, stride, count, results)
"""
_LOSSES = """
def losses(predictions, targets, log_unit):
    rows, stride = targets.size // width, predictions.size // outputs
    z, s, numbers, found = vector(), vector(), block(), eight()
    {prepare}
    total = 0.0
    for first in range(0, rows, lanes):
        count = rows - first
        read(predictions, first, stride, count, numbers)
        own = part(targets, first * width, lanes * width)
        try:
            for lane in range(lanes):
                gather(numbers, lane, z)
                {gather}
                found[lane] = row({arguments})
        except Exception:
            found[:] = np.nan
        for lane in range(min(count, lanes)):
            total += found[lane]
    return total
"""


def row_copies(mark: Callable[..., Any]) -> tuple[Callable[..., None], Callable[..., None]]:
    """Return what copies one of eight rows to a place of its own, and back."""

    @mark
    def gather(numbers, lane, row):  # type: ignore[no-untyped-def]
        for c in range(row.size):
            row[c] = numbers[c * LANES + lane]

    @mark
    def scatter(row, lane, numbers):  # type: ignore[no-untyped-def]
        for c in range(row.size):
            numbers[c * LANES + lane] = row[c]

    return gather, scatter


COPIES_OF_FEW, COPIES_OF_MANY = row_copies(unrolled), row_copies(inlined)


def bind_rows_of_outputs(instance: Instance, own: KernelId) -> tuple[Any, Any]:
    """Compile an instance's row loss into ``slopes`` and ``losses`` of its outputs."""
    assert instance.row is not None
    several = instance.targets.ndim == 2
    further = "" if instance.parameters is None else ", parameters"
    return _bound(instance.row, instance.outputs, several, further, instance.parameters, own)


@once
def bind_tail_of_outputs(outputs: int) -> tuple[Any, Any]:
    """Compile the exponential tail of margins between classes."""
    from optbench.engine.data.tail import tail_of_classes

    return _compiled(tail_of_classes, outputs, False, ", log_unit", None, {})


@once
def _bound(
    row: Callable[..., float],
    outputs: int,
    several: bool,
    further: str,
    parameters: Any,
    own: KernelId,
) -> tuple[Any, Any]:
    with compile_errors(f"row loss {row.__name__!r}", row):
        return _compiled(row, outputs, several, further, parameters, {"kernel": own})


def _compiled(
    row: Callable[..., float],
    outputs: int,
    several: bool,
    further: str,
    parameters: Any,
    options: dict[str, Any],
) -> tuple[Any, Any]:
    read, write = movers(outputs)
    names = {
        "row": row if numba.config.DISABLE_JIT else _jitted(row, outputs),
        "vector": stack_vector(outputs),
        "block": stack_vector(LANES * outputs),
        "eight": stack_vector(LANES),
        "outputs": outputs,
        "width": outputs if several else 1,
        "lanes": LANES,
        "parameters": parameters,
        "np": np,
    }
    copies = COPIES_OF_FEW if outputs <= FEW else COPIES_OF_MANY
    helpers = (read, write, *copies, part, read_only)
    names |= {helper.__name__: helper for helper in helpers}
    target = "read_only(t)" if several else "own[lane]"
    source = {
        "prepare": "t = vector()" if several else "pass",
        "gather": "gather(own, lane, t)" if several else "pass",
        "arguments": f"read_only(z), {target}, s{further}",
    }
    called = f"{row.__name__}-{outputs}{'-targets' * several}"
    slopes = define(_SLOPES.format(**source), "slopes", called, **names)
    losses = define(_LOSSES.format(**source), "losses", called, **names)
    # Indices that LLVM cannot prove to be inside are checked; of others no check is left.
    with bounds_checks(True):
        return (
            compile_kernel(slopes, types.slopes_s, **options),
            compile_kernel(losses, types.losses_s, **options),
        )


def _jitted(row: Callable[..., float], outputs: int) -> Any:
    """Return a row loss as a part of the generated function around it."""
    pipeline = UnrolledPart if outputs <= FEW and has_known_loops(row) else PartCompiler
    return numba.njit(
        error_model="numpy",
        fastmath={"contract"},
        forceinline=True,
        pipeline_class=pipeline,
        no_cpython_wrapper=True,
        no_cfunc_wrapper=True,
        _nrt=False,
    )(row)


def has_known_loops(row: Callable[..., Any]) -> bool:
    """Whether all loops go over arrays of known size: ``for c in range(predictions.size)``."""
    try:
        tree, _ = parsed(row)
    except OSError:
        return False
    for node in ast.walk(tree):
        if isinstance(node, ast.While):
            return False
        if isinstance(node, ast.For):
            call = node.iter
            if not (isinstance(call, ast.Call) and ast.unparse(call.func) == "range"):
                return False
            if not all(map(_is_known, call.args)):
                return False
    return True


def _is_known(node: ast.AST) -> bool:
    """Whether an expression is a constant or the size of an array."""
    if isinstance(node, ast.Call):
        return ast.unparse(node.func) == "len"
    return isinstance(node, ast.Constant) or (
        isinstance(node, ast.Attribute) and node.attr == "size"
    )
