"""Turn a plug-in's plain Python kernels into compiled functions of the loop's fixed types.

For each kernel a few lines of source are generated that unpack the batch and call it; they are
compiled together with it, so that the kernel is inlined.  What a kernel may only read has a type
that does not compile where it is written to.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import numba

from optbench import elementwise
from optbench.contract import Optimizer, Slot
from optbench.engine import loop, types
from optbench.engine.compiler import helpers, vectorised
from optbench.engine.compiler.blame import compile_errors
from optbench.engine.compiler.bounds import needs_bounds_checks
from optbench.engine.compiler.cache import KernelId, compile_kernel, kernel_id, once
from optbench.engine.compiler.plain import Kernel, MaskedKernel, helpers_of, named_by
from optbench.engine.compiler.views import read_only
from optbench.engine.compiler.wide import HAS_MASKS
from optbench.engine.data import matrices
from optbench.parametrizations import Parametrization
from optbench.parametrizations.matrices import as_matrix
from optbench.parametrizations.nonnegative import forward as any_forward
from optbench.parametrizations.nonnegative import pull_back as any_pull_back

_ARGUMENTS = {
    "theta": "runs.theta[run]",
    "grad": "read_only(runs.gradient[run])",
    "step": "step",
    "loss": "runs.loss[run]",
    "optimal_loss": "rule.optimal_loss",
    "natural_grad": "read_only(runs.state[run, rule.offsets[own, 0]:rule.offsets[own, 1]])",
    "sample_grad": "read_only(runs.gradient[run])",
    "sample_row": "read_only(runs.state[run, rule.offsets[own, 1]:rule.offsets[own, 2]])",
    "layers": "read_only(rule.layers)",
    "rng": "runs.rng[run]",
}

assert helpers and matrices and vectorised  # imported for what they make known to the compiler


def define(source: str, name: str, called: str, **names: Any) -> Callable[..., Any]:
    """Run generated source; ``called`` distinguishes the function in the cache."""
    namespace: dict[str, Any] = {"__name__": __name__, **names}
    exec(compile(source, f"<optbench {called}>", "exec"), namespace)  # noqa: S102
    function: Callable[..., Any] = namespace[name]
    function.__qualname__ = f"{name}-{called}"
    return function


def jitted(kernel: Callable[..., Any]) -> Any:
    """Return a plug-in's kernel as a part of the generated function around it."""
    # Inlined into the generated loop around it: only then does LLVM vectorise across elements
    # and drop what is not used, such as the loss where the slope alone is wanted.
    # Its own loops are vectorised before that.  Wide and masked vectors make exponentials up to 1.7
    # times as fast, but gain nothing on divisions and square roots, and lose without masks.
    parts: list[Callable[..., Any]] = [kernel, *helpers_of(kernel)]
    names = [value for code in parts for value in named_by(code)]
    elementary = any(getattr(value, "__module__", "") == elementwise.__name__ for value in names)
    return numba.njit(
        error_model="numpy",
        fastmath={"contract"},
        forceinline=True,
        pipeline_class=MaskedKernel if elementary and HAS_MASKS else Kernel,
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


def _slot_source(slot: Slot, place: int) -> str:
    """Return the source that finds a run's slot in the shape in which the kernel sees it."""
    start, end = (f"rule.offsets[own, {place + k}]" for k in (2, 3))
    view, parameters = f"runs.state[run, {start}:{end}]", "runs.theta.shape[1]"
    if slot.shape == "matrix":
        return f"as_matrix({view}, {parameters}, {parameters})"
    if not isinstance(slot.shape, tuple):
        return view
    first, second = slot.shape
    if first == "rows":
        return f"as_matrix({view}, ({end} - {start}) // {parameters}, {parameters})"
    columns = parameters if second == "theta" else f"({end} - {start}) // {first}"
    return f"as_matrix({view}, {first}, {columns})"


def update_source(optimizer: Optimizer, checked: bool) -> str:
    """Return the source that steps one run with ``kernel``."""
    slots, hypers = list(optimizer.slots), list(optimizer.hypers)
    arguments = []
    for name in optimizer.arguments:
        if name in slots:
            arguments.append(_slot_source(optimizer.slots[name], slots.index(name)))
        elif name in hypers:
            value = f"runs.scaled_hypers[run, {hypers.index(name)}]"
            arguments.append(f"int({value})" if optimizer.hypers[name].integer else value)
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
    kernel = optimizer.kernel if numba.config.DISABLE_JIT else jitted(optimizer.kernel)
    source = update_source(optimizer, checked)
    called = optimizer.kernel.__name__
    names = {"kernel": kernel, "read_only": read_only, "as_matrix": as_matrix}
    update = define(source, "update", called, **names)
    with compile_errors(f"optimizer {optimizer.name!r}", optimizer.kernel), bounds_checks(checked):
        return compile_kernel(update, types.update_s, kernel=own, from_python=False)


@once
def bind_loop() -> Any:
    """Compile the loop."""
    return compile_kernel(loop.advance, types.advance_s)


@once
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
