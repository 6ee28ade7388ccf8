"""What an instance's kernels may read by name, and the parameters that it hands to them.

Parameters are a NamedTuple of numbers and small arrays.  A ``loss_and_grad`` is compiled for the
kinds of its fields: their values lie in two flat vectors, and others compile nothing again.  In a
row loss they are constants.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from optbench.errors import UserError, first_line

OBJECTIVE_ARGUMENTS: Mapping[str, str] = {
    "w": "the predictor, float64 (d,); read only",
    "data": "the features, float64 (n, m), with whatever columns the kernel wants; read only",
    "grad": "where the gradient at w is written, float64 (d,)",
    "targets": "the targets, float64 (n,); read only",
    "parameters": "the instance's NamedTuple; its arrays are read only",
    "scratch": "memory for this evaluation, float64 (scratch,); 0 at its start",
    "rng": "the run's random state for optbench.random, uint64 (2,); the loss is then a sample's",
}
SHOWN_NUMBERS = 8  # of an array: longer ones are told by their shape
KINDS = "a number, a truth value, a float64 array of one or two axes or an int64 array of one"


class Field(NamedTuple):
    """A parameter's name and kind, and where it is found in the flat vectors.

    ``place`` is its index among the numbers or integers; for an array the index among the
    integers of where it starts and of its shape.
    """

    name: str
    kind: str
    place: int


class Packed(NamedTuple):
    """Parameters as kernels read them."""

    numbers: np.ndarray  # float64
    integers: np.ndarray  # int64


def arguments(kernel: Callable[..., Any]) -> tuple[str, ...]:
    """Return the names of a kernel's arguments in order."""
    return tuple(inspect.signature(kernel).parameters)


def place(kernel: Callable[..., Any]) -> str:
    """Return ``file:line`` of a plug-in's function."""
    file, line = first_line(kernel)
    return f"{file}:{line}"


def check_objective(kernel: Callable[..., Any]) -> None:
    """Refuse a ``loss_and_grad`` whose arguments are not those that there are.

    Raises
    ------
    UserError
        File, line, the argument and what would be right.
    """
    where = f"{place(kernel)}: objective {kernel.__name__!r}"
    names = arguments(kernel)
    if unknown := [name for name in names if name not in OBJECTIVE_ARGUMENTS]:
        known = ", ".join(OBJECTIVE_ARGUMENTS)
        raise UserError(f"{where}: unknown argument {unknown[0]!r}; it may take {known}")
    for needed in ("w", "grad"):
        if needed not in names:
            raise UserError(f"{where}: has no argument {needed!r}: {OBJECTIVE_ARGUMENTS[needed]}")


def check_row(kernel: Callable[..., Any], outputs: int) -> None:
    """Refuse a row loss that does not take a prediction and a target, or further what it may."""
    taken = [name for name in arguments(kernel) if name != "parameters"]
    writes = len(taken) == 3 and (outputs > 1 or taken[2] == "slopes")
    if not writes and (len(taken) != 2 or outputs > 1):
        needed = "prediction, target" if outputs == 1 else "predictions, target, slopes"
        several = f" of {outputs} outputs" * (outputs > 1)
        raise UserError(
            f"{place(kernel)}: row loss {kernel.__name__!r}{several} takes "
            f"({', '.join(arguments(kernel))}); it must take ({needed}) or ({needed}, parameters)"
        )


def check_curvature(curvature: Callable[..., Any], row: Callable[..., Any]) -> None:
    """Refuse a second derivative that does not take what its row loss takes."""
    taken, needed = ", ".join(arguments(curvature)), ["prediction", "target"]
    if "parameters" in arguments(row):
        needed.append("parameters")
    same = len(arguments(curvature)) == len(needed)
    if not same or ("parameters" in arguments(curvature)) != ("parameters" in needed):
        raise UserError(
            f"{place(curvature)}: row_curvature {curvature.__name__!r} takes ({taken}); beside the "
            f"row loss {row.__name__!r} it must take ({', '.join(needed)})"
        )


