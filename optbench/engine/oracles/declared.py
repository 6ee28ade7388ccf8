"""What a file of this folder says of an oracle: what kernels may ask for, and how it is found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from optbench.contract import ORACLE_ARGUMENTS, Optimizer
from optbench.instance import Instance
from optbench.parametrizations import Parametrization

# Where a run keeps what it keeps of an argument: a part of its state, after which come the slots.
PLACES: Mapping[str, int] = {name: place for place, name in enumerate(ORACLE_ARGUMENTS)}
FIRST_SLOT = len(PLACES)

Missing = Callable[[Instance, Parametrization, Optimizer], str | None]


def nothing_missing(
    _instance: Instance, _parametrization: Parametrization, _optimizer: Optimizer
) -> str | None:
    """Every instance and parametrization has it."""
    return None


def mapped(what: str, parametrization: Parametrization) -> str | None:
    """Say that something is not to be had in theta where a parametrization maps theta."""
    if parametrization.linear:
        return None
    name = parametrization.name.partition(":")[0]
    return f"needs {what}; the {name} parametrization maps it"


def not_kept(_instance: Instance, _parametrization: Parametrization) -> int:
    """A run keeps nothing of it."""
    return 0


def like_theta(_instance: Instance, parametrization: Parametrization) -> int:
    """A run keeps as many numbers as theta has."""
    return parametrization.parameters


def one_number(_instance: Instance, _parametrization: Parametrization) -> int:
    """A run keeps a number."""
    return 1


@dataclass(frozen=True)
class Argument:
    """An argument that kernels may ask for by name.

    Attributes
    ----------
    expression : str
        What the generated lines around a kernel pass for it; ``{kept}`` is what the run keeps.
    in_probe : str
        The same for a kernel that writes probes, where that is another.
    kept : callable
        How many numbers a run keeps of it between steps.
    degree : int
        Their unit as a power of the unit of the objective.
    begins_as_theta : bool
        Whether they are theta before the first step; else 0.
    like_theta : bool
        Whether it is an array of the size of theta.
    missing : callable
        Says why an instance or a parametrization cannot give it, or returns None.
    """

    expression: str
    in_probe: str = ""
    kept: Callable[[Instance, Parametrization], int] = not_kept
    degree: int = 0
    begins_as_theta: bool = False
    like_theta: bool = False
    missing: Missing = nothing_missing


@dataclass(frozen=True)
class Oracle:
    """Some arguments, what has to be done for them before an update, and memory for that.

    Attributes
    ----------
    arguments : mapping of str to Argument
    work : callable, optional
        ``work(step, kernels, data, scratch, runs, aside, rule, memories)``: what the loop calls
        before the updates of optimizers that ask.  It is compiled when the first of them is bound.
    at_records : callable, optional
        The same, called where a record is written.
    memory : callable, optional
        Returns a named tuple of what the work needs beside the rest, given instance,
        parametrization and optimizer.  Its first field says whether it is ``wanted``, its
        ``with_scratch(runs)`` has arrays of its own for what is written; the work finds it in
        ``memories`` by the name of the file.
    memory_type
        Numba's type of that.
    """

    arguments: Mapping[str, Argument]
    work: Callable[..., None] | None = None
    at_records: Callable[..., None] | None = None
    memory: Callable[[Instance, Parametrization, Optimizer], Any] | None = None
    memory_type: Any = None
