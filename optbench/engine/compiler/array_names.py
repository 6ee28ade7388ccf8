"""The arrays that a kernel names, and what its other names stand for.

For :mod:`optbench.engine.compiler.elementwise_loops`, which makes loops of whole arrays.
"""

from __future__ import annotations

import ast
import builtins
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from optbench import linear_algebra
from optbench.contract import Optimizer
from optbench.engine.oracles.catalogue import LIKE_THETA

INDICES = ("_row", "_column")  # of the loops that are made
VIEWS: Mapping[Any, int] = {  # functions that return a view, and its dimensions
    linear_algebra.layer: 2,
    linear_algebra.rows_by_rows: 2,
    linear_algebra.columns_by_columns: 2,
    linear_algebra.layer_rows: 1,
    linear_algebra.layer_columns: 1,
}
REDUCTIONS = (np.sum, np.mean, np.dot, np.inner, np.vdot, np.linalg.norm, np.max, np.min)


class Unsupported(Exception):
    """A statement on whole arrays that has no loop; what to write in its place."""


class Kind(NamedTuple):
    """Which arrays have the same shape, and so share a loop."""

    name: str
    dimensions: int


THETA = Kind("theta", 1)
ROWS_LIKE_THETA = ("'theta'))", "'matrix')")  # names of kinds end so


@dataclass(eq=False)
class Local:
    """An array that has a name of its own: its element is computed where it is used."""

    name: str  # as written
    kind: Kind
    element: str  # the number that stands for it in a loop
    expression: ast.expr
    needs: list[Local]
    reads: set[str]
    stale: str = ""  # why it is another one meanwhile

    def definitions(self, known: set[str]) -> Iterator[ast.stmt]:
        """Yield what computes the element, unless a loop knows it already."""
        if self.element in known:
            return
        if self.stale:
            raise Unsupported(
                f"uses {self.name}, {self.stale}: keep it in an argument {self.name}=Slot() and "
                f"write {self.name}[:] = ..."
            )
        known.add(self.element)
        for other in self.needs:
            yield from other.definitions(known)
        yield assign(self.element, self.expression)


