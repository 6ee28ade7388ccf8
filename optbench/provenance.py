"""What a result says of its own origin: the call that repeats it, and the papers of what it ran."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from optbench.registry import Registry
    from optbench.study import Cell

PLAIN = (str, bool, int, float, type(None))
CALLBACK = "progress"  # it is told how far the work is, and changes nothing


def call_text(name: str, arguments: Mapping[str, Any], function: Callable[..., Any]) -> str:
    """Return a call as Python: arguments that have their defaults, and callbacks, are left out.

    Parameters
    ----------
    name : str
        What the function is called by.
    arguments : mapping
        All of its arguments.
    function : callable
        Its signature says which ones are defaults, and which are given by position.
    """
    given: list[str] = []
    in_order = True  # until an argument is left out
    for key, parameter in inspect.signature(function).parameters.items():
        value = arguments[key]
        is_default = isinstance(value, (*PLAIN, tuple)) and value == parameter.default
        if is_default or key == CALLBACK:
            in_order = False
        elif in_order and parameter.kind is parameter.POSITIONAL_OR_KEYWORD:
            given.append(_text(value))
        else:
            given.append(f"{key}={_text(value)}")
    return f"{name}({', '.join(given)})"


def _text(value: Any) -> str:
    """Return a value as Python; of data and objects only what they are called."""
    if isinstance(value, np.generic):
        return _text(value.item())
    if isinstance(value, PLAIN):
        return repr(value)
    if isinstance(value, list | tuple):
        texts = [_text(each) for each in value]
        if isinstance(value, list):
            return f"[{', '.join(texts)}]"
        return f"({', '.join(texts)}{',' if len(texts) == 1 else ''})"
    shape = getattr(value, "shape", None)
    if shape is not None:
        return f"<array {' x '.join(map(str, shape))}>"
    return f"<{getattr(value, 'name', type(value).__name__)}>"


def papers_of(registry: Registry, cells: Iterable[Cell]) -> dict[str, str]:
    """Return the references of the optimizers and problems of some cells, by their names."""
    found: dict[str, str] = {}
    for cell in cells:
        optimizer, problem = cell.choice.optimizer, cell.instance.problem
        found[optimizer.name] = optimizer.reference
        if problem in registry.problems:
            found[problem] = registry.problems[problem].reference
    return found
