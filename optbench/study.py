"""What to run: cells of problem instance x parametrization x optimizer, and which make sense."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias, TypeGuard

import numpy as np

from optbench.choices import Choice
from optbench.contract import Optimizer, Problem
from optbench.engine.oracles.catalogue import missing_oracle
from optbench.errors import UserError, one_line
from optbench.instance import Instance
from optbench.labels import tell_apart
from optbench.options import option_text, parse_options, parse_specification
from optbench.parametrizations import Parametrization, parametrization
from optbench.registry import Registry
from optbench.sweeps import combinations

Arrays: TypeAlias = tuple[Any, Any]  # a matrix (n, d), dense or sparse, and n targets
FLOW_RATE = 0.2  # rates up to that part of the natural one follow gradient flow
LONGEST = 1_000_000  # steps that a row may take by itself, beyond the horizon that was asked for


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

    def horizon(self, asked: int) -> int:
        """Return how many steps it may take: small steps need more of them for the same way."""
        if not self.choice.follows_flow:
            return asked
        return max(asked, min(round(asked / FLOW_RATE), LONGEST))


def is_arrays(given: object) -> TypeGuard[Arrays]:
    """Whether something is a data matrix with its targets."""
    if not isinstance(given, tuple) or len(given) != 2:
        return False
    return not any(isinstance(part, str | Instance | tuple) for part in given)


def build_all(
    registry: Registry, given: Sequence[str | Instance | Arrays], seeds: int
) -> list[tuple[Instance, ...]]:
    """Build the instances of a command: each once, under labels that tell them apart.

    Parameters
    ----------
    registry : Registry
    given : sequence of str, Instance or (X, y)
        The default problems when it is empty.
    seeds : int
        How many.

    Returns
    -------
    list of tuple of Instance
        For each instance that was asked for, one Instance a seed when the problem is seeded.
    """
    built: list[tuple[Instance, ...]] = []
    for one in given or registry.default_problems:
        if isinstance(one, Instance):
            built.append(_given_instance(one, seeds))
        elif is_arrays(one):
            built.append((_build(*_of_arrays(registry, one)),))
        elif isinstance(one, str):
            built += build_instances(registry, one, seeds)
        else:
            kind = type(one).__name__
            raise UserError(f"problem: is of type {kind}; give a name, an Instance or (X, y)")
    groups = list({group[0].identity: group for group in built}.values())
    options = {g[0].problem: g[0].made_by.options for g in groups if g[0].made_by is not None}
    named = tell_apart(options, [group[0] for group in groups])
    return [(first, *group[1:]) for first, group in zip(named, groups, strict=True)]


def _given_instance(instance: Instance, seeds: int) -> tuple[Instance, ...]:
    """Return an instance for each seed; what was made by hand is the same for all."""
    if not instance.seeded or instance.made_by is None:
        return (replace(instance, seeded=False),)
    first = instance.options["seed"]
    made = [
        _build(instance.made_by, {**instance.given, "seed": first + k}) for k in range(1, seeds)
    ]
    return (instance, *made)


def _of_arrays(registry: Registry, given: Arrays) -> tuple[Problem, dict[str, Any]]:
    """Return the problem that reads a matrix with such targets, and its options."""
    features, targets = (x if hasattr(x, "shape") else np.asarray(x) for x in given)
    if len(features.shape) != 2:
        raise UserError(f"problem (X, y): X has shape {features.shape}; it must be a matrix (n, d)")
    kind = "labels" if len(set(np.ravel(np.asarray(targets)).tolist())) == 2 else "numbers"
    for problem in registry.problems.values():
        if problem.reads == kind:
            return problem, {"data": (features, targets)}
    raise UserError(f"no problem reads a matrix whose targets are {kind}")


def build_instances(registry: Registry, text: str, seeds: int) -> list[tuple[Instance, ...]]:
    """Build the instances of ``NAME`` (its defaults) or ``NAME:key=value,...``.

    Several values of an option, ``n=10,20``, build an instance of each.

    Returns
    -------
    list of tuple of Instance
        For each instance that was asked for, one Instance a seed when the problem is seeded.
    """
    name, given = parse_specification(text)
    problem = registry.problem(name)
    chosen: Sequence[Mapping[str, Any]] = problem.default or ({},)
    if given:
        where, defaults = f"problem {name}", problem.option_defaults
        listed = {key: option.choices for key, option in problem.options.items()}
        swept = combinations(where, given, defaults, listed)
        chosen = [parse_options(where, each, defaults) for each in swept]
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
        given = ", ".join(f"{key}={option_text(value)}" for key, value in options.items())
        asked = f" with {given}" if given else ""
        raise UserError(f"{where}{asked}: {one_line(error)}") from error
    if not isinstance(instance, Instance):
        raise UserError(f"{where} must return an Instance, not {type(instance).__name__}")
    if instance.seeded and "seed" not in problem.options:
        raise UserError(f"{where} is seeded, so that it needs an option named seed")
    return instance


def default_parametrization(instance: Instance, optimizer: Optimizer) -> str:
    """Return what theta -> w is when the user names none.

    On positive problems a mirror method on the positive orthant acts on w itself, and so does what
    asks for the projection onto it.
    """
    projects = instance.restricted and optimizer.projects
    if instance.positive and (optimizer.start == "positive" or projects):
        return "linear"
    return instance.parametrization


def make_cells(
    instances: tuple[Instance, ...],
    choices: Sequence[Choice],
    parametrizations: Sequence[str],
    as_theorems_ask: bool = False,
) -> list[Cell]:
    """Return one cell a parametrization and optimizer, those that make no sense with the reason.

    Parameters
    ----------
    instances : tuple of Instance
        One a seed.
    choices : sequence of Choice
    parametrizations : sequence of str
        What each problem prescribes when it is empty.
    as_theorems_ask : bool
        Whether what runs as it is used gets another cell beside it, with the hyperparameters that
        its theorem asks for, where these are others.
    """
    cells = []
    for choice in choices:
        names = parametrizations or [default_parametrization(instances[0], choice.optimizer)]
        for name in names:
            built = parametrization(name, instances[0].dimension)
            skip = reason_to_skip(instances[0], built, choice.optimizer)
            if skip is None and not built.starts_anywhere and instances[0].start is not None:
                skip = f"the {name.partition(':')[0]} parametrization cannot start where it must"
            cells.append(Cell(instances, built, choice, skip))
            if as_theorems_ask and skip is None:
                asked = as_theorem_asks(instances[0], built, choice)
                if asked is not None and not any(_same_rows(asked, other) for other in choices):
                    cells.append(Cell(instances, built, asked, None))
    return cells


def as_theorem_asks(
    instance: Instance, parametrization: Parametrization, choice: Choice
) -> Choice | None:
    """Return an optimizer with what its theorem asks for; None where that is nothing else.

    A theorem on an optimizer asks for hyperparameters that the plug-in declares; one on a
    parametrization is about gradient flow, and asks for small steps.  What the user fixed stays.
    """
    optimizer = choice.optimizer
    if choice.fixed:
        return None
    if parametrization.linear:
        values = optimizer.as_theorem_asks.get(instance.kind)
        return replace(choice, fixed=values, as_theorem_asks=True) if values else None
    told = flow_selects(instance, parametrization, optimizer) is not None
    if told and small_steps_follow(optimizer, choice.tuned) and not tail_decides(instance):
        return replace(choice, as_theorem_asks=True, follows_flow=True)
    return None


def flow_selects(
    instance: Instance, parametrization: Parametrization, optimizer: Optimizer
) -> str | None:
    """Return what the flow of a parametrization selects, for optimizers that may follow it."""
    return parametrization.selects.get(instance.kind) if optimizer.follows_flow else None


def small_steps_follow(optimizer: Optimizer, rate: str | None) -> bool:
    """Whether steps at a small learning rate are small against the parameters themselves.

    Steps of a prescribed length are not, near the zeros at which many parametrizations start.
    """
    return rate is not None and optimizer.hypers[rate].degree == -1


def tail_decides(instance: Instance) -> bool:
    """Whether the limit is a direction at infinity, where steps become small by themselves."""
    return instance.at_infinity


def _same_rows(asked: Choice, other: Choice) -> bool:
    mine, theirs = (c.optimizer.identity for c in (asked, other))
    return mine == theirs and not asked.follows_flow and dict(asked.fixed) == dict(other.fixed)


def reason_to_skip(
    instance: Instance, parametrization: Parametrization, optimizer: Optimizer
) -> str | None:
    """Say why an optimizer cannot run here, or return None."""
    if reason := missing_oracle(instance, parametrization, optimizer):
        return reason
    if optimizer.start == "positive" and not instance.positive:
        return f"acts on positive parameters; those of {instance.problem} are signed"
    if instance.restricted and optimizer.projects:
        return None
    if instance.positive and parametrization.linear and optimizer.start != "positive":
        return "would leave the positive orthant with the linear parametrization"
    if instance.restricted and not instance.positive:
        return "would leave the set to which w is restricted: it does not ask for the projection"
    return None
