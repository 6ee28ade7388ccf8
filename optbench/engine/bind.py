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
from optbench.engine import loop, penalties, types
from optbench.engine.combinations import combination_names, combination_source
from optbench.engine.compiler import helpers, vectorised
from optbench.engine.compiler.blame import compile_errors
from optbench.engine.compiler.bounds import needs_bounds_checks
from optbench.engine.compiler.cache import KernelId, compile_kernel, kernel_id, once
from optbench.engine.compiler.elementwise_loops import with_loops
from optbench.engine.compiler.plain import Kernel, MaskedKernel, helpers_of, named_by
from optbench.engine.compiler.views import read_only
from optbench.engine.compiler.wide import HAS_MASKS
from optbench.engine.data import matrices
from optbench.engine.oracles.catalogue import (
    ARGUMENTS,
    memories_t,
    work_s,
    works_at_records,
    works_before,
)
from optbench.engine.oracles.declared import FIRST_SLOT, PLACES
from optbench.linear_algebra.features import Features
from optbench.parametrizations import Parametrization
from optbench.parametrizations.matrices import as_matrix
from optbench.parametrizations.nonnegative import forward as any_forward
from optbench.parametrizations.nonnegative import pull_back as any_pull_back

# advance(first, last, kernels, data, scratch, runs, aside, rule, memories) -> steps taken
ADVANCE = types.i8(
    types.i8,
    types.i8,
    types.kernels_t,
    types.data_t,
    types.scratch_t,
    types.runs_t,
    types.runs_t,
    types.rule_t,
    memories_t,
)

assert (
    helpers and matrices and penalties and vectorised
)  # imported for what they make known to the compiler


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


_NAMES = {"read_only": read_only, "as_matrix": as_matrix, "Features": Features}


def _passed(optimizer: Optimizer, name: str, in_probe: bool) -> str:
    """Return the expression that finds an argument of a kernel in the batch."""
    if name in optimizer.hypers:
        value = f"runs.scaled_hypers[run, {list(optimizer.hypers).index(name)}]"
        return f"int({value})" if optimizer.hypers[name].integer else value
    if name in optimizer.slots:
        return _slot(optimizer.slots[name], FIRST_SLOT + list(optimizer.slots).index(name))
    argument = ARGUMENTS[name]
    expression = (argument.in_probe if in_probe else "") or argument.expression
    return expression.format(kept=_kept(PLACES[name]))


def _slot(slot: Slot, place: int) -> str:
    """Return the expression that finds a slot in the shape in which the kernel sees it."""
    view, parameters = _kept(place), "runs.theta.shape[1]"
    if slot.shape == "matrix":
        return f"as_matrix({view}, {parameters}, {parameters})"
    if not isinstance(slot.shape, tuple):
        return view
    first, second = slot.shape
    size = f"(rule.offsets[own, {place + 1}] - rule.offsets[own, {place}])"
    if first == "rows":
        return f"as_matrix({view}, {size} // {parameters}, {parameters})"
    columns = parameters if second == "theta" else f"{size} // {first}"
    return f"as_matrix({view}, {first}, {columns})"


def _kept(place: int) -> str:
    return f"runs.state[run, rule.offsets[own, {place}]:rule.offsets[own, {place + 1}]]"


_UPDATE = """
def update(step, run, kernels, data, scratch, runs, rule):
    own = runs.optimizer[run]
    {before}
    kernel({arguments})
"""
_CHECKED_UPDATE = """
def update(step, run, kernels, data, scratch, runs, rule):
    own = runs.optimizer[run]
    {before}
    try:
        kernel({arguments})
    except Exception:
        runs.status[run] = {failed}
        runs.stopped[run] = step
"""
_PROBE = """
def probe(step, trial, run, kernels, data, scratch, runs, rule):
    own = runs.optimizer[run]
    {before}
    found = 0
    try:
        {call}
    except Exception:
        runs.status[run] = {failed}
        runs.stopped[run] = step
        found = 0
    return found
"""


def kernel_source(optimizer: Optimizer, in_probe: bool, checked: bool) -> str:
    """Return the source that calls a kernel of the optimizer for one run."""
    names = optimizer.probe_arguments if in_probe else optimizer.arguments
    lines, instead = combination_source(optimizer, in_probe, _passed)
    passed = ", ".join(instead.get(name) or _passed(optimizer, name, in_probe) for name in names)
    before = "\n    ".join(lines)
    if not in_probe:
        template = _CHECKED_UPDATE if checked else _UPDATE
        return template.format(before=before, arguments=passed, failed=types.FAILED)
    once_a_step = "if trial == 1:\n            kernel({0})\n            found = 1"
    call = "found = 1 if kernel({0}) else 0" if "trial" in names else once_a_step
    return _PROBE.format(before=before, call=call.format(passed), failed=types.FAILED)


def bind_update(optimizer: Optimizer) -> Any:
    """Return the compiled ``update`` of an optimizer, see :mod:`optbench.engine.types`.

    Raises
    ------
    UserError
        When the kernel does not compile.
    """
    return _compiled_update(optimizer, kernel_id(optimizer.kernel, optimizer.identity))


def bind_probe(optimizer: Optimizer) -> Any:
    """Return the compiled ``probe`` of an optimizer, if it has one.

    Raises
    ------
    UserError
        When the kernel does not compile.
    """
    if optimizer.probe is None:
        return None
    return _compiled_probe(optimizer, kernel_id(optimizer.kernel, optimizer.identity))


@once
def _compiled_update(optimizer: Optimizer, own: KernelId) -> Any:
    return _compiled(optimizer, optimizer.kernel, "update", own)


@once
def _compiled_probe(optimizer: Optimizer, own: KernelId) -> Any:
    return _compiled(optimizer, optimizer.probe, "probe", own)


def _compiled(optimizer: Optimizer, plain: Any, name: str, own: KernelId) -> Any:
    checked = needs_bounds_checks(optimizer, plain)
    kernel = plain if numba.config.DISABLE_JIT else jitted(with_loops(optimizer, plain))
    source = kernel_source(optimizer, name == "probe", checked)
    names = {**_NAMES, **combination_names(optimizer)}
    called = define(source, name, plain.__name__, kernel=kernel, **names)
    signature = types.probe_s if name == "probe" else types.update_s
    with compile_errors(f"optimizer {optimizer.name!r}", plain), bounds_checks(checked):
        return compile_kernel(called, signature, kernel=own, from_python=False)


@once
def bind_work(work: Callable[..., None]) -> Any:
    """Compile what an oracle does."""
    return compile_kernel(work, work_s, from_python=False)


def bind_optimizer(optimizer: Optimizer) -> None:
    """Compile, or load, all that an optimizer adds to the loop.

    Raises
    ------
    UserError
        When a kernel does not compile.
    """
    bind_update(optimizer)
    bind_probe(optimizer)
    for work in (*works_before(optimizer.needs), *works_at_records(optimizer.needs)):
        bind_work(work)


@once
def bind_loop() -> Any:
    """Compile the loop."""
    return compile_kernel(loop.advance, ADVANCE)


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
