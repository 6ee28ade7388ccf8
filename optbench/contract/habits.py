"""Habits of optax, PyTorch and JAX that a kernel cannot follow, each with what to write instead.

Signatures are read by :func:`check_signature`, bodies by :func:`check_body`; a statement that does
not compile is looked up with :func:`advice`.  Code is compared as `ast.unparse` writes it.
"""

from __future__ import annotations

import ast
import difflib
import inspect
import os
import re
from collections.abc import Callable, Collection, Iterator
from typing import Any, NamedTuple

from optbench.contract.arguments import ORACLE_ARGUMENTS, Hyper
from optbench.contract.slots import Slot
from optbench.errors import UserError, first_line, shown_path
from optbench.source_code import parsed

RATE = 'learning_rate=Hyper(tune="log")'
FORMS = {
    "optimizer": "`def name(theta, grad, ...):`, a function that takes one step",
    "problem": "`def name(n=20, seed=0):`, a function that returns an Instance",
}
LOOP = "for i in range(theta.size): theta[i] -= learning_rate * grad[i]"

# What others call an argument: what it is here.
RENAMED = {
    **dict.fromkeys(("gradient", "gradients", "grads", "updates", "g", "dw"), "grad"),
    **dict.fromkeys(("params", "parameters", "weights", "w", "x", "p"), "theta"),
    **dict.fromkeys(("lr", "learning_rate", "step_size", "stepsize", "alpha", "eta"), RATE),
    **dict.fromkeys(("momentum", "mu", "beta"), "momentum=Hyper(0.9, low=0.0, high=1.0)"),
    **dict.fromkeys(("beta1", "b1"), "beta1=Hyper(0.9, low=0.0, high=1.0)"),
    **dict.fromkeys(("beta2", "b2"), "beta2=Hyper(0.999, low=0.0, high=1.0)"),
    **dict.fromkeys(("eps", "epsilon"), "eps=Hyper(1e-8, low=0.0)"),
    **dict.fromkeys(("weight_decay", "wd"), "weight_decay=Hyper(0.0, low=0.0)"),
    **dict.fromkeys(("velocity", "buf", "buffer", "m", "v", "mean", "square"), "{0}=Slot()"),
    **dict.fromkeys(("t", "k", "iteration", "count", "epoch"), "step"),
    **dict.fromkeys(("key", "seed", "generator", "random_state"), "rng"),
    **dict.fromkeys(("value", "f", "objective"), "loss"),
    **dict.fromkeys(("state", "opt_state"), "an argument for each part, such as m=Slot()"),
    "self": "no class: a function whose state is in arguments such as velocity=Slot()",
    "closure": "loss and grad: the host has evaluated them",
}


class Habit(NamedTuple):
    """Code of these kinds that matches the pattern, and what to say of it."""

    kinds: tuple[type[ast.AST], ...]
    pattern: str
    says: str


WRITTEN = ("theta", "output")  # what a kernel writes, besides its slots

