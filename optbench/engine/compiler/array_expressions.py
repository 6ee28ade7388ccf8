"""Expressions on whole arrays, as expressions on one of their elements.

Read and written as Python's syntax trees, for :mod:`optbench.engine.compiler.elementwise_loops`.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Mapping
from typing import Any

import numpy as np

from optbench import elementwise
from optbench.engine.compiler.array_names import (
    Arrays,
    Kind,
    Local,
    Unsupported,
    assign,
    is_elementwise,
    is_known,
)

SUM = "_total + {0}"
# NaN stays: what has none of the two orders is taken, and nothing is taken from it
LARGEST = "{0} if {0} > _total or {0} != {0} else _total"
SMALLEST = "{0} if {0} < _total or {0} != {0} else _total"
HOW_REDUCED: Mapping[Any, tuple[str, str, str]] = {  # where it starts, one more element, the end
    np.sum: ("0.0", SUM, "_total"),
    np.mean: ("0.0", SUM, "_total / _size"),
    np.dot: ("0.0", SUM, "_total"),
    np.inner: ("0.0", SUM, "_total"),
    np.vdot: ("0.0", SUM, "_total"),
    np.linalg.norm: ("0.0", SUM, "_total"),  # of squares
    np.max: ("-1e400", LARGEST, "_total"),
    np.min: ("1e400", SMALLEST, "_total"),
}
METHODS = {"sum": np.sum, "mean": np.mean, "max": np.max, "min": np.min, "dot": np.dot}
CONSTANTS = {np.zeros_like: 0.0, np.ones_like: 1.0}
COPIES = (np.copy, np.array)


class Lowering:
    """One expression; numbers and sums that it needs are computed in ``before``."""

    def __init__(self, arrays: Arrays, prefix: str) -> None:
        self.arrays, self.prefix = arrays, prefix
        self.before: list[ast.stmt] = []
        self.needs: list[Local] = []
        self.reads: set[str] = set()
        self.passed: set[str] = set()  # arrays that a function may write
        self.reads_elements = False  # in what is computed before the loop
        self.count = 0

    def lower(self, node: ast.expr) -> tuple[Kind | None, ast.expr]:
        """Return the kind, None of a number, and the expression of an element or of the number."""
        if isinstance(node, ast.Name) and node.id in self.arrays.local:
            return self._local(self.arrays.local[node.id])
        place = self.arrays.place(node)
        if place is not None:
            self.reads.add(place[0])
            return place[1], place[2]
        if isinstance(node, ast.Name):
            self.reads.add(node.id)
            return None, node
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
            return None, self._reduced(np.dot, [node.left, node.right], node)
        if isinstance(node, ast.BinOp | ast.UnaryOp | ast.Compare):
            return self._operation(node)
        if isinstance(node, ast.Call):
            return self._call(node)
        return None, self._number(node)

    def _local(self, local: Local) -> tuple[Kind, ast.expr]:
        self.needs.append(local)
        self.reads |= local.reads
        return local.kind, ast.Name(local.element, ast.Load())

    def _operation(self, node: ast.BinOp | ast.UnaryOp | ast.Compare) -> Any:
        made = copy.copy(node)
        if isinstance(made, ast.Compare):
            kind, parts = self._together([made.left, *made.comparators])
            made.left, made.comparators = parts[0], parts[1:]
            if kind is not None and len(parts) > 2:
                raise Unsupported("compares three arrays: write np.logical_and of two comparisons")
        elif isinstance(made, ast.BinOp):
            kind, (made.left, made.right) = self._together([made.left, made.right])
        else:
            kind, (made.operand,) = self._together([made.operand])
            if kind is not None and isinstance(made.op, ast.Not | ast.Invert):
                raise Unsupported("negates a whole array: write np.logical_not")
        return kind, made

    def _together(self, nodes: list[ast.expr]) -> tuple[Kind | None, list[ast.expr]]:
        """Lower what meets in one operation; numbers are computed before a loop."""
        found = [self.lower(node) for node in nodes]
        kinds = {kind for kind, _ in found if kind is not None}
        if len(kinds) > 1:
            names = " and ".join(sorted(kind.name for kind in kinds))
            raise Unsupported(f"mixes arrays of different shapes, {names}: write a loop")
        kind = next(iter(kinds), None)
        if kind is None:
            return None, [made for _, made in found]
        return kind, [made if own is not None else self.hoisted(made) for own, made in found]

    def hoisted(self, number: ast.expr) -> ast.expr:
        """Return a name of a number, which is computed before."""
        if isinstance(number, ast.Constant | ast.Name):
            return number
        name = self._fresh()
        self.before.append(ast.copy_location(assign(name, number), number))
        return ast.Name(name, ast.Load())

    def _fresh(self) -> str:
        self.count += 1
        return f"{self.prefix}_{self.count}"

    def _call(self, node: ast.Call) -> tuple[Kind | None, ast.expr]:
        meaning = self.arrays.meaning(node.func)
        is_method = isinstance(node.func, ast.Attribute) and meaning is None
        if is_method and isinstance(node.func, ast.Attribute):
            kind, _ = Lowering(self.arrays, self.prefix).lower(node.func.value)
            if kind is not None and node.func.attr in METHODS:
                return None, self._reduced(
                    METHODS[node.func.attr], [node.func.value, *node.args], node
                )
            if kind is not None and node.func.attr == "copy":
                return self.lower(node.func.value)
        if getattr(meaning, "__module__", "") in ("math", elementwise.__name__):
            kind, parts = self._together(node.args)
            if kind is not None:
                name = ast.unparse(node.func)
                raise Unsupported(
                    f"gives {name} an array: it takes a number, np.exp and others all"
                )
            return None, ast.Call(node.func, parts, node.keywords)
        if is_known(meaning, HOW_REDUCED) and node.args:
            return None, self._reduced(meaning, node.args, node)
        if is_known(meaning, CONSTANTS):
            kind, _ = self.lower(node.args[0])
            return kind, ast.Constant(CONSTANTS[meaning])
        if is_known(meaning, COPIES) and len(node.args) == 1:
            return self.lower(node.args[0])
        if meaning is np.where or meaning is np.clip or is_elementwise(meaning):
            return self._elementwise(meaning, node)
        return None, self._number(node)

    def _elementwise(self, meaning: Any, node: ast.Call) -> tuple[Kind | None, ast.expr]:
        kind, parts = self._together(node.args)
        if kind is None:
            made = copy.copy(node)
            made.args = parts
            return None, made
        if node.keywords:
            raise Unsupported(f"gives {ast.unparse(node.func)} a keyword: write x[:] = ... instead")
        if meaning is np.where:
            return kind, ast.IfExp(*parts)
        if meaning is np.clip:
            x, low, high = (f"({ast.unparse(part)})" for part in parts)
            text = f"{low} if {x} < {low} else {high} if {x} > {high} else {x}"
            return kind, ast.parse(text, mode="eval").body
        return kind, ast.Call(node.func, parts, [])

    def _reduced(self, meaning: Any, nodes: list[ast.expr], node: ast.expr) -> ast.expr:
        """Return the name of a sum, or the like, over all elements; a loop before computes it."""
        inner = Lowering(self.arrays, f"{self.prefix}_{self._fresh()[1:]}")
        kind, parts = inner._together(nodes)
        plain = not (isinstance(node, ast.Call) and node.keywords)
        if kind is None:
            return self._number(node)
        if not plain or len(parts) > (2 if meaning in (np.dot, np.inner, np.vdot) else 1):
            raise Unsupported(f"calls `{ast.unparse(node)}`, which is not known: write a loop")
        start, more, end = HOW_REDUCED[meaning]
        element = parts[0]
        if len(parts) == 2:
            element = ast.BinOp(parts[0], ast.Mult(), parts[1])
        name = self._fresh()
        body: list[ast.stmt] = []
        for local in inner.needs:
            body += local.definitions(_elements(body))
        one, size = f"{name}_one", f"{self.arrays.first(kind)}.size"
        body.append(assign(one, element))
        if meaning is np.linalg.norm:
            one = f"{one} * {one}"
        body.append(assign(name, _text(more.format(one), name, size)))
        made = [assign(name, _text(start, name, size)), self.arrays.loop(kind, body)]
        if meaning is np.linalg.norm:
            made.append(assign(name, self._root(node, name)))
        elif end != "_total":
            made.append(assign(name, _text(end, name, size)))
        self.before += inner.before + [ast.copy_location(each, node) for each in made]
        self.reads |= inner.reads
        self.passed |= inner.passed
        self.reads_elements = True
        return ast.Name(name, ast.Load())

    @staticmethod
    def _root(node: ast.expr, name: str) -> ast.expr:
        """Return np.sqrt of a number, by the name that NumPy has where np.linalg.norm is called."""
        function = node.func if isinstance(node, ast.Call) else node
        inner = function.value if isinstance(function, ast.Attribute) else function
        if not isinstance(inner, ast.Attribute):
            raise Unsupported("calls norm by that name: write np.linalg.norm(...)")
        sqrt = ast.Attribute(inner.value, "sqrt", ast.Load())
        return ast.Call(sqrt, [ast.Name(name, ast.Load())], [])

    def _number(self, node: ast.expr) -> ast.expr:
        """Lower the parts of what is a number, or a call of a function that nothing is known of."""
        made = copy.copy(node)
        for name, value in ast.iter_fields(node):
            if isinstance(value, ast.expr):
                setattr(made, name, self._part(value))
            elif isinstance(value, list) and name in ("args", "elts", "values", "comparators"):
                setattr(made, name, [self._part(part) for part in value])
        if isinstance(node, ast.Call):
            self.passed |= self.arrays.passed(node)
        return made

    def _part(self, node: ast.expr) -> ast.expr:
        if isinstance(node, ast.Slice):
            return node
        if self.arrays.place(node) is not None:  # passed as it is, or asked for its size
            self.reads_elements = True
            return node
        kind, made = self.lower(node)
        if kind is None:
            if isinstance(node, ast.Name) and node.id in self.arrays.kinds:
                self.reads_elements = True
            return made
        name = node.id if isinstance(node, ast.Name) else "buffer"
        raise Unsupported(
            f"needs a whole array that is computed, `{ast.unparse(node)}`, which a kernel cannot "
            f"allocate: declare an argument {name}=Slot() and write {name}[:] = ... before"
        )


def _elements(body: list[ast.stmt]) -> set[str]:
    return {each.targets[0].id for each in body if isinstance(each, ast.Assign)}  # type: ignore[attr-defined]


def _text(expression: str, total: str, size: str) -> ast.expr:
    made = expression.replace("_total", total).replace("_size", size)
    return ast.parse(made, mode="eval").body
