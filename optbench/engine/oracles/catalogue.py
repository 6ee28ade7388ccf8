"""Every oracle, and what is made of all of them: a new one is a file here and its name below.

The arguments' names and meanings stand in :data:`optbench.contract.ORACLE_ARGUMENTS`, which
plug-ins see without the compiler.
"""

from __future__ import annotations

import collections
from collections.abc import Callable, Collection, Sequence
from typing import Any

from numba import types

from optbench.contract import ORACLE_ARGUMENTS, Optimizer, Sizes
from optbench.engine.compiler.calls import caller
from optbench.engine.compiler.pointers import PointerTo
from optbench.engine.oracles import (
    features,
    hessian_vector,
    natural_gradient,
    output,
    plain,
    probes,
    proximal,
    sampled_gradient,
)
from optbench.engine.oracles.declared import Argument, Oracle
from optbench.engine.types import Runs, data_t, kernels_t, rule_t, runs_t, scratch_t
from optbench.instance import Instance
from optbench.parametrizations import Parametrization

MOST_NUMBERS = 62_500_000  # in the slots of a run: dozens of runs are held side by side

# In the order in which a step asks them.
_MODULES = (
    plain,
    features,
    natural_gradient,
    probes,
    hessian_vector,
    proximal,
    sampled_gradient,
    output,
)
ORACLES = {module.__name__.rpartition(".")[2]: module.ORACLE for module in _MODULES}
_FOUND = {name: made for oracle in ORACLES.values() for name, made in oracle.arguments.items()}
ARGUMENTS: dict[str, Argument] = {name: _FOUND[name] for name in ORACLE_ARGUMENTS}
LIKE_THETA = frozenset(name for name, argument in ARGUMENTS.items() if argument.like_theta)

_REMEMBERING = {name: oracle for name, oracle in ORACLES.items() if oracle.memory is not None}
Memories = collections.namedtuple("Memories", tuple(_REMEMBERING))  # type: ignore[misc]
memories_t = PointerTo(
    types.NamedTuple([oracle.memory_type for oracle in _REMEMBERING.values()], Memories)
)

# work(step, kernels, data, scratch, runs, aside, rule, memories)
work_s = types.void(types.int64, kernels_t, data_t, scratch_t, runs_t, runs_t, rule_t, memories_t)
call_work = caller(work_s)


def _asked(needs: Collection[str]) -> list[Oracle]:
    """Return the oracles that give something of this, in their order."""
    return [each for each in ORACLES.values() if not each.arguments.keys().isdisjoint(needs)]


def works_before(needs: Collection[str]) -> list[Callable[..., None]]:
    """Return what oracles do before an update that asks for so much, in their order."""
    return [oracle.work for oracle in _asked(needs) if oracle.work is not None]


def works_at_records(needs: Collection[str]) -> list[Callable[..., None]]:
    """Return what oracles do where a record is written."""
    return [oracle.at_records for oracle in _asked(needs) if oracle.at_records is not None]


def make_memories(
    instance: Instance, parametrization: Parametrization, optimizer: Optimizer
) -> Any:
    """Return what each oracle needs for an optimizer."""
    given = (instance, parametrization, optimizer)
    return Memories(*(oracle.memory(*given) for oracle in _REMEMBERING.values() if oracle.memory))


def with_scratch(memories: Any, runs: Runs) -> Any:
    """Return the same with working memory of its own for some runs: threads share the rest."""
    return Memories(*(memory.with_scratch(runs) for memory in memories))


def join_memories(several: Sequence[Any]) -> Any:
    """Return what optimizers side by side need: of each oracle that of the first who asks."""
    return Memories(
        *(
            next((memory for memory in own if memory.wanted), own[0])
            for own in zip(*several, strict=True)
        )
    )


def missing_oracle(
    instance: Instance, parametrization: Parametrization, optimizer: Optimizer
) -> str | None:
    """Say which oracle argument of the optimizer has no value here, or return None."""
    for name, argument in ARGUMENTS.items():
        if name in optimizer.needs:
            reason = argument.missing(instance, parametrization, optimizer)
            if reason is not None:
                return reason
    return too_much_memory(instance, parametrization, optimizer)


def too_much_memory(
    instance: Instance, parametrization: Parametrization, optimizer: Optimizer
) -> str | None:
    """Say whose slots are too large."""
    layers = instance.layers if instance.layers is not None else parametrization.layers
    sizes = Sizes(parametrization.parameters, instance.features.shape[0], layers)
    numbers = sum(slot.size(sizes) for slot in optimizer.slots.values())
    if numbers > MOST_NUMBERS:
        return f"needs {8e-9 * numbers:.2g} GB a run for its slots; at most 0.5 GB are allowed"
    return None
