"""What theory says that an optimizer selects: always, by kind of problem, or by hyperparameters.

A theorem has conditions.  Those that the hyperparameters decide belong into ``selects`` itself, as
a function; ``as_theorem_asks`` names hyperparameters that meet them where the usual ones do not.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeAlias

from optbench.contract.arguments import UNKNOWN, Hyper
from optbench.errors import UserError, one_line

KIND = "kind"  # what a function calls the kind of problem
SIZE = "size"  # what it calls the largest |w_i| where a run ended; infinite: in the limit
# the kinds that theorems are about: on them a function is tried when it is declared
KINDS = (
    "classification", "multiclass", "partly_separable", "nonseparable", "regression",
    "linear_program",
)  # fmt: skip

Selects: TypeAlias = str | Mapping[str, str] | Callable[..., str | None] | None
Asked: TypeAlias = Mapping[str, Mapping[str, float]]


class Selected(NamedTuple):
    """A solution that theory names: a reference, or a member of a family of references."""

    solution: str
    parameter: str = ""  # the hyperparameter that says which member it is

    @classmethod
    def parse(cls, text: str) -> Selected:
        """Read ``"l2"`` or ``"lp(p)"``."""
        solution, _, parameter = text.partition("(")
        return cls(solution, parameter.removesuffix(")"))

    def __str__(self) -> str:
        return f"{self.solution}({self.parameter})" if self.parameter else self.solution


def selected(
    where: str,
    selects: Selects,
    hypers: Mapping[str, Hyper],
    kind: str,
    values: Mapping[str, float],
    size: float = math.inf,
) -> Selected | None:
    """Return what a declaration says of a kind of problem, hyperparameters and the size of w.

    Raises
    ------
    UserError
        When a function raises an error or returns something else than a solution or None.
    """
    text: object
    if callable(selects):
        given = {KIND: kind, SIZE: size, **values}
        try:
            text = selects(**{name: given[name] for name in inspect.signature(selects).parameters})
        except Exception as error:  # a plug-in's function may raise anything
            raise UserError(f"{where}: selects fails for {kind!r}: {one_line(error)}") from error
    else:
        text = selects if isinstance(selects, str) or selects is None else selects.get(kind)
    return None if text is None else _parsed(where, text, hypers)


def defaults(hypers: Mapping[str, Hyper]) -> dict[str, float]:
    """Return default values by name; nan of a hyperparameter that is tuned."""
    return {k: math.nan if h.default is None else float(h.default) for k, h in hypers.items()}


def check_selects(where: str, selects: Selects, hypers: Mapping[str, Hyper]) -> None:
    """Refuse what is no solution, no mapping by kind and no function of hyperparameters."""
    if callable(selects):
        _check_arguments(where, selects, hypers)
        for kind in KINDS:
            selected(where, selects, hypers, kind, defaults(hypers))
    elif isinstance(selects, str):
        _parsed(where, selects, hypers)
    elif isinstance(selects, Mapping):
        for text in selects.values():
            _parsed(where, text, hypers)
    elif selects is not None:
        raise UserError(
            f'{where}: selects={selects!r} must be a solution such as "l2", a mapping by kind of '
            "problem, or a function of kind and hyperparameters"
        )


def check_asked(where: str, asked: Asked, selects: Selects, hypers: Mapping[str, Hyper]) -> None:
    """Refuse hyperparameters that do not exist, are not valid, or with which nothing is named."""
    if not isinstance(asked, Mapping) or not all(isinstance(v, Mapping) for v in asked.values()):
        raise UserError(
            f"{where}: as_theorem_asks must give hyperparameters by kind of problem, such as "
            '{"classification": {"eps": 0.0}}'
        )
    for kind, values in asked.items():
        for name, value in values.items():
            if name not in hypers:
                raise UserError(
                    f"{where}: as_theorem_asks names {name!r}, which is {_none(hypers)}"
                )
            if reason := hypers[name].problem_with(value):
                raise UserError(f"{where}: as_theorem_asks: {name}={value!r} {reason}")
        named = selected(where, selects, hypers, kind, {**defaults(hypers), **values})
        if named is None or named.solution == UNKNOWN:
            raise UserError(
                f"{where}: as_theorem_asks gives hyperparameters for {kind!r}, but with them "
                "selects names no solution there"
            )


def _parsed(where: str, text: object, hypers: Mapping[str, Hyper]) -> Selected:
    found = Selected.parse(text) if isinstance(text, str) else None
    if found is None or not found.solution or text != str(found):
        raise UserError(f'{where}: selects={text!r} must be like "l2" or "lp(p)"')
    if found.parameter and found.parameter not in hypers:
        raise UserError(
            f"{where}: selects={text!r} names {found.parameter!r}, which is {_none(hypers)}"
        )
    return found


def _check_arguments(
    where: str, function: Callable[..., str | None], hypers: Mapping[str, Hyper]
) -> None:
    for name, parameter in inspect.signature(function).parameters.items():
        by_name = parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
        if not by_name or (name not in (KIND, SIZE) and name not in hypers):
            raise UserError(
                f"{where}: selects takes {str(parameter)!r}; its arguments are {KIND!r}, {SIZE!r} "
                f"and hyperparameters ({', '.join(hypers) or 'none'}), by name"
            )


def _none(hypers: Mapping[str, Hyper]) -> str:
    return f"none of its hyperparameters ({', '.join(hypers) or 'none'})"