# What has no effect, or another one, compiled or not; ARRAYS are those that the kernel writes.
IN_VAIN = (
    Habit(
        (ast.Assign, ast.AnnAssign),
        r"(ARRAYS)(?:: [^=]*)? = .*",
        "gives the name {0} to another array, and the old one stays as it is: write into it, "
        "`for i in range({0}.size): {0}[i] = ...`",
    ),
    Habit(
        (ast.Return,),
        r"return (?!None$).+",
        f"a kernel returns nothing: it writes into theta, `{LOOP}`",
    ),
    Habit(
        (ast.Global, ast.Nonlocal),
        r"\w+ (\w+).*",
        "what a run carries from step to step is a Slot: declare the argument {0}=Slot(shape=1) "
        "and write {0}[0] = ...",
    ),
    Habit(
        (ast.Call,),
        r"(?:ARRAYS|grad)(?:\.data)?\.(\w+_)\(.*",
        f"arrays are NumPy's, which have no {{0}}: write into theta[i], `{LOOP}`",
    ),
    Habit(
        (ast.Call,),
        r"(?:(?:self|optimizer|opt|tx)\.(?:step|zero_grad|init|update)|loss\.backward)\(.*",
        f"the host evaluates grad and calls the kernel once a step: write the update, `{LOOP}`",
    ),
    Habit(
        (ast.Attribute,),
        r"(ARRAYS)\.(?:data|grad)",
        "arrays are NumPy's: write {0}[i], and grad[i] for the gradient",
    ),
)
# What plain Python can do and compiled code cannot, or must not.
UNCOMPILED = (
    Habit(
        (ast.Name,),
        r"(jnp|jax|torch|optax)",
        "{0} has no part in a kernel, which is loops over float64 arrays: use `math`, "
        "optbench.elementwise or optbench.linear_algebra",
    ),
    Habit(
        (ast.Attribute,),
        r"(?:np|numpy)\.random",
        "its numbers differ from run to run: ask for the argument rng and call uniform(rng), "
        "normal(rng) or integer(rng, n) from optbench.random",
    ),
    Habit(
        (ast.Call,),
        r"print\(.*",
        "it would print at every step: leave it out, or debug with NUMBA_DISABLE_JIT=1",
    ),
    Habit(
        (ast.JoinedStr,),
        r".*",
        "compiled code makes no text: leave it out, or raise an error with a constant text",
    ),
    Habit(
        (ast.List, ast.ListComp, ast.GeneratorExp),
        r".*",
        "a kernel cannot allocate: add up in a loop, or keep numbers in an argument such as "
        "history=Slot(shape=10)",
    ),
    Habit(
        (ast.Dict, ast.DictComp, ast.Set, ast.SetComp),
        r".*",
        "a kernel has no dictionaries and sets: declare each part of the state as an argument, "
        "such as m=Slot()",
    ),
    Habit(
        (ast.Call,),
        r"(?:np|numpy)\.float(?:32|16)\((?:ARRAYS|grad)\)|(?:ARRAYS|grad)\.(?:astype|float|half)\(.*",
        "theta, grad and slots are float64 and stay so: leave the cast out",
    ),
)
# What to write where such a statement does not compile.
ADVICE = (
    Habit(
        (ast.Call,),
        r"(?:np|numpy)\.linalg\.norm\((\w+)\)",
        "write a loop, `total = 0.0`, `for i in range({0}.size): total += {0}[i] ** 2`, and "
        "`math.sqrt(total)`",
    ),
    Habit(
        (ast.Call,),
        r"(?:np|numpy)\.(?:zeros|ones|empty|full|array|asarray)(?:_like)?\(.*",
        "a kernel cannot allocate: declare the array as an argument, such as buffer=Slot()",
    ),
    Habit(
        (ast.Call,),
        r"(?:.*)\.(?:append|extend|pop|copy|clone)\(.*",
        "a kernel cannot allocate: keep numbers in an argument such as history=Slot(shape=10) and "
        "write history[i] = ...",
    ),
    Habit(
        (ast.With, ast.ClassDef, ast.Import, ast.ImportFrom, ast.Await),
        r"(?s).*",
        "it belongs in front of the kernel: what a kernel calls stands beside it as a function",
    ),
)


def check_form(function: object, kind: str) -> None:
    """Refuse what is no plain function; ``kind`` is what the decorator declares.

    Raises
    ------
    UserError
        File and line, what it is, what to write.
    """
    write = f"write {FORMS[kind]}"
    if isinstance(function, type):
        file, line = inspect.getsourcefile(function) or "", inspect.getsourcelines(function)[1]
        where = f"{shown_path(file)}:{line}: {kind} {function.__name__!r}"
        raise UserError(f"{where} is a class: {write}; state is in arguments, velocity=Slot()")
    if not inspect.isfunction(function):
        raise UserError(f"{kind}: is of type {type(function).__name__}: {write}")
    file, line = first_line(function)
    where = f"{file}:{line}: {kind} {function.__name__!r}"
    if function.__name__ == "<lambda>":
        raise UserError(f"{where}: a lambda has no name to be called by: {write}")
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        raise UserError(f"{where} is an async function, which nobody awaits: {write}")
    if inspect.isgeneratorfunction(function):
        raise UserError(f"{where} is a generator: leave `yield` out: {write}")


def check_brackets(where: str, kind: str, bare: object, reference: str | None) -> None:
    """Refuse a decorator without brackets, and one that does not say where its formula is from.

    Raises
    ------
    UserError
        Where, what to write.
    """
    if bare is not None or reference is None:
        what = "has no brackets" if bare is not None else "names no reference"
        raise UserError(
            f'{where}: @{kind} {what}: write @{kind}(reference="Polyak 1964"), the paper that it '
            "is from"
        )


