"""Turn an instance's plain Python kernels into compiled functions of the loop's fixed types."""

from __future__ import annotations

import functools
import hashlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numba
import numpy as np

from optbench.engine import segments, sparse, types
from optbench.engine.bind import bounds_checks, define, jitted, label
from optbench.engine.blame import compile_errors
from optbench.engine.cache import compile_kernel
from optbench.engine.layouts import is_wide
from optbench.engine.views import part, read_only
from optbench.instance import Instance
from optbench.parameters import Field, arguments, layout, pack
from optbench.parametrizations.matrices import as_matrix

ENGINE_OBJECTIVES = {
    "dense": segments.dense_objective,
    "wide": segments.wide_objective,
    "sparse": sparse.sparse_objective,
}
_SLOPES = """
def slopes(predictions, targets, log_unit, out):
    for i in range(predictions.size):
        out[i] = row(predictions[i], targets[i]{argument})[1]
"""
_LOSSES = """
def losses(predictions, targets, log_unit):
    total = 0.0
    for i in range(predictions.size):
        total += row(predictions[i], targets[i]{argument})[0]
    return total
"""
_OBJECTIVE = """
def objective(want_loss, kernels, data, scratch, runs):
    for run in range(runs.w.shape[0]):
        {clear}
        try:
            runs.loss[run] = loss_and_grad({arguments})
        except Exception:
            runs.gradient_w[run, :] = np.nan
            runs.loss[run] = np.nan
"""
_ARGUMENTS = {
    "w": "read_only(runs.w[run])",
    "data": "read_only(data.panels[0])",
    "grad": "runs.gradient_w[run]",
    "targets": "read_only(data.row_targets)",
    "scratch": "scratch.own",
    "rng": "scratch.rng[run]",
}
_HELPERS = {"np": np, "part": part, "as_matrix": as_matrix, "read_only": read_only}
_NUMBERS, _INTEGERS = "data.numbers", "data.integers"
_FIELDS = {
    "number": f"{_NUMBERS}[{{0}}]",
    "integer": f"{_INTEGERS}[{{0}}]",
    "switch": f"{_INTEGERS}[{{0}}] != 0",
    "numbers": f"read_only(part({_NUMBERS}, {_INTEGERS}[{{0}}], {_INTEGERS}[{{1}}]))",
    "integers": f"read_only(part({_INTEGERS}, {_INTEGERS}[{{0}}], {_INTEGERS}[{{1}}]))",
    "matrix": (
        f"read_only(as_matrix(part({_NUMBERS}, {_INTEGERS}[{{0}}], "
        f"{_INTEGERS}[{{1}}] * {_INTEGERS}[{{2}}]), {_INTEGERS}[{{1}}], {_INTEGERS}[{{2}}]))"
    ),
}


class Form(NamedTuple):
    """The class and fields of parameters: what a plug-in's own objective is compiled for."""

    parameters: type
    fields: tuple[Field, ...]

    @property
    def source(self) -> str:
        """The expression that makes the named tuple from an instance's flat numbers."""
        values = [_FIELDS[f.kind].format(f.place, f.place + 1, f.place + 2) for f in self.fields]
        return f"Parameters({', '.join(values)})"


@dataclass(frozen=True)
class Constants:
    """Parameters with their values, which a row loss is compiled for.

    An argument more would cost every row loss 3 ns a step.
    """

    digest: str
    parameters: Any = field(compare=False)


def constants_of(instance: Instance) -> Constants | None:
    """Return the parameters of an instance's row loss, or None where there are none."""
    given = instance.parameters
    if given is None:
        return None
    values = [layout(given), *(part.tobytes() for part in pack(given))]
    return Constants(hashlib.sha256(repr(values).encode()).hexdigest()[:16], given)


@functools.cache
def bind_rows(
    row: Callable[..., tuple[float, float]], constants: Constants | None = None
) -> tuple[Any, Any]:
    """Compile ``row(prediction, target) -> (loss, slope)`` into ``slopes`` and ``losses``."""
    folder = Path(inspect.getfile(row)).parent
    names, called, argument = {"row": row}, label(row), ""
    if not numba.config.DISABLE_JIT:
        names["row"] = jitted(row)
    if constants is not None:
        names["parameters"], argument = constants.parameters, ", parameters"
        called = f"{called}-{constants.digest}"
    slopes, losses = (
        define(template.replace("{argument}", argument), name, called, **names)
        for name, template in (("slopes", _SLOPES), ("losses", _LOSSES))
    )
    flags = {"contract", "reassoc"}
    with compile_errors(f"row loss {row.__name__!r}", row):
        return (
            compile_kernel(slopes, types.slopes_s, plugin_folder=folder),
            compile_kernel(losses, types.losses_s, plugin_folder=folder, fastmath=flags),
        )


@functools.cache
def bind_tail() -> tuple[Any, Any]:
    """Compile the exponential tail: loss exp(log_unit - margin) in units of exp(-log_unit)."""
    from optbench.engine import tail

    return (
        compile_kernel(tail.tail_slopes, types.slopes_s),
        compile_kernel(tail.tail_losses, types.losses_s, fastmath={"contract", "reassoc"}),
    )


@functools.cache
def bind_engine_objective(kind: str) -> Any:
    """Compile one of ``ENGINE_OBJECTIVES``."""
    return compile_kernel(ENGINE_OBJECTIVES[kind], types.objective_s)


@functools.cache
def bind_own_objective(kernel: Callable[..., float], form: Form | None = None) -> Any:
    """Compile a plug-in's own ``loss_and_grad``."""
    given, names, called = dict(_ARGUMENTS), dict(_HELPERS), label(kernel)
    names["loss_and_grad"] = kernel if numba.config.DISABLE_JIT else jitted(kernel)
    if form is not None:
        given["parameters"], names["Parameters"] = form.source, form.parameters
        called += hashlib.sha256(repr(form.fields).encode()).hexdigest()[:8]
    # memory that a kernel finds as another run left it would carry numbers from run to run
    asks = arguments(kernel)
    clear = "scratch.own[:] = 0.0" if "scratch" in asks else "pass"
    source = _OBJECTIVE.replace("{arguments}", ", ".join(given[name] for name in asks))
    function = define(source.replace("{clear}", clear), "objective", called, **names)
    folder = Path(inspect.getfile(kernel)).parent
    # Whole objectives index freely: one outside its arrays, or an error, ends the run.
    with compile_errors(f"objective {kernel.__name__!r}", kernel), bounds_checks(True):
        return compile_kernel(function, types.objective_s, plugin_folder=folder)


def objective_kind(instance: Instance) -> str:
    """Return what evaluates an instance: a key of ``ENGINE_OBJECTIVES``, or ``"own"``."""
    if instance.loss_and_grad is not None:
        return "own"
    if instance.sparse:
        return "sparse"
    return "wide" if is_wide(*instance.features.shape) else "dense"


def bind_objective(instance: Instance) -> Any:
    """Compile what evaluates an instance."""
    if instance.loss_and_grad is not None:
        given = instance.parameters
        form = None if given is None else Form(type(given), layout(given))
        return bind_own_objective(instance.loss_and_grad, form)
    return bind_engine_objective(objective_kind(instance))


def bind_instance(instance: Instance) -> tuple[Any, Any, Any]:
    """Compile an instance's objective, and the slopes and losses of its rows.

    Raises
    ------
    UserError
        When a kernel of the plug-in does not compile.
    """
    row = instance.row
    rows = bind_tail() if row is None else bind_rows(row, constants_of(instance))
    return (bind_objective(instance), *rows)
