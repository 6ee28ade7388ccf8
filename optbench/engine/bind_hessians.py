"""Compile Hessian-vector products, for optimizers that ask for them only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numba

from optbench.contract import Optimizer
from optbench.engine import types
from optbench.engine.bind import define, jitted
from optbench.engine.bind_instance import objective_kind
from optbench.engine.compiler.blame import compile_errors
from optbench.engine.compiler.cache import KernelId, compile_kernel, kernel_id, once
from optbench.engine.compiler.calls import address_of
from optbench.engine.compiler.views import part
from optbench.engine.data import hessians, tail
from optbench.identity import identity
from optbench.instance import Instance

HESSIANS = {
    "dense": hessians.panels_product,
    "wide": hessians.bands_product,
    "sparse": hessians.sparse_product,
}
_CURVATURES = """
def curvatures(predictions, targets, log_unit, out):
    stride, rows = predictions.size // 2, targets.size
    z, along = part(predictions, 0, rows), part(predictions, stride, rows)
    nothing, products = part(out, 0, rows), part(out, stride, rows)
    for i in range(rows):
        nothing[i] = 0.0
        products[i] = curvature(z[i], targets[i]{argument}) * along[i]
"""


@once
def bind_curvatures(curvature: Callable[..., float], parameters: Any, own: KernelId) -> Any:
    """Compile what multiplies the second of two predictions by the curvature at the first."""
    kernel = curvature if numba.config.DISABLE_JIT else jitted(curvature)
    source = _CURVATURES.replace("{argument}", "" if parameters is None else ", parameters")
    names = {"curvature": kernel, "parameters": parameters, "part": part}
    function = define(source, "curvatures", curvature.__name__, **names)
    with compile_errors(f"row_curvature {curvature.__name__!r}", curvature):
        return compile_kernel(function, types.slopes_s, kernel=own, from_python=False)


@once
def bind_tail_curvatures() -> Any:
    """Compile the same of the exponential tail."""
    return compile_kernel(tail.tail_curvatures, types.slopes_s)


@once
def bind_hessian(kind: str) -> Any:
    """Compile one of ``HESSIANS``."""
    return compile_kernel(HESSIANS[kind], types.hessian_s, from_python=False)


class SecondDerivatives(NamedTuple):
    """What multiplies Hessians with probes."""

    hessian: Any
    curvatures: Any
    tail_curvatures: Any


def bind_second_derivatives(instance: Instance) -> SecondDerivatives | None:
    """Compile what multiplies an instance's Hessian, where its row loss has a second derivative."""
    curvature = instance.second_derivative
    if curvature is None:
        return None
    own = kernel_id(curvature, identity(curvature, instance.parameters))
    return SecondDerivatives(
        bind_hessian(objective_kind(instance)),
        bind_curvatures(curvature, instance.parameters, own),
        bind_tail_curvatures(),
    )


def product_addresses(instance: Instance, optimizer: Optimizer) -> dict[str, Any]:
    """Return what multiplies Hessians with probes; nothing where the optimizer does not ask."""
    bound = bind_second_derivatives(instance) if "hessian_vector" in optimizer.needs else None
    if bound is None:
        return dict.fromkeys(SecondDerivatives._fields, 0)
    return {name: address_of(kernel) for name, kernel in bound._asdict().items()}
