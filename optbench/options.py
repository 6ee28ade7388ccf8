"""Parsing what users type: ``NAME:key=value,key=value`` and ``NAME[key=value]``."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from optbench.errors import UserError


def suggest(name: str, known: Iterable[str]) -> str:
    """Return `` (did you mean 'x'?)`` or the list of known names."""
    known = list(known)
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    if close:
        return f" (did you mean {close[0]!r}?)"
    return f"; known: {', '.join(sorted(known))}"


def parse_specification(text: str) -> tuple[str, dict[str, str]]:
    """Split ``name:key=value,...`` or ``name[key=value,...]`` into its name and options.

    Raises
    ------
    UserError
        When it is not of this form.
    """
    text = text.strip()
    if text.endswith("]") and "[" in text:
        name, _, rest = text[:-1].partition("[")
    else:
        name, _, rest = text.partition(":")
    options: dict[str, str] = {}
    for item in filter(None, (part.strip() for part in rest.split(","))):
        key, equals, value = item.partition("=")
        if not equals or not key.strip() or not value.strip():
            raise UserError(f"{text!r}: {item!r} is not of the form key=value")
        if key.strip() in options:
            raise UserError(f"{text!r}: key {key.strip()!r} is given twice")
        options[key.strip()] = value.strip()
    if not name.strip():
        raise UserError(f"{text!r} has no name")
    return name.strip(), options


def parse_options(
    where: str, given: Mapping[str, str], defaults: Mapping[str, Any]
) -> dict[str, Any]:
    """Convert option texts to the types of their defaults.

    Parameters
    ----------
    where : str
        What the options belong to, for messages.
    given : mapping of str to str
        What the user typed.
    defaults : mapping
        Default values; their types decide (None: text).

    Raises
    ------
    UserError
        For an unknown key or a value of the wrong type.
    """
    values: dict[str, Any] = {}
    for key, text in given.items():
        if key not in defaults:
            raise UserError(f"{where}: unknown option {key!r}{suggest(key, defaults)}")
        values[key] = _convert(f"{where}: {key}={text}", text, defaults[key])
    return values


def _convert(where: str, text: str, default: Any) -> Any:
    if isinstance(default, bool):
        if text.lower() in ("true", "yes", "on", "1"):
            return True
        if text.lower() in ("false", "no", "off", "0"):
            return False
        raise UserError(f"{where}: must be true or false")
    kind: type = type(default)
    if kind is tuple:
        try:
            return tuple(int(part) for part in text.split("x"))
        except ValueError:
            raise UserError(f"{where}: must be integers joined by x, such as 16x16") from None
    if kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            name = "an integer" if kind is int else "a number"
            raise UserError(f"{where}: must be {name}") from None
    return text
