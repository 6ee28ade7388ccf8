"""What a person calls an instance: its data, and the options that tell it from others.

A label is for reading only; :mod:`optbench.identity` tells instances apart.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence, Set
from typing import TYPE_CHECKING, Any

from optbench.options import Option, option_text

if TYPE_CHECKING:
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