def check_parameter(where: str, parameter: inspect.Parameter) -> None:
    """Refuse an argument that declares nothing.

    Raises
    ------
    UserError
        Where, which, what to write.
    """
    name, default = parameter.name, parameter.default
    if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
        raise UserError(
            f"{where}: argument {str(parameter)!r}: each argument declares something: write them "
            f"one by one, such as grad, velocity=Slot(), {RATE}"
        )
    if parameter.kind is parameter.KEYWORD_ONLY:
        raise UserError(
            f"{where}: argument {name!r} is keyword-only: leave the `*` out, the host passes "
            "arguments by name"
        )
    if isinstance(default, Hyper | Slot):
        return
    if default is not parameter.empty and name not in ORACLE_ARGUMENTS:
        raise UserError(f"{where}: argument {name!r}: {_of_default(name, default)}")
    if name not in ORACLE_ARGUMENTS:
        raise UserError(
            f"{where}: argument {name!r} is neither an oracle argument nor has it a default of "
            f"Hyper(...) or Slot(...); {_meant(name)}"
        )


def _of_default(name: str, default: object) -> str:
    """Say what to write in place of a default value that is neither Hyper nor Slot."""
    if default in (Hyper, Slot):
        return f"its default is the class {default.__name__}: write {name}={default.__name__}()"
    if isinstance(default, int | float):
        value = float(default) if isinstance(default, bool) else default
        return f"its default is {default!r}: write {name}=Hyper({value!r})"
    return (
        f"its default is of type {type(default).__name__}: write {name}=Slot() for state like "
        f"theta, {name}=Slot(shape=3) for three numbers, {name}=Hyper(0.1) for a number"
    )


def _meant(name: str) -> str:
    """Suggest what an unknown name stands for."""
    close = [name] if name in RENAMED else []
    close += difflib.get_close_matches(name, [*ORACLE_ARGUMENTS, *RENAMED], n=1)
    if not close:
        return f"oracle arguments are {', '.join(ORACLE_ARGUMENTS)}"
    return f"did you mean {RENAMED.get(close[0], close[0]).format(close[0])}?"


def check_body(where: str, kernel: Callable[..., Any], slots: Collection[str]) -> None:
    """Refuse the first statement of a kernel that has no effect, or cannot be compiled.

    Parameters
    ----------
    where : str
        The kind and name of the plug-in's function.
    kernel : callable
        Its source is read; what has none, such as a function made by ``exec``, is let through.
    slots : collection of str
        Names of its state.

    Raises
    ------
    UserError
        File, line, the code, what to write.
    """
    try:
        tree, first = parsed(kernel)
    except (OSError, TypeError, SyntaxError):  # a lambda's line may be no statement
        return
    function = next((node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)), None)
    if function is None:
        return
    given = inspect.signature(kernel).parameters
    arrays = [*slots, *(name for name in WRITTEN if name in given)]
    habits = IN_VAIN if _is_plain_python() else IN_VAIN + UNCOMPILED
    found = [told for node in _own_nodes(function) for told in _found(habits, node, arrays)]
    if found:
        line, code, says = min(found, key=lambda one: one[0])
        file, _ = first_line(kernel)
        raise UserError(f"{file}:{first + line - 1}: {where}: `{code}`: {says}")


def advice(statement: str) -> str:
    """Return what to write in place of a statement that does not compile; empty if unknown."""
    head = statement.strip()
    try:
        nodes = list(ast.walk(ast.parse(f"{head} pass" if head.endswith(":") else head)))
    except SyntaxError:  # a part of a statement
        return ""
    found = [told for node in nodes for told in _found(UNCOMPILED + ADVICE, node, ("theta",))]
    return found[0][2] if found else ""


def _is_plain_python() -> bool:
    """Whether kernels run as plain Python, as Numba reads it; Numba is not imported for that."""
    return os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0")


def _own_nodes(function: ast.FunctionDef) -> Iterator[ast.AST]:
    """Yield the nodes of a function's body, without those of functions inside of it."""
    left: list[ast.AST] = list(function.body)
    while left:
        node = left.pop(0)
        yield node
        if not isinstance(node, ast.FunctionDef | ast.Lambda):
            left += ast.iter_child_nodes(node)


def _found(
    habits: tuple[Habit, ...], node: ast.AST, arrays: Collection[str]
) -> Iterator[tuple[int, str, str]]:
    """Yield line, code and advice of each habit that a node shows."""
    for habit in habits:
        if isinstance(node, habit.kinds):
            code = ast.unparse(node)
            pattern = habit.pattern.replace("ARRAYS", "|".join(arrays))
            if match := re.fullmatch(pattern, code):
                line = getattr(node, "lineno", 1)
                yield line, code.partition("\n")[0], habit.says.format(*match.groups())
