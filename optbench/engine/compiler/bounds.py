"""Which kernels may run without bounds checks: those whose every index is provably inside.

A kernel may write anywhere only if it can index anywhere.  Indices that are the variable of a
``for i in range(theta.size)`` (or of another array of that size) into arrays of that size, and
constants into slots of a fixed size, are inside by construction.  Every other kernel is compiled
with Numba's bounds checks: an index outside ends the run with status ``failed`` and its row says
so.  Built-in and user kernels go through the same rule.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Set
from typing import Any

from optbench.contract import Optimizer
from optbench.engine.compiler.elementwise_loops import rewritten
from optbench.engine.compiler.plain import helpers_of
from optbench.engine.oracles.catalogue import LIKE_THETA
from optbench.source_code import parsed

RAISING = (ast.Raise, ast.Assert, ast.While, ast.Try)


def needs_bounds_checks(optimizer: Optimizer, kernel: Callable[..., Any]) -> bool:
    """Say whether some index of a kernel, or an explicit ``raise``, needs a checked build."""
    function = rewritten(optimizer, kernel)
    # What is passed to a helper has left the kernel; here is what helpers take from elsewhere.
    for helper in helpers_of(kernel):
        own = not helper.__module__.startswith("optbench.")
        if own and any(isinstance(n, (ast.Subscript, *RAISING)) for n in ast.walk(_parsed(helper))):
            return True
    slots = optimizer.slots.items()
    like_theta = LIKE_THETA | {name for name, slot in slots if slot.shape is None}
    square = {name for name, slot in slots if slot.shape == "matrix"}
    fixed = {name: slot.shape for name, slot in slots if isinstance(slot.shape, int)}
    history = {
        name: slot.shape[0]
        for name, slot in slots
        if isinstance(slot.shape, tuple) and isinstance(slot.shape[0], int)
        if slot.shape[1] == "theta"
    }
    others = {"sample_row", "layers", "rng"} | {name for name, _ in slots}
    arrays = {*like_theta, *square, *fixed, *others}
    inside = _loop_variables(function, like_theta)
    proven = 0  # uses of an array that cannot reach outside it
    for node in ast.walk(function):
        if isinstance(node, RAISING):
            return True
        if isinstance(node, ast.Subscript):
            if not isinstance(node.value, ast.Name):
                return True
            name, index = node.value.id, node.slice
            parts = index.elts if isinstance(index, ast.Tuple) else [index]
            if name in fixed:
                safe = _is_constant(index, fixed[name])
            elif name in history and len(parts) == 2:
                safe = _is_constant(parts[0], history[name]) and _is_variable(parts[1], inside)
            else:
                dimensions = 1 if name in like_theta else 2 if name in square else -1
                safe = len(parts) == dimensions and all(_is_variable(x, inside) for x in parts)
            if not safe:
                return True
            proven += 1
        elif _is_size(node, arrays):
            proven += 1
    # Any other use may rename the array, replace it or hand it to an unchecked helper.
    uses = sum(isinstance(node, ast.Name) and node.id in arrays for node in ast.walk(function))
    return uses > proven


def _is_constant(index: ast.AST, size: int) -> bool:
    """Whether an index is a number inside of so many."""
    return isinstance(index, ast.Constant) and index.value in range(size)


def _is_variable(index: ast.AST, inside: Set[str]) -> bool:
    """Whether an index is the variable of a loop over all coordinates."""
    return isinstance(index, ast.Name) and index.id in inside


def _parsed(function: Callable[..., object]) -> ast.FunctionDef | ast.Lambda:
    """Return the syntax tree of a function."""
    tree, _ = parsed(function)
    return next(n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.Lambda))


def _is_size(node: ast.AST, arrays: Set[str]) -> bool:
    """Whether the expression is ``a.size`` or ``len(a)`` of one of the arrays."""
    if isinstance(node, ast.Attribute) and node.attr == "size":
        array: ast.AST = node.value
    elif isinstance(node, ast.Call) and ast.unparse(node.func) == "len" and len(node.args) == 1:
        array = node.args[0]
    else:
        return False
    return isinstance(array, ast.Name) and array.id in arrays


def _loop_variables(function: ast.AST, like_theta: Set[str]) -> set[str]:
    """Names that are only ever the variable of a loop over all coordinates."""
    loops: Counter[str] = Counter()
    stores: Counter[str] = Counter()
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            stores[node.id] += 1
        if isinstance(node, ast.For) and isinstance(node.target, ast.Name):
            call = node.iter
            if (
                isinstance(call, ast.Call)
                and ast.unparse(call.func) == "range"
                and len(call.args) == 1
                and _is_size(call.args[0], like_theta)
            ):
                loops[node.target.id] += 1
    return {name for name in loops if loops[name] == stores[name]}
