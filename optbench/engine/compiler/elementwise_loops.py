"""Kernels in NumPy's style: what they write on whole arrays becomes loops before it is compiled.

``theta -= learning_rate * m / (np.sqrt(v) + eps)`` would allocate at every operation.  Neighbouring
statements on arrays of one shape become one loop over their elements, numbers in them are computed
before it, and sums, products and norms become loops of their own: the same code, and the same bits,
as a loop that is written by hand.  An array with a name of its own, ``m_hat = m / c``, is computed
where it is used.  Lines stay those of the plug-in's file; plain Python runs the kernel as it is
written, and what is written is what its identity is made of.
"""

from __future__ import annotations

import ast
import copy
import inspect
import types
from collections.abc import Callable, Collection
from typing import Any

from optbench.contract import Optimizer
from optbench.engine.compiler.array_expressions import Lowering
from optbench.engine.compiler.array_names import INDICES, Arrays, Kind, Local, Unsupported
from optbench.errors import UserError, shown_path
from optbench.source_code import parsed


def rewritten(optimizer: Optimizer, kernel: Callable[..., Any]) -> ast.FunctionDef:
    """Return the definition of a kernel with loops in place of statements on whole arrays.

    Raises
    ------
    UserError
        For a statement on whole arrays that has no such loop: its line, and what to write.
    """
    tree, first = parsed(kernel)
    function = next(node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))
    ast.increment_lineno(function, first - 1)
    file = shown_path(inspect.getsourcefile(kernel) or "")
    where, arrays = f"{file}:{{}}: optimizer {optimizer.name!r}", Arrays.of(optimizer, kernel)
    rewriting = _Rewriting(where, arrays, optimizer.slots)
    function.body = rewriting.block(function.body)
    return ast.fix_missing_locations(function)


def with_loops(optimizer: Optimizer, kernel: Callable[..., Any]) -> Callable[..., Any]:
    """Return a kernel to compile; the same one where it has no statement on whole arrays."""
    function = rewritten(optimizer, kernel)
    if not any(isinstance(node, ast.Name) and node.id in INDICES for node in ast.walk(function)):
        return kernel
    function.decorator_list, function.args.defaults, function.returns = [], [], None
    for argument in function.args.args:
        argument.annotation = None
    free = kernel.__code__.co_freevars  # bound by a function around it, as they are where it stands
    (outer,) = ast.parse(f"def outer({', '.join(free)}): pass").body
    assert isinstance(outer, ast.FunctionDef)
    outer.body = [function]
    code = compile(ast.Module([outer], []), kernel.__code__.co_filename, "exec")
    for name in ("outer", function.name):
        parts = (part for part in code.co_consts if isinstance(part, types.CodeType))
        code = next(part for part in parts if part.co_name == name)
    cells = dict(zip(free, kernel.__closure__ or (), strict=True))
    closure = tuple(cells[name] for name in code.co_freevars)
    made = types.FunctionType(code, kernel.__globals__, kernel.__name__, None, closure)
    made.__qualname__, made.__module__ = kernel.__qualname__, kernel.__module__
    return made


