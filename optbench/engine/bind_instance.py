"""Turn an instance's plain Python kernels into compiled functions of the loop's fixed types."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numba
import numpy as np

from optbench.engine import types
from optbench.engine.bind import bounds_checks, define, jitted
from optbench.engine.bind_outputs import bind_rows_of_outputs, bind_tail_of_outputs
from optbench.engine.compiler.blame import compile_errors
from optbench.engine.compiler.cache import KernelId, compile_kernel, kernel_id, once
from optbench.engine.compiler.views import part, read_only
from optbench.engine.data import segments, sparse
from optbench.engine.data.layouts import is_wide
from optbench.instance import Instance
from optbench.parameters import Field, arguments, layout
from optbench.parametrizations.matrices import as_matrix

ENGINE_OBJECTIVES = {
    "dense": segments.dense_objective,
    "wide": segments.wide_objective,
    "sparse": sparse.sparse_objective,
    "dense_outputs": segments.dense_outputs_objective,
    "wide_outputs": segments.wide_outputs_objective,
    "sparse_outputs": sparse.sparse_outputs_objective,
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
_SAMPLED = """
def sampled(run, features, targets, data, scratch, runs):
    {clear}
    try:
        loss_and_grad({arguments})
    except Exception:
        runs.gradient_w[run, :] = np.nan
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


@once
def bind_rows(
    row: Callable[..., tuple[float, float]], parameters: Any, own: KernelId
) -> tuple[Any, Any]:
    """Compile ``row(prediction, target) -> (loss, slope)`` into ``slopes`` and ``losses``.

    Parameters are constants of the code: an argument more would cost every row loss 3 ns a step.
    """
    names = {"row": row if numba.config.DISABLE_JIT else jitted(row), "parameters": parameters}
    argument = "" if parameters is None else ", parameters"
    slopes, losses = (
        define(template.replace("{argument}", argument), name, row.__name__, **names)
        for name, template in (("slopes", _SLOPES), ("losses", _LOSSES))
    )
    flags = {"contract", "reassoc"}
    with compile_errors(f"row loss {row.__name__!r}", row):
        return (
            compile_kernel(slopes, types.slopes_s, kernel=own, from_python=False),
            compile_kernel(losses, types.losses_s, kernel=own, fastmath=flags, from_python=False),
        )


@once
def bind_tail() -> tuple[Any, Any]:
    """Compile the exponential tail: loss exp(log_unit - margin) in units of exp(-log_unit)."""
    from optbench.engine.data import tail

    return (
        compile_kernel(tail.tail_slopes, types.slopes_s),
        compile_kernel(tail.tail_losses, types.losses_s, fastmath={"contract", "reassoc"}),
    )


@once
def bind_engine_objective(kind: str) -> Any:
    """Compile one of ``ENGINE_OBJECTIVES``."""
    return compile_kernel(ENGINE_OBJECTIVES[kind], types.objective_s, from_python=False)


_OF_SAMPLES = {**_ARGUMENTS, "data": "read_only(features)", "targets": "read_only(targets)"}


@once
def bind_own_objective(kernel: Callable[..., float], form: Form | None, own: KernelId) -> Any:
    """Compile a plug-in's own ``loss_and_grad`` on all rows."""
    return _bound_own(kernel, form, own, "objective", _OBJECTIVE, _ARGUMENTS, types.objective_s)


@once
def bind_sampled(kernel: Callable[..., float], form: Form | None, own: KernelId) -> Any:
    """Compile the same on rows that were drawn."""
    return _bound_own(kernel, form, own, "sampled", _SAMPLED, _OF_SAMPLES, types.sampled_s)


def _bound_own(
    kernel: Callable[..., float],
    form: Form | None,
    own: KernelId,
    name: str,
    template: str,
    values: Mapping[str, str],
    signature: Any,
) -> Any:
    given, names = dict(values), dict(_HELPERS)
    names["loss_and_grad"] = kernel if numba.config.DISABLE_JIT else jitted(kernel)
    if form is not None:
        given["parameters"], names["Parameters"] = form.source, form.parameters
    asks = arguments(kernel)
    # memory that a kernel finds as another run left it would carry numbers from run to run
    clear = "scratch.own[:] = 0.0" if "scratch" in asks else "pass"
    source = template.replace("{arguments}", ", ".join(given[name] for name in asks))
    function = define(source.replace("{clear}", clear), name, kernel.__name__, **names)
    # Whole objectives index freely: one outside its arrays, or an error, ends the run.
    with compile_errors(f"objective {kernel.__name__!r}", kernel), bounds_checks(True):
        return compile_kernel(function, signature, kernel=own, from_python=False)


def objective_kind(instance: Instance) -> str:
    """Return what evaluates an instance: a key of ``ENGINE_OBJECTIVES``, or ``"own"``."""
    if instance.loss_and_grad is not None:
        return "own"
    several = "_outputs" * (instance.several)
    if instance.sparse:
        return "sparse" + several
    return ("wide" if is_wide(*instance.features.shape) else "dense") + several


def bind_objective(instance: Instance) -> Any:
    """Compile what evaluates an instance."""
    if instance.loss_and_grad is None:
        return bind_engine_objective(objective_kind(instance))
    return bind_own_objective(instance.loss_and_grad, *_form(instance))


def bind_samples_of(instance: Instance) -> Any:
    """Compile what evaluates an objective of the plug-in's own on some of its rows, if it can."""
    if instance.loss_and_grad is None or not instance.mean_of_rows:
        return None
    return bind_sampled(instance.loss_and_grad, *_form(instance))


def _form(instance: Instance) -> tuple[Form | None, KernelId]:
    assert instance.loss_and_grad is not None
    given = instance.parameters
    form = None if given is None else Form(type(given), layout(given))
    return form, kernel_id(instance.loss_and_grad, instance.kernel_identity)


def bind_instance(instance: Instance) -> tuple[Any, Any, Any]:
    """Compile an instance's objective, and the slopes and losses of its rows.

    Raises
    ------
    UserError
        When a kernel of the plug-in does not compile.
    """
    rows = bind_tail()
    if instance.row is not None:
        own = kernel_id(instance.row, instance.kernel_identity)
        if instance.several:
            rows = bind_rows_of_outputs(instance, own)
        else:
            rows = bind_rows(instance.row, instance.parameters, own)
    return (bind_objective(instance), *rows)


def bind_tail_of(instance: Instance) -> tuple[Any, Any]:
    """Compile the exponential tail of an instance, or any where it has none."""
    if instance.several and instance.exponential_tail:
        return bind_tail_of_outputs(instance.outputs)
    return bind_tail()
