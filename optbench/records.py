"""Records as plain mappings, and back: what JSON, pandas and saved comparisons are made of."""

from __future__ import annotations

import dataclasses
import functools
import math
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np

from optbench.column import columns
from optbench.status import Status

SCHEMA_VERSION = 1  # of the JSON document: see docs/schema.md

Record = TypeVar("Record")

_INFINITIES = {"inf": math.inf, "-inf": -math.inf}


def as_dict(record: Any) -> dict[str, Any]:
    """Return a record as a mapping, records in it as well; ``more`` becomes keys of its own."""
    found = {each.name: _nested(getattr(record, each.name)) for each in columns(type(record))}
    return {**found.pop("more", {}), **found}


def _nested(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return as_dict(value)
    if isinstance(value, Mapping):
        return dict(value)
    return [_nested(item) for item in value] if isinstance(value, tuple) else value


def flat(record: Any) -> dict[str, Any]:
    """Return a record with nothing nested: numbers by name are columns of their own."""
    found: dict[str, Any] = {}
    for each in columns(type(record)):
        value = getattr(record, each.name)
        if each.name == "learning_rates":
            continue  # rows of a table of their own
        if dataclasses.is_dataclass(value):
            found |= {f"{each.name}_{name}": part for name, part in flat(value).items()}
        elif each.prefix or each.name == "measures":
            found |= {f"{each.prefix}{name}": number for name, number in value.items()}
        else:
            found[each.name] = str(value) if isinstance(value, Status) else value
    return found


def plain(value: Any) -> Any:
    """Return ``value`` in JSON's types: nan becomes null, infinities ``"inf"`` and ``"-inf"``."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else ("inf" if value > 0 else "-inf")
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def from_dict(kind: type[Record], told: Any) -> Record:
    """Return the record that JSON tells: the inverse of :func:`plain` and :func:`as_dict`.

    Parameters
    ----------
    kind : type
        A record.
    told : mapping
        Keys that the record does not have go to its ``more``, or are left out; it has its default
        where a key is missing: later versions add keys.

    Raises
    ------
    ValueError
        When a value is not of its column's type, or one without a default is missing.
    """
    if not isinstance(told, Mapping):
        raise ValueError(f"{_shown(told)} is no object")
    hints = _hints(typing.cast(Any, kind))
    own = {name: _read(hints[name], told[name], name) for name in hints if name in told}
    if "more" in hints:
        own["more"] = {key: _any(value) for key, value in told.items() if key not in hints}
    try:
        return kind(**own)
    except TypeError as error:  # it names the fields that are missing
        raise ValueError(str(error).partition(" ")[2]) from None


@functools.cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _read(hint: Any, value: Any, place: str) -> Any:
    """Return a value as its column declares it."""
    parts, origin = typing.get_args(hint), typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        if value is None:
            return None
        (hint,) = (part for part in parts if part is not type(None))
        return _read(hint, value, place)
    if origin is tuple and isinstance(value, list):
        inner = (parts[0],) * len(value) if parts[-1] is Ellipsis else parts
        if len(inner) == len(value):
            pairs = enumerate(zip(inner, value, strict=True))
            return tuple(_read(part, item, f"{place}[{i}]") for i, (part, item) in pairs)
    elif origin is not None and origin is not tuple and isinstance(value, Mapping):
        return {key: _read(parts[1], item, f"{place}.{key}") for key, item in value.items()}
    elif dataclasses.is_dataclass(hint):
        return from_dict(typing.cast(type, hint), value)
    elif hint is Status and value in list(Status):
        return next(status for status in Status if status == value)
    elif hint is float and isinstance(value, str) and value in _INFINITIES:
        return _INFINITIES[value]
    elif _is_simple(hint, value):
        return value
    raise ValueError(f"{place} is {_shown(value)}")


def _is_simple(hint: Any, value: Any) -> bool:
    if isinstance(value, bool):
        return hint is bool
    return isinstance(value, (int, float) if hint is float else hint)


def _any(value: Any) -> Any:
    """Return a value whose type nobody declared."""
    if isinstance(value, Mapping):
        return {key: _any(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_any(item) for item in value]
    return _INFINITIES.get(value, value) if isinstance(value, str) else value


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
