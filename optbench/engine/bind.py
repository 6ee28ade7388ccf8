"""Turn a plug-in's plain Python kernels into compiled functions of the loop's fixed types.

For each kernel a few lines of source are generated that unpack the batch and call it; they are
compiled together with it, so that the kernel is inlined.  The error of a kernel that does not
compile is one line naming its file.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import numba
import numpy as np
from numba.core.compiler import Compiler

from optbench import elementwise
from optbench.contract import Optimizer
from optbench.engine import helpers, loop, matrices, segments, sparse, types, vectorised
from optbench.engine.bounds import needs_bounds_checks
from optbench.engine.cache import KernelId, compile_kernel, kernel_id
from optbench.engine.wide import HAS_MASKS, MaskedVectors
from optbench.errors import UserError
from optbench.instance import draws_samples
from optbench.parametrizations import Parametrization
from optbench.parametrizations.nonnegative import forward as any_forward
from optbench.parametrizations.nonnegative import pull_back as any_pull_back

_ARGUMENTS = {
    "theta": "runs.theta[run]",
    "grad": "runs.gradient[run]",
    "step": "step",
    "loss": "runs.loss[run]",
    "optimal_loss": "rule.optimal_loss",
    "natural_grad": "runs.state[run, rule.offsets[own, 0]:rule.offsets[own, 1]]",
    "sample_grad": "runs.gradient[run]",
    "sample_row": "runs.state[run, rule.offsets[own, 1]:rule.offsets[own, 2]]",
    "layers": "rule.layers",
    "rng": "runs.rng[run]",
}

assert helpers and matrices and vectorised  # imported for what they make known to the compiler


def _define(source: str, name: str, label: str, **names: Any) -> Callable[..., Any]:
    """Run generated source; ``label`` distinguishes the function in the cache."""
    namespace: dict[str, Any] = {"__name__": __name__, **names}
    exec(compile(source, f"<optbench {label}>", "exec"), namespace)  # noqa: S102
    function: Callable[..., Any] = namespace[name]
    function.__qualname__ = f"{name}-{label}"
    return function


def once(bind: Callable[..., Any]) -> Callable[..., Any]:
    """Let a process compile each kernel once: what was bound is kept by the identity of the last
    argument, not by its object, since a plug-in file is executed again at each comparison."""
    kept: dict[KernelId, Any] = {}

    @functools.wraps(bind)
    def bound(kernel: Any, own: KernelId) -> Any:
        if own not in kept:
            kept[own] = bind(kernel, own)
        return kept[own]

    return bound


def _jitted(kernel: Callable[..., Any]) -> Any:
    # Inlined into the generated loop around it: only then does LLVM vectorise across elements
    # and drop what is not used, such as the loss where the slope alone is wanted.
    # Its own loops are vectorised before that.  Wide and masked vectors make exponentials up to 1.7
    # times as fast, but gain nothing on divisions and square roots, and lose without masks.
    names = (kernel.__globals__.get(name) for name in kernel.__code__.co_names)
    elementary = any(getattr(value, "__module__", "") == elementwise.__name__ for value in names)
    return numba.njit(
        error_model="numpy",
        fastmath={"contract"},
        forceinline=True,
        pipeline_class=MaskedVectors if elementary and HAS_MASKS else Compiler,
        no_cpython_wrapper=True,
        no_cfunc_wrapper=True,
        _nrt=False,
    )(kernel)


@contextlib.contextmanager
def bounds_checks(wanted: bool) -> Iterator[None]:
    """Check indices in all that is compiled meanwhile: an option of the kernel would not reach
    the helpers that it calls."""
    before = numba.config.BOUNDSCHECK
    numba.config.BOUNDSCHECK = 1 if wanted else before
    try:
        yield
    finally:
        numba.config.BOUNDSCHECK = before


def _one_line(error: Exception) -> str:
    if "allocate" in str(error) or "NRT required" in str(error):
        return "it allocates memory; hold arrays in a Slot and write into them instead"
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    telling = [
        line
        for line in lines
        if not line.startswith(("Failed in", "During", "File", "[", "- Resolution", "<source", "^"))
    ]
    return " ".join(telling[:2]) or type(error).__name__


def update_source(optimizer: Optimizer, checked: bool) -> str:
    """Return the source that steps one run with ``kernel``."""
    slots, hypers = list(optimizer.slots), list(optimizer.hypers)
    arguments = []
    for name in optimizer.arguments:
        if name in slots:
            k = slots.index(name)
            view = f"runs.state[run, rule.offsets[own, {k + 2}]:rule.offsets[own, {k + 3}]]"
            if optimizer.slots[name].shape == "matrix":
                view += ".reshape(runs.theta.shape[1], runs.theta.shape[1])"
            arguments.append(view)
        elif name in hypers:
            arguments.append(f"runs.scaled_hypers[run, {hypers.index(name)}]")
        else:
            arguments.append(_ARGUMENTS[name])
    call = f"kernel({', '.join(arguments)})"
    if checked:
        call = (
            f"try:\n        {call}\n    except Exception:\n"
            f"        runs.status[run] = {types.FAILED}\n"
            "        runs.stopped[run] = step"
        )
    return f"def update(step, run, runs, rule):\n    own = runs.optimizer[run]\n    {call}\n"


def bind_update(optimizer: Optimizer) -> Any:
    """Return the compiled ``update(step, run, runs, rule)`` of an optimizer.

    Raises
    ------
    UserError
        When the kernel does not compile.
    """
    return _compiled_update(optimizer, kernel_id(optimizer.kernel, optimizer.identity))


@once
def _compiled_update(optimizer: Optimizer, own: KernelId) -> Any:
    checked = needs_bounds_checks(optimizer)
    kernel = optimizer.kernel if numba.config.DISABLE_JIT else _jitted(optimizer.kernel)
    source = update_source(optimizer, checked)
    update = _define(source, "update", optimizer.kernel.__name__, kernel=kernel)
    try:
        with bounds_checks(checked):
            return compile_kernel(update, types.update_s, kernel=own)
    except Exception as error:  # Numba raises more than its own errors on invalid code
        raise UserError(
            f"{optimizer.file}:{optimizer.line}: optimizer {optimizer.name!r} does not compile: "
            f"{_one_line(error)}"
        ) from None


_SLOPES = """
def slopes(predictions, targets, log_unit, out):
    for i in range(predictions.size):
        out[i] = row(predictions[i], targets[i])[1]
