"""What a person calls an instance, and a row of a comparison: the only place that names them.

An instance is called by its data and the options that tell it from others, a row by its optimizer
and what tells it from namesakes.  A label is for reading only; :mod:`optbench.identity` tells
instances apart.
"""

from __future__ import annotations

import dataclasses
import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import TYPE_CHECKING, Any

from optbench.numerals import significant
from optbench.options import Option, option_text

if TYPE_CHECKING:
    from optbench.columns import InstanceFacts, Row
    from optbench.instance import Instance

DATA = "data"  # the option that says which data, shown without its name


def label(
    options: Mapping[str, Option],
    values: Mapping[str, Any],
    also: Set[str] = frozenset(),
    folders: bool = False,
) -> str:
    """Return ``gaussian,n=10,sparsity=2``: what would be typed, without defaults.

    Parameters
    ----------
    options : mapping of str to Option
        All options of the problem.
    values : mapping
        Their values as resolved.
    also : set of str
        Options to show although they have their defaults.
    folders : bool
        Whether files are shown with their folders.
    """
    shown: list[str] = []
    for name, value in values.items():
        option = options[name]
        meant = all(option.suits(key, other) for key, other in values.items())
        if name == DATA:
            text = option_text(value)
            shown.insert(0, text if folders else os.path.basename(text) or text)
        elif value != option.default or (name in also and meant):
            shown.append(f"{name}={option_text(value)}")
    return ",".join(shown) or "default"


def tell_apart(
    options: Mapping[str, Mapping[str, Option]], instances: Sequence[Instance]
) -> list[Instance]:
    """Return the instances of one command under labels that differ wherever they do.

    Parameters
    ----------
    options : mapping of str to mapping
        Of each problem, by name.
    instances : sequence of Instance
        With identities that all differ.

    Returns
    -------
    list of Instance
        Copies in the same order.
    """
    named = []
    for instance in instances:
        alike = [other for other in instances if other.problem == instance.problem]
        varied = {
            key
            for key in instance.options
            if len({repr(other.options.get(key)) for other in alike}) > 1
        }
        name = instance.name
        if instance.options:
            name = label(options[instance.problem], instance.options, varied)
            files = [os.path.basename(str(other.options.get(DATA))) for other in alike]
            if len(set(files)) < len({str(other.options.get(DATA)) for other in alike}):
                name = label(options[instance.problem], instance.options, varied, folders=True)
        named.append(dataclasses.replace(instance, name=name))
    return [
        dataclasses.replace(instance, name=f"{instance.name} {instance.identity[:6]}")
        if sum((o.problem, o.name) == (instance.problem, instance.name) for o in named) > 1
        else instance
        for instance in named
    ]


def distinct(instances: Iterable[InstanceFacts]) -> list[InstanceFacts]:
    """Return the instances once each: a problem may be asked for twice."""
    return list({facts.instance_id: facts for facts in instances}.values())


def instance_labels(instances: Iterable[InstanceFacts]) -> dict[str, str]:
    """Return ``PROBLEM on INSTANCE`` of each instance, by its id; namesakes show their ids."""
    known = {facts.instance_id: facts for facts in instances}
    names = {key: f"{facts.problem} on {facts.instance}" for key, facts in known.items()}
    often = Counter(names.values())
    return {
        key: f"{name} (instance {key})" if often[name] > 1 else name for key, name in names.items()
    }


def plain_name(label: str) -> str:
    """Return an optimizer's name without its options and what else stands behind it."""
    return re.split(r"[\[ ]", label, maxsplit=1)[0]


def row_labels(rows: Sequence[Row]) -> list[str]:
    """Name each row by its optimizer, with the hyperparameters that tell namesakes apart."""
    namesakes: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        namesakes.setdefault(_cell(row), []).append(row)
    found = [_row_label(row, namesakes[_cell(row)]) for row in rows]
    places = [
        (label, row.instance_id, row.parametrization)
        for label, row in zip(found, rows, strict=True)
    ]
    often, seen = Counter(places), Counter[tuple[str, ...]]()
    for index, place in enumerate(places):
        seen[place] += 1
        if often[place] > 1:  # the same was asked for twice
            found[index] = f"{place[0]} #{seen[place]}"
    return found


def full_labels(rows: Sequence[Row]) -> list[str]:
    """Name the rows of one instance for a sentence: namesakes with their parametrizations."""
    names = row_labels(rows)
    often = Counter(names)
    return [
        f"{name} ({parametrization})" if often[name] > 1 else name
        for name, parametrization in zip(names, parametrization_labels(rows), strict=True)
    ]


def labels_across(rows: Sequence[Row]) -> list[str]:
    """Name the rows of several instances, alike on all of them.

    An optimizer that has several parametrizations on one instance shows them everywhere.
    """
    names = row_labels(rows)
    often = Counter(zip(names, (row.instance_id for row in rows), strict=True))
    several = {name for (name, _), times in often.items() if times > 1}
    return [
        f"{name} ({row.parametrization})" if name in several else name
        for name, row in zip(names, rows, strict=True)
    ]


def parametrization_labels(rows: Sequence[Row]) -> list[str]:
    """Name each row's parametrization, without its options where no two names are the same."""
    found = {row.parametrization for row in rows}
    short = len({name.partition(":")[0] for name in found}) == len(found)
    names = [row.parametrization for row in rows]
    return [name.partition(":")[0] for name in names] if short else names


def _cell(row: Row) -> tuple[str, ...]:
    return row.optimizer, row.instance_id, row.parametrization


def _row_label(row: Row, namesakes: Sequence[Row]) -> str:
    given = [dict(other.hyperparameters) for other in namesakes]
    own = row.hyperparameters
    differing = [key for key in own if len({values.get(key) for values in given}) > 1]
    # A tuned learning rate differs anyway; it tells rows apart only when nothing else does.
    differing = [key for key in differing if key != "learning_rate"] or differing
    if not differing:
        return row.optimizer
    options = ",".join(f"{key}={_apart(own[key], key, given)}" for key in differing)
    return f"{row.optimizer.partition('[')[0]}[{options}]"


def _apart(value: float | None, key: str, given: Sequence[dict[str, float | None]]) -> str:
    """Write a value with as many digits as tell it from the others."""
    values = {own[key] for own in given if key in own}
    for digits in range(3, 17):
        if len({significant(other, digits) for other in values}) == len(values):
            break
    return significant(value, digits)
