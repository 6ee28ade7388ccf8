"""Which kernels may run without bounds checks: those whose every index is provably inside.

A kernel may write anywhere only if it can index anywhere.  Indices that are the variable of a
``for i in range(theta.size)`` (or of another array of that size) into arrays of that size, and
constants into slots of a fixed size, are inside by construction.  Every other kernel is compiled
with Numba's bounds checks: an index outside ends the run with status ``failed`` and its row says
so.  Built-in and user kernels go through the same rule.
"""

from __future__ import annotations

import ast
import inspect
import textwrap

from optbench.contract import Optimizer


def needs_bounds_checks(optimizer: Optimizer) -> bool:
    """Say whether some index of the kernel, or an explicit ``raise``, needs a checked build."""
    source = textwrap.dedent(inspect.getsource(optimizer.kernel))
    function = next(n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.FunctionDef))
    like_theta = {"theta", "grad"} | {n for n, s in optimizer.slots.items() if s.shape is None}
    fixed = {n: s.shape for n, s in optimizer.slots.items() if isinstance(s.shape, int)}
    square = {"inverse_fisher"} | {n for n, s in optimizer.slots.items() if s.shape == "matrix"}
    arrays = like_theta | set(fixed) | square | {"layers", "rng"}
    inside = _safe_indices(function, like_theta)
    for node in ast.walk(function):
        if isinstance(node, ast.Raise | ast.Assert | ast.While | ast.Try):
            return True
        if isinstance(node, ast.Subscript):
            if not isinstance(node.value, ast.Name):
                return True
            name, index = node.value.id, node.slice
            if name in like_theta:
                safe = isinstance(index, ast.Name) and index.id in inside
            elif name in fixed:
                safe = isinstance(index, ast.Constant) and index.value in range(fixed[name])
            elif name in square:
                safe = isinstance(index, ast.Tuple) and all(
                    isinstance(part, ast.Name) and part.id in inside for part in index.elts
                )
            else:
                safe = False
            if not safe:
                return True
        if isinstance(node, ast.Call):
            given = {arg.id for arg in node.args if isinstance(arg, ast.Name)}
            if given & arrays and not _is_len(node):
                return True
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Name | ast.Subscript):
            if isinstance(node.value, ast.Name) and node.value.id in arrays:
                return True
    return False


def _is_len(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Name) and call.func.id == "len"


def _is_size(node: ast.expr, arrays: set[str]) -> bool:
    """Whether the expression is ``a.size``, ``len(a)`` or ``a.shape[0]`` of a known array."""
    if isinstance(node, ast.Attribute) and node.attr == "size":
        return isinstance(node.value, ast.Name) and node.value.id in arrays
    if isinstance(node, ast.Call) and _is_len(node) and isinstance(node.args[0], ast.Name):
        return node.args[0].id in arrays
    return False


def _safe_indices(function: ast.FunctionDef, like_theta: set[str]) -> set[str]:
    """Names that are only ever the variable of a loop over all coordinates."""
    loops: set[str] = set()
    unsafe: set[str] = set()
    for node in ast.walk(function):
        if isinstance(node, ast.For) and isinstance(node.target, ast.Name):
            call = node.iter
            whole = (
                isinstance(call, ast.Call)
                and isinstance(call.func, ast.Name)
                and call.func.id == "range"
                and len(call.args) == 1
                and _is_size(call.args[0], like_theta)
            )
            (loops if whole else unsafe).add(node.target.id)
        elif isinstance(node, ast.Assign | ast.AugAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                names = [n for n in ast.walk(target) if isinstance(n, ast.Name)]
                stored = [n for n in names if isinstance(n.ctx, ast.Store)]
                unsafe |= {n.id for n in stored}
    return loops - unsafe