"""
_LOSSES = """
def losses(predictions, targets, log_unit):
    total = 0.0
    for i in range(predictions.size):
        total += row(predictions[i], targets[i])[0]
    return total
"""


@once
def bind_rows(row: Callable[[float, float], tuple[float, float]], own: KernelId) -> tuple[Any, Any]:
    """Compile ``row(prediction, target) -> (loss, slope)`` into ``slopes`` and ``losses``."""
    kernel = row if numba.config.DISABLE_JIT else _jitted(row)
    try:
        return (
            compile_kernel(
                _define(_SLOPES, "slopes", row.__name__, row=kernel),
                types.slopes_s,
                kernel=own,
            ),
            compile_kernel(
                _define(_LOSSES, "losses", row.__name__, row=kernel),
                types.losses_s,
                kernel=own,
                fastmath={"contract", "reassoc"},
            ),
        )
    except Exception as error:  # Numba raises more than its own errors on invalid code
        place = f"{inspect.getfile(row)}:{row.__code__.co_firstlineno}"
        raise UserError(
            f"{place}: row loss {row.__name__!r} does not compile: {_one_line(error)}"
        ) from None


@functools.cache
def bind_tail() -> tuple[Any, Any]:
    """Compile the exponential tail: loss exp(log_unit - margin) in units of exp(-log_unit)."""
    from optbench.engine import tail

    return (
        compile_kernel(tail.tail_slopes, types.slopes_s),
        compile_kernel(tail.tail_losses, types.losses_s, fastmath={"contract", "reassoc"}),
    )


_OBJECTIVE = """
def objective(want_loss, kernels, data, scratch, runs):
    for run in range(runs.w.shape[0]):
        try:
            runs.loss[run] = loss_and_grad(runs.w[run], data.panels[0], runs.gradient_w[run]{rng})
        except Exception:
            runs.gradient_w[run, :] = np.nan
            runs.loss[run] = np.nan
"""


ENGINE_OBJECTIVES = {
    "dense": segments.dense_objective,
    "wide": segments.wide_objective,
    "sparse": sparse.sparse_objective,
}


@functools.cache
def bind_objective(kind: str) -> Any:
    """Compile one of ``ENGINE_OBJECTIVES``."""
    return compile_kernel(ENGINE_OBJECTIVES[kind], types.objective_s)


@once
def bind_own_objective(kind: Callable[..., float], own: KernelId) -> Any:
    """Compile a plug-in's own ``loss_and_grad``."""
    kernel = kind if numba.config.DISABLE_JIT else _jitted(kind)
    rng = ", scratch.rng[run]" if draws_samples(kind) else ""
    function = _define(
        _OBJECTIVE.format(rng=rng), "objective", kind.__name__, loss_and_grad=kernel, np=np
    )
    try:
        # Whole objectives index freely: one outside its arrays, or an error, ends the run.
        with bounds_checks(True):
            return compile_kernel(function, types.objective_s, kernel=own)
    except Exception as error:  # Numba raises more than its own errors on invalid code
        place = f"{inspect.getfile(kind)}:{kind.__code__.co_firstlineno}"
        raise UserError(
            f"{place}: objective {kind.__name__!r} does not compile: {_one_line(error)}"
        ) from None


@functools.cache
def bind_loop() -> Any:
    """Compile the loop."""
    return compile_kernel(loop.advance, types.advance_s)


@functools.cache
def _compiled_map(forward: Callable[..., None], pull_back: Callable[..., None]) -> tuple[Any, Any]:
    flags = {"contract", "reassoc"}
    return (
        compile_kernel(forward, types.forward_s, fastmath=flags),
        compile_kernel(pull_back, types.pull_back_s, fastmath=flags),
    )


def bind_parametrization(parametrization: Parametrization) -> tuple[Any, Any]:
    """Compile the forward map and the pull-back (never called when theta is the predictor)."""
    if parametrization.forward is None or parametrization.pull_back is None:
        return _compiled_map(any_forward, any_pull_back)
    return _compiled_map(parametrization.forward, parametrization.pull_back)