class _Rewriting:
    """Goes through a kernel's statements; neighbours that share a loop wait for its end."""

    def __init__(self, where: str, arrays: Arrays, slots: Collection[str]) -> None:
        self.where, self.arrays = where, arrays
        self.writable = {"theta", "output", "probe", *slots}
        self.made = 0
        self._open(None)

    def _open(self, kind: Kind | None) -> None:
        """Begin a loop."""
        self.kind, self.writes = kind, False
        self.before: list[ast.stmt] = []
        self.body: list[ast.stmt] = []
        self.elements: set[str] = set()  # that are known in it

    def block(self, statements: list[ast.stmt]) -> list[ast.stmt]:
        """Return the statements of a block with loops in place of some."""
        done: list[ast.stmt] = []
        for statement in statements:
            try:
                self._statement(statement, done)
            except Unsupported as error:
                told = ast.unparse(statement).splitlines()[0]
                place = self.where.format(statement.lineno)
                raise UserError(f"{place} does not compile at `{told}`: it {error}") from None
        self._close(done)
        return done

    def _close(self, done: list[ast.stmt]) -> None:
        """End the loop that is open; one that writes nothing is not needed."""
        done += self.before
        if self.kind is not None and self.writes:
            done.append(ast.copy_location(self.arrays.loop(self.kind, self.body), self.body[0]))
        self._open(None)

    def _statement(self, statement: ast.stmt, done: list[ast.stmt]) -> None:
        if isinstance(statement, ast.Assign | ast.AugAssign):
            self._assignment(statement, done)
            return
        self._close(done)
        if isinstance(statement, ast.If | ast.For | ast.While):
            self._nested(statement, done)
        else:
            done += self._of_numbers(statement)

    def _nested(self, statement: ast.If | ast.For | ast.While, done: list[ast.stmt]) -> None:
        """Rewrite the blocks inside of a statement; its own arrays are not known behind it."""
        written = self.arrays.may_change(statement)
        if isinstance(statement, ast.If):
            done += self._replace(statement, "test")
        else:  # is evaluated again, or begins again with what has changed
            for name in written:
                if name in self.arrays.local:
                    self.arrays.local[name].stale = "which changes in this loop"
                else:
                    self.arrays.changed(name)
        known = dict(self.arrays.local)
        inside: dict[str, Local] = {}
        for name in ("body", "orelse"):
            self.arrays.local = dict(known)
            made = self.block(getattr(statement, name))
            setattr(statement, name, made or [ast.Pass()] if name == "body" else made)
            inside |= {k: v for k, v in self.arrays.local.items() if v is not known.get(k)}
        self.arrays.local = known
        for name in written:
            self.arrays.changed(name)
        for local in inside.values():
            local.stale = "which is another array in one branch than in another"
        known |= inside
        done.append(statement)

    def _of_numbers(self, statement: ast.stmt) -> list[ast.stmt]:
        """Rewrite a statement that is about numbers: only sums in it become loops."""
        names = [name for name, value in ast.iter_fields(statement) if isinstance(value, ast.expr)]
        return [*(made for name in names for made in self._replace(statement, name)), statement]

    def _replace(self, statement: ast.stmt, name: str) -> list[ast.stmt]:
        """Replace a part of a statement; return what comes before."""
        found = self._lowering()
        kind, made = found.lower(getattr(statement, name))
        if kind is not None and isinstance(statement, ast.Return):
            raise Unsupported(
                "returns an array, and a kernel returns nothing: write into theta, theta[:] = ..."
            )
        if kind is not None:
            raise Unsupported("is about a whole array where a number belongs: write a loop")
        setattr(statement, name, made)
        for passed in found.passed:
            self.arrays.changed(passed)
        return found.before

    def _lowering(self) -> Lowering:
        self.made += 1
        return Lowering(self.arrays, f"_{self.made}")

    def _assignment(self, statement: ast.Assign | ast.AugAssign, done: list[ast.stmt]) -> None:
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        target, own = targets[0], isinstance(statement, ast.Assign)
        view = self.arrays.view(statement.value)
        found = self._lowering()
        kind, value = found.lower(statement.value)
        name = target.id if isinstance(target, ast.Name) else ""
        if own and name:
            place = None  # a new meaning of the name
        elif name in self.arrays.local:
            raise Unsupported(f"changes an array of its own: write {name} = {name} ...")
        else:
            place = self.arrays.place(target)
        alias = self.arrays.place(statement.value) if own and name else None
        if alias is not None and name not in self.writable:
            view = alias[1]
        if view is not None or (place is None and kind is None):
            self._close(done)
            done += self._with_number(statement, found, statement.value if alias else value)
            if view is not None and name:
                self.arrays.kinds[name] = view
                self.arrays.views = True
            return
        if own and name in self.writable:
            raise Unsupported(
                f"gives the name {name} to another array, and the old one stays as it is: write "
                f"{name}[:] = ..."
            )
        if len(targets) > 1 or not (place or name):
            raise Unsupported("puts a whole array where it cannot: write a loop over its elements")
        shape = place[1] if place is not None else kind
        assert shape is not None
        if kind not in (None, shape):
            raise Unsupported(f"mixes {shape.name} and {kind.name}: write a loop")
        if shape != self.kind or found.reads_elements:
            self._close(done)
            self._open(shape)
        value = value if kind is not None else found.hoisted(value)
        self.before += found.before
        for local in found.needs:
            self.body += local.definitions(self.elements)
        if place is None:
            self._define(name, shape, value, found)
            return
        made: ast.Assign | ast.AugAssign = copy.copy(statement)
        element = copy.copy(place[2])
        element.ctx = ast.Store()  # type: ignore[attr-defined]
        made.value = value
        if isinstance(made, ast.Assign):
            made.targets = [element]
        else:
            made.target = element  # type: ignore[assignment]
        self.body.append(made)
        self.writes = True
        self.arrays.changed(place[0])

    def _with_number(
        self, statement: ast.Assign | ast.AugAssign, found: Lowering, value: ast.expr
    ) -> list[ast.stmt]:
        statement.value = value
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        for node in (node for target in targets for node in ast.walk(target)):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                self._no_local(node)
        for target in targets:
            for name in self.arrays.may_change(target):
                self.arrays.changed(name)
        for name in found.passed:
            self.arrays.changed(name)
        return [*found.before, statement]

    def _no_local(self, node: ast.Name) -> None:
        if node.id in self.arrays.local:
            raise Unsupported(
                f"writes into {node.id}, which a kernel cannot allocate: declare an argument "
                f"{node.id}=Slot()"
            )

    def _define(self, name: str, kind: Kind, value: ast.expr, found: Lowering) -> None:
        """Give an array a name: its element is known in the loop that is open, and behind it."""
        self.made += 1
        element = f"_{name}_{self.made}"
        reads = found.reads | {node.id for node in ast.walk(value) if isinstance(node, ast.Name)}
        local = Local(name, kind, element, value, found.needs, reads - {element})
        self.arrays.changed(name)
        self.arrays.local[name] = local
        self.body += local.definitions(self.elements)
