"""Which optimizers run: what a user names, with the hyperparameters that are fixed."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from optbench.contract import Optimizer, combine, options_of
from optbench.contract.combinations import CONSTANT, OPTIONS, SCHEDULE, combination_text
from optbench.errors import UserError
from optbench.options import parse_options, parse_specification
from optbench.registry import Registry
from optbench.rehearsal.effects import check_effects
from optbench.schedules import FACTORS
from optbench.sweeps import combinations

ALL, DEFAULT = "all", ""  # optimizers: every one, and those that run when none is named


@dataclass(frozen=True)
class Choice:
    """An optimizer with the hyperparameters that the user, or a theorem, fixed.

    Attributes
    ----------
    optimizer : Optimizer
    fixed : mapping of str to float
    source : str
        Which file it is of, where another one has the same name.
    named : bool
        Whether the user named it; else it runs by default.
    as_theorem_asks : bool
        Whether this is the row beside the one as used: with what its theorem asks for.
    follows_flow : bool
        Whether that is a small learning rate, :func:`optbench.tuning.grid.flow_rate`.
    """

    optimizer: Optimizer
    fixed: Mapping[str, float]
    source: str = ""
    named: bool = True
    as_theorem_asks: bool = False
    follows_flow: bool = False

    @property
    def label(self) -> str:
        """What tables call it: ``adam``, ``adam[eps=0]``, ``adam (mine.py)``."""
        combined = combination_text(self.optimizer)
        fixed = [f"{name}={value:g}" for name, value in self.fixed.items()]
        given = ",".join((*combined, *fixed))
        given = "small rate" if self.follows_flow else given
        name = f"{self.optimizer.name}[{given}]" if given else self.optimizer.name
        name = f"{name} ({self.source})" if self.source else name
        return f"{name} (theorem)" if self.as_theorem_asks else name

    @property
    def tuned(self) -> str | None:
        """The hyperparameter that the host searches, if any."""
        free = [name for name in self.optimizer.tuned if name not in self.fixed]
        return free[0] if free else None

    def hypers(self, rate: float | None = None) -> np.ndarray:
        """Return all hyperparameters in the order of the signature, float64 (H,)."""
        values = []
        for name, hyper in self.optimizer.hypers.items():
            default = rate if name == self.tuned else hyper.default
            values.append(self.fixed.get(name, default))
        return np.array(values, dtype=float)

    def values(self, rate: float | None = None) -> dict[str, float]:
        """Return all hyperparameters by name; nan of a learning rate that is not known."""
        hypers = self.hypers(math.nan if rate is None else rate)
        return dict(zip(self.optimizer.hypers, hypers.tolist(), strict=True))


def parse_optimizers(registry: Registry, text: str) -> list[Choice]:
    """Read ``NAME`` or ``NAME[hyper=value,...]``, with options such as ``schedule=cosine``.

    Several values, ``NAME[hyper=0,0.5]`` or ``NAME[hyper=0:1:5]``, are a choice each; those of
    several hyperparameters all their combinations.

    Raises
    ------
    UserError
        For an unknown name, an unknown hyperparameter, a value that is no number or out of range,
        too many combinations, or more than one hyperparameter left to tune.
    """
    name, given = parse_specification(text)
    optimizer = registry.optimizer(name)
    named = {*options_of(optimizer), *(OPTIONS.keys() & given.keys() - optimizer.hypers.keys())}
    defaults: dict[str, Any] = {key: CONSTANT if key == SCHEDULE else 0.0 for key in named}
    kinds = {key: 0 if hyper.integer else 0.0 for key, hyper in optimizer.hypers.items()}
    swept = combinations(f"optimizer {name}", given, defaults | kinds, {SCHEDULE: tuple(FACTORS)})
    return [_parsed(optimizer, each, defaults) for each in swept]


def _parsed(optimizer: Optimizer, given: Mapping[str, str], options: Mapping[str, Any]) -> Choice:
    """Read one value each of some hyperparameters, and of the options that any optimizer has."""
    defaults = {**options, **dict.fromkeys(optimizer.hypers, 0.0)}
    values = parse_options(f"optimizer {optimizer.name}", given, defaults)
    fixed = {key: value for key, value in values.items() if key in optimizer.hypers}
    check_ranges(optimizer, fixed, given)
    added = {key: value for key, value in values.items() if key in options and key != SCHEDULE}
    schedule = values.get(SCHEDULE, CONSTANT)
    combined = combine(optimizer, schedule, added)
    check_effects(optimizer, [SCHEDULE] * (schedule != CONSTANT) + list(added))
    free = [key for key in combined.tuned if key not in fixed]
    if len(free) > 1:
        raise UserError(
            f"optimizer {optimizer.name}: give all but one of {', '.join(free)} a value"
        )
    return Choice(combined, fixed)


def check_ranges(
    optimizer: Optimizer, values: Mapping[str, float], typed: Mapping[str, str] | None = None
) -> None:
    """Refuse hyperparameters outside of their ranges.

    Raises
    ------
    UserError
        The name, the value, as typed where it was, and what would be right.
    """
    for key, value in values.items():
        if reason := optimizer.hypers[key].problem_with(value):
            shown = value if typed is None else typed[key]
            raise UserError(f"optimizer {optimizer.name}: {key}={shown} {reason}")


def choose_all(registry: Registry, given: Sequence[str | Optimizer]) -> list[Choice]:
    """Return what the user chose, each once; the default optimizers when nothing was.

    Parameters
    ----------
    registry : Registry
    given : sequence of str or Optimizer
        ``NAME``, ``NAME[hyper=value,...]`` with one or several values, ``all``, or a function
        under ``@optimizer``, whose name the others may then use.

    Raises
    ------
    UserError
        For what is none of these.
    """
    choices: list[Choice] = []
    own = {one.name: one for one in given if isinstance(one, Optimizer)}
    known = replace(registry, optimizers={**own, **registry.optimizers})
    for one in given or (DEFAULT,):
        if isinstance(one, Optimizer):  # a copy: globals of its cell may have changed meanwhile
            choices.append(Choice(replace(one), {}))
        elif one in (ALL, DEFAULT):
            names = registry.optimizers if one == ALL else registry.default_optimizers
            choices += [Choice(registry.optimizers[n], {}, named=False) for n in sorted(names)]
        elif isinstance(one, str):
            choices += parse_optimizers(known, one)
        else:
            kind = type(one).__name__
            raise UserError(
                f"optimizer: is of type {kind}; give a name or a function under @optimizer"
            )
    unlike = {(c.optimizer.identity, *sorted(c.fixed.items())): c for c in choices}
    namesakes: dict[str, set[str]] = {}
    for choice in unlike.values():
        namesakes.setdefault(choice.optimizer.name, set()).add(_plain(choice.optimizer))
    return [
        _with_source(registry, choice, namesakes[choice.optimizer.name])
        for choice in unlike.values()
    ]


def choose_one(registry: Registry, given: str | Optimizer) -> Choice:
    """Return what the user chose where one optimizer runs.

    Raises
    ------
    UserError
        For what stands for several, and for what is none.
    """
    if isinstance(given, str):
        parse_specification(given)  # an empty name is none here, not the default
    choices = choose_all(registry, [given])
    if len(choices) > 1:
        raise UserError(f"optimizer {given}: stands for {len(choices):,}; one is to run")
    return choices[0]


def _plain(optimizer: Optimizer) -> str:
    """Return who an optimizer is without its options."""
    return (optimizer.base or optimizer).identity


def _with_source(registry: Registry, choice: Choice, namesakes: Set[str]) -> Choice:
    """Say which file an optimizer is of where its name alone would not."""
    optimizer = choice.optimizer
    replaced = registry.replaced.get(f"optimizer {optimizer.name}")
    same = isinstance(replaced, Optimizer) and replaced.identity == _plain(optimizer)
    if len(namesakes) == 1 and (replaced is None or same):
        return choice
    return replace(choice, source=os.path.basename(optimizer.file))