@dataclass
class Arrays:
    """The arrays that a kernel names, and what its other names stand for."""

    kinds: dict[str, Kind]
    names: Mapping[str, Any]
    local: dict[str, Local] = field(default_factory=dict)
    views: bool = False  # whether some of them are parts of others

    @classmethod
    def of(cls, optimizer: Optimizer, kernel: Callable[..., Any]) -> Arrays:
        """Return those of a kernel's arguments."""
        kinds = dict.fromkeys(LIKE_THETA, THETA)
        for name, slot in optimizer.slots.items():
            pair = isinstance(slot.shape, tuple) or slot.shape == "matrix"
            shape = f"Slot(shape={slot.shape!r})"
            kinds[name] = THETA if slot.shape is None else Kind(shape, 2 if pair else 1)
        kinds["sample_row"] = Kind("sample_row", 1)
        arguments = inspect.signature(kernel).parameters
        closure = inspect.getclosurevars(kernel).nonlocals
        names = {**vars(builtins), **kernel.__globals__, **closure}
        return cls({k: v for k, v in kinds.items() if k in arguments}, names)

    def meaning(self, node: ast.expr) -> Any:
        """Return what a name, or an attribute of a module, stands for; None if that is unknown."""
        if isinstance(node, ast.Name):
            return None if node.id in self.kinds else self.names.get(node.id)
        if isinstance(node, ast.Attribute):
            return getattr(self.meaning(node.value), node.attr, None)
        return None

    def first(self, kind: Kind) -> str:
        """Return the name of an array of a kind."""
        return next(name for name, own in self.kinds.items() if own == kind)

    def changed(self, name: str) -> None:
        """Take note that an array or a number is another from here on."""
        self.local.pop(name, None)
        aliased = self.views and name in self.kinds  # a view writes into another array
        for other in self.local.values():
            if aliased or name in other.reads:
                other.stale = f"which was computed before {name} changed"

    def may_change(self, statement: ast.AST) -> set[str]:
        """Return the names that a statement stores, and the arrays that it passes to functions."""
        found = set()
        for node in ast.walk(statement):
            if isinstance(node, ast.Name | ast.Subscript) and isinstance(node.ctx, ast.Store):
                found.add(root(node))
            elif isinstance(node, ast.Call):
                found |= self.passed(node)
        return found

    def passed(self, call: ast.Call) -> set[str]:
        """Return the arrays that a function gets, unless it is known to only read them."""
        meaning = self.meaning(call.func)
        known = inspect.isbuiltin(meaning) or isinstance(meaning, type) or is_known(meaning, VIEWS)
        if known or is_elementwise(meaning) or is_known(meaning, REDUCTIONS):
            return set()
        names = {
            node.id for part in call.args for node in ast.walk(part) if isinstance(node, ast.Name)
        }
        return names & self.kinds.keys()

    def loop(self, kind: Kind, body: list[ast.stmt]) -> ast.stmt:
        """Return a loop over the elements of the arrays of a kind."""
        name = self.first(kind)
        sizes = (
            [f"{name}.size"] if kind.dimensions == 1 else [f"{name}.shape[0]", f"{name}.shape[1]"]
        )
        for index, size in reversed([*zip(INDICES, sizes, strict=False)]):
            (made,) = ast.parse(f"for {index} in range({size}): pass").body
            assert isinstance(made, ast.For)
            made.body = body
            body = [made]
        return body[0]

    def view(self, node: ast.expr) -> Kind | None:
        """Return the kind of what a call such as ``layer(theta, layers, k)`` returns."""
        if not isinstance(node, ast.Call) or not is_known(self.meaning(node.func), VIEWS):
            return None
        shape = ", ".join(map(ast.unparse, node.args[1:]))
        return Kind(f"{ast.unparse(node.func)}(..., {shape})", VIEWS[self.meaning(node.func)])

    def place(self, node: ast.expr) -> tuple[str, Kind, ast.expr] | None:
        """Return array, kind and element where ``theta``, ``theta[:]`` or ``history[k]`` stands."""
        rows: list[ast.expr] = []
        while isinstance(node, ast.Subscript):
            parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            rows = [part for part in parts if not is_everything(part)] + rows
            node = node.value
        if not isinstance(node, ast.Name) or node.id not in self.kinds:
            return None
        kind = self.kinds[node.id]
        left = kind.dimensions - len(rows)
        if left <= 0 or any(isinstance(part, ast.Slice) for part in rows):
            return None
        if rows:
            if not kind.name.endswith(ROWS_LIKE_THETA):
                return None
            kind = THETA
        found = [*rows, *(ast.Name(index, ast.Load()) for index in INDICES[:left])]
        index = found[0] if len(found) == 1 else ast.Tuple(found, ast.Load())
        return node.id, kind, ast.Subscript(ast.Name(node.id, ast.Load()), index, ast.Load())


def root(node: ast.expr) -> str:
    """Return the name of what is stored into."""
    while isinstance(node, ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def is_everything(index: ast.expr) -> bool:
    """Whether an index is ``:`` or ``...``."""
    if isinstance(index, ast.Slice):
        return index.lower is None and index.upper is None and index.step is None
    return isinstance(index, ast.Constant) and index.value is ...


def assign(name: str, value: ast.expr) -> ast.stmt:
    """Return ``name = value``."""
    return ast.Assign([ast.Name(name, ast.Store())], value)


def is_known(meaning: Any, known: Iterable[Any]) -> bool:
    """Whether a function is one of some."""
    return callable(meaning) and any(meaning is each for each in known)


def is_elementwise(meaning: Any) -> bool:
    """Whether a function of an array is one of each of its elements."""
    return isinstance(meaning, np.ufunc) or meaning is abs