def check_arguments(name: str, kernel: Callable[..., Any], needed: tuple[str, ...]) -> None:
    """Refuse a function beside the objective that does not take what it gets."""
    if len(arguments(kernel)) != len(needed):
        raise UserError(
            f"{place(kernel)}: {name} {kernel.__name__!r} takes ({', '.join(arguments(kernel))}); "
            f"it must take ({', '.join(needed)})"
        )


def takes_outputs(row: Callable[..., Any]) -> bool:
    """Whether a row loss gets all predictions of a row, and writes their slopes."""
    return len(arguments(row)) - ("parameters" in arguments(row)) == 3


def kind_of(value: Any) -> str | None:
    """Return the kind of a parameter, or None where kernels cannot read it."""
    if isinstance(value, bool | np.bool_):
        return "switch"
    if isinstance(value, int | np.integer):
        return "integer" if abs(int(value)) < 2**63 else None
    if isinstance(value, float | np.floating):
        return "number"
    if not isinstance(value, np.ndarray):
        return None
    kinds = {("int64", 1): "integers", ("float64", 1): "numbers", ("float64", 2): "matrix"}
    return kinds.get((value.dtype.name, value.ndim))


def check_parameters(where: str, parameters: Any) -> None:
    """Refuse parameters that no kernel can read.

    Raises
    ------
    UserError
        Which one, and what would be right.
    """
    fields = getattr(parameters, "_fields", None)
    if fields is None or not isinstance(parameters, tuple):
        raise UserError(
            f"{where}: parameters are a {type(parameters).__name__}; they must be a NamedTuple"
        )
    for name, value in zip(fields, parameters, strict=True):
        if kind_of(value) is None:
            array = isinstance(value, np.ndarray)
            kind = f"{value.dtype} array {value.shape}" if array else type(value).__name__
            raise UserError(f"{where}: parameter {name!r} is of kind {kind}; it must be {KINDS}")
        if not np.all(np.isfinite(value)):
            raise UserError(f"{where}: parameter {name!r} is not finite")


def layout(parameters: Any) -> tuple[Field, ...]:
    """Return what a kernel is compiled for: the fields, whatever their values."""
    fields, numbers, integers = [], 0, 0
    for name, value in zip(parameters._fields, parameters, strict=True):
        kind = kind_of(value)
        assert kind is not None  # refused before
        fields.append(Field(name, kind, numbers if kind == "number" else integers))
        numbers += kind == "number"
        integers += {"number": 0, "numbers": 2, "integers": 2, "matrix": 3}.get(kind, 1)
    return tuple(fields)


def pack(parameters: Any) -> Packed:
    """Return the values of parameters, or of None: scalars first, then those of arrays."""
    if parameters is None:
        return Packed(np.zeros(0), np.zeros(0, np.int64))
    values = {field: getattr(parameters, field.name) for field in layout(parameters)}
    single = [value for field, value in values.items() if field.kind == "number"]
    sizes = {"numbers": 2, "integers": 2, "matrix": 3, "number": 0}
    first, second = len(single), sum(sizes.get(field.kind, 1) for field in values)
    header: list[int] = []
    numbers: list[np.ndarray] = [np.array(single, float)]
    integers: list[np.ndarray] = []
    for field, value in values.items():
        if field.kind in ("numbers", "matrix"):
            header += [first, *value.shape]
            numbers.append(value.ravel())
            first += value.size
        elif field.kind == "integers":
            header += [second, value.size]
            integers.append(value)
            second += value.size
        elif field.kind != "number":
            header.append(int(value))
    together = np.concatenate([np.array(header, np.int64), *integers])
    return Packed(np.concatenate(numbers), together)


def shown(parameters: Any) -> str:
    """Return parameters in a few words, as tables show them."""
    parts = []
    for name, value in parameters._asdict().items():
        if isinstance(value, np.ndarray):
            few = value.size <= SHOWN_NUMBERS
            numbers = " ".join(f"{number:g}" for number in value.ravel())
            parts.append(f"{name}=[{numbers}]" if few else f"{name} {value.shape}")
        else:
            number = isinstance(value, float | np.floating)
            parts.append(f"{name}={value:g}" if number else f"{name}={value}")
    return ", ".join(parts)
