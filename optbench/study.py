"""What to run: cells of problem instance x parametrization x optimizer, and which make sense."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from optbench.contract import Optimizer, Problem
from optbench.errors import UserError, one_line
from optbench.instance import Instance
from optbench.labels import tell_apart
from optbench.options import parse_options, parse_specification
from optbench.oracles import missing_oracle
from optbench.parametrizations import Parametrization, parametrization
from optbench.registry import Registry


@dataclass(frozen=True)
class Choice:
    """An optimizer with the hyperparameters that the user fixed."""

    optimizer: Optimizer
    fixed: Mapping[str, float]

    @property
    def label(self) -> str:
        """What tables call it: ``adam`` or ``adam[eps=0]``."""
        given = ",".join(f"{name}={value:g}" for name, value in self.fixed.items())
        return f"{self.optimizer.name}[{given}]" if given else self.optimizer.name

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


@dataclass(frozen=True)
class Cell:
    """One row of the tables: instances (one a seed when the problem is seeded) and a choice."""

    instances: tuple[Instance, ...]
    parametrization: Parametrization
    choice: Choice
    skip: str | None

    @property
    def instance(self) -> Instance:
        """The first instance: what the row is called after."""
        return self.instances[0]


def parse_optimizer(registry: Registry, text: str) -> Choice:
    """Read ``NAME`` or ``NAME[hyper=value,...]``.

    Raises
    ------
    UserError
        For an unknown name, an unknown hyperparameter, a value that is no number or out of range,
        or more than one hyperparameter left to tune.
    """
    name, given = parse_specification(text)
    optimizer = registry.optimizer(name)
    defaults = dict.fromkeys(optimizer.hypers, 0.0)
    fixed = parse_options(f"optimizer {name}", given, defaults)
    for key, value in fixed.items():
        if reason := optimizer.hypers[key].problem_with(value):
            raise UserError(f"optimizer {name}: {key}={given[key]} {reason}")
    free = [key for key in optimizer.tuned if key not in fixed]
    if len(free) > 1:
        raise UserError(f"optimizer {name}: give all but one of {', '.join(free)} a value")
    return Choice(optimizer, fixed)


def build_all(registry: Registry, texts: Sequence[str], seeds: int) -> list[tuple[Instance, ...]]:
    """Build the instances of a command: each once, under labels that tell them apart.

    Returns
    -------
    list of tuple of Instance
        For each instance that was asked for, one Instance a seed when the problem is seeded.
    """
    built = [group for text in texts for group in build_instances(registry, text, seeds)]
    groups = list({group[0].identity: group for group in built}.values())
    options = {name: problem.options for name, problem in registry.problems.items()}
    named = tell_apart(options, [group[0] for group in groups])
    return [(first, *group[1:]) for first, group in zip(named, groups, strict=True)]


def build_instances(registry: Registry, text: str, seeds: int) -> list[tuple[Instance, ...]]:
    """Build the instances of ``NAME`` (its defaults) or ``NAME:key=value,...``.

    Returns
    -------
    list of tuple of Instance
        For each instance that was asked for, one Instance a seed when the problem is seeded.
    """
    name, given = parse_specification(text)
    problem = registry.problem(name)
    chosen: Sequence[Mapping[str, Any]] = problem.default or ({},)
    if given:
        chosen = [parse_options(f"problem {name}", given, problem.option_defaults)]
    built = []
    for options in chosen:
        instances = [_build(problem, options)]
        if instances[0].seeded:
            first = {**problem.option_defaults, **options}["seed"]
            for seed in range(1, seeds):
                instances.append(_build(problem, {**options, "seed": first + seed}))
        built.append(tuple(instances))
    return built


def _build(problem: Problem, options: Mapping[str, Any]) -> Instance:
    """Call a plug-in's builder; whatever goes wrong in it is one line."""
    where = f"{problem.file}:{problem.line}: problem {problem.name!r}"
    try:
        instance = problem.build(**options)
    except UserError:
        raise
    except Exception as error:
        raise UserError(f"{where}: {one_line(error)}") from error
    if not isinstance(instance, Instance):
        raise UserError(f"{where} must return an Instance, not {type(instance).__name__}")
    if instance.seeded and "seed" not in problem.options:
        raise UserError(f"{where} is seeded, so that it needs an option named seed")
    return instance


def default_parametrization(instance: Instance, optimizer: Optimizer) -> str:
    """Return what theta -> w is when the user names none.

    On positive problems a mirror method on the positive orthant acts on w itself.
    """
    if instance.positive and optimizer.start == "positive":
        return "linear"
    return instance.parametrization


def make_cells(
    instances: tuple[Instance, ...], choices: Sequence[Choice], parametrizations: Sequence[str]
) -> list[Cell]:
    """Return one cell a parametrization and optimizer, those that make no sense with the reason."""
    cells = []
    for choice in choices:
        names = parametrizations or [default_parametrization(instances[0], choice.optimizer)]
        for name in names:
            built = parametrization(name, instances[0].dimension)
            skip = reason_to_skip(instances[0], built, choice.optimizer)
            if skip is None and not built.starts_anywhere and instances[0].start is not None:
                skip = f"the {name.partition(':')[0]} parametrization cannot start where it must"
            cells.append(Cell(instances, built, choice, skip))
    return cells


def reason_to_skip(
    instance: Instance, parametrization: Parametrization, optimizer: Optimizer
) -> str | None:
    """Say why an optimizer cannot run here, or return None."""
    if reason := missing_oracle(instance, parametrization, optimizer):
        return reason
    if optimizer.start == "positive" and not instance.positive:
        return f"acts on positive parameters; those of {instance.problem} are signed"
    if instance.positive and parametrization.linear and optimizer.start != "positive":
        return "would leave the positive orthant with the linear parametrization"
    return None
