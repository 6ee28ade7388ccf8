"""Whether a kernel sets theta anew from what it keeps, so that another hand in theta is lost.

Mirror descent, dual averaging and schedule-free methods write ``theta[i] = ...`` from a slot or a
probe: to multiply theta before the step, as weight decay does, has no effect on them.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from optbench.source_code import parsed

Definitions = Mapping[str, list[ast.expr]]


def sets_theta_anew(kernel: Callable[..., Any], kept: Collection[str]) -> bool:
    """Say whether some element of theta gets a value that does not depend on theta.

    Parameters
    ----------
    kernel : callable
        Plain Python.
    kept : collection of str
        Its slots, and what else it keeps from step to step.
    """
    try:
        tree, _ = parsed(kernel)
    except (OSError, TypeError, SyntaxError):  # nobody can read it
        return False
    locals_: dict[str, list[ast.expr]] = {}
    values: list[ast.expr] = []
    assigned = [node for node in ast.walk(tree) if isinstance(node, ast.Assign)]
    for node in sorted(assigned, key=lambda node: node.lineno):
        for target in node.targets:
            if isinstance(target, ast.Name):
                locals_.setdefault(target.id, []).append(node.value)
            elif isinstance(target, ast.Subscript) and _is(target.value, "theta"):
                values += _branches(node.value)
    return any(
        not _reads({"theta"}, value, locals_) and _reads(set(kept), value, locals_)
        for value in values
    )


def _is(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _branches(value: ast.expr) -> Iterator[ast.expr]:
    """Each of what a conditional expression may give."""
    if isinstance(value, ast.IfExp):
        yield from _branches(value.body)
        yield from _branches(value.orelse)
    else:
        yield value


def _reads(
    names: set[str], value: ast.expr, locals_: Definitions, seen: frozenset[str] = frozenset()
) -> bool:
    """Whether an expression reads one of these arrays, itself or by the last name it was given."""
    for node in ast.walk(value):
        if isinstance(node, ast.Name) and node.id not in seen:
            if node.id in names:
                return True
            last = locals_.get(node.id, [])[-1:]
            if any(_reads(names, one, locals_, seen | {node.id}) for one in last):
                return True
    return False
