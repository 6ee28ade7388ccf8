"""The data themselves: products with the matrix, the rows' targets, a linear program's cost.

A kernel gets a handle for the matrix, since each layout has products of its own
(:mod:`optbench.engine.data.products`).  They are compiled when an optimizer first asks, and called
by address.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import types
from numba.core.errors import TypingError
from numba.extending import overload

from optbench.contract import Optimizer
from optbench.engine.compiler.calls import address_of
from optbench.engine.compiler.overloads import INLINED, inlined
from optbench.engine.data.products import bind_product
from optbench.engine.oracles.declared import Argument, Oracle, mapped
from optbench.engine.types import call_product
from optbench.instance import Instance
from optbench.linear_algebra import features as plain
from optbench.linear_algebra.features import (
    ABSOLUTE_TIMES,
    ABSOLUTE_TRANSPOSED_TIMES,
    TIMES,
    TRANSPOSED_TIMES,
    WRONG_SIZES,
    Features,
)
from optbench.parametrizations import Parametrization

ON_THETA = "the data as they act on theta"


def product_for(optimizer: Optimizer, kind: str) -> Any:
    """Return the address of the products with data of a kind, where the optimizer asks for them."""
    return address_of(bind_product(kind)) if "features" in optimizer.needs else 0


def no_features(
    instance: Instance, parametrization: Parametrization, _optimizer: Optimizer
) -> str | None:
    """Say where predictions are not the features times theta."""
    if instance.several:
        return f"needs one prediction a row; {instance.problem} has a row loss of several outputs"
    if instance.dimension != instance.features.shape[1]:
        return f"needs a number of theta for each feature; {instance.problem} has others"
    return mapped(ON_THETA, parametrization)


def no_targets(
    instance: Instance, _parametrization: Parametrization, _optimizer: Optimizer
) -> str | None:
    """Say where a row has several targets."""
    if instance.targets.ndim > 1:
        return f"needs one target a row; {instance.problem} has several"
    return None


def no_cost(
    instance: Instance, parametrization: Parametrization, _optimizer: Optimizer
) -> str | None:
    """Say where there is no linear program."""
    if instance.cost is None:
        return f"needs the cost of a linear program; {instance.problem} has none"
    return mapped(ON_THETA, parametrization)


def _test(features: Any, vector: Any, out: Any) -> None:
    """Refuse what the products cannot read or write."""
    if not (isinstance(features, types.NamedTuple) and features.instance_class is Features):
        raise TypingError("the first argument must be the argument features of the kernel")
    for array in (vector, out):
        flat = isinstance(array, types.Array) and array.ndim == 1 and array.layout == "C"
        if not (flat and array.dtype == types.float64):
            raise TypingError("products with features are of vectors of float64, such as slots")
    if not out.mutable:
        raise TypingError("this array is read only: write into a slot")


@inlined
def multiply(which: int, features: Features, given: Any, out: Any) -> None:
    """Call the products of the layout."""
    call_product(features.product, (which, features.data, features.scratch, given, out))


def _compiled(function: Callable[..., None], which: int, turned: bool) -> None:
    """Give a function of :mod:`optbench.linear_algebra.features` its compiled version."""

    @overload(function, strict=False, jit_options=INLINED)
    def _product(features: Any, vector: Any, out: Any) -> Callable[..., None]:
        _test(features, vector, out)

        def product(features, vector, out):  # type: ignore[no-untyped-def]
            x, y = (out, vector) if turned else (vector, out)
            if x.size != features.columns or y.size != features.data.rows:
                raise ValueError(WRONG_SIZES)
            multiply(which, features, vector, out)

        return product


_compiled(plain.features_times, TIMES, False)
_compiled(plain.transposed_times, TRANSPOSED_TIMES, True)
_compiled(plain.absolute_times, ABSOLUTE_TIMES, False)
_compiled(plain.absolute_transposed_times, ABSOLUTE_TRANSPOSED_TIMES, True)

HANDLE = "Features(kernels.product, data, scratch, runs.theta.shape[1])"
ORACLE = Oracle(
    arguments={
        "features": Argument(HANDLE, missing=no_features),
        "targets": Argument("read_only(data.row_targets)", missing=no_targets),
        "cost": Argument("read_only(data.cost)", like_theta=True, missing=no_cost),
    }
)
