"""The options of a problem, and parsing what users type.

``NAME:key=value,key=value`` and ``NAME[key=value]`` are read; options that would change nothing are
refused, see :class:`Option`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from optbench.errors import UserError

Values = Mapping[str, tuple[Any, ...]]
TRUE, FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")
FEW = 6  # names that a message lists in full
NEAREST = 3  # of more, so many are named
SWITCH = ("auto", "true", "false")  # choices of a yes or no whose default depends on the rest


@dataclass(frozen=True)
class Option:
    """One ``key=value`` of a problem.

    Parameters
    ----------
    default : object
        Value when the user gives none.
    choices : tuple of str
        The valid words, if they are few.
    needs : mapping of str to tuple
        It only has a meaning with these values of other options: ``{"data": ("gaussian",)}``.
    unless : mapping of str to tuple
        It has no meaning with these values of other options.
    """

    default: Any
    choices: tuple[str, ...] = ()
    needs: Values = field(default_factory=dict)
    unless: Values = field(default_factory=dict)

    def suits(self, key: str, value: Any) -> bool:
        """Whether it has a meaning when the option ``key`` has this value."""
        return value in self.needs.get(key, (value,)) and value not in self.unless.get(key, ())

    @property
    def condition(self) -> str:
        """When it has a meaning: ``data=random|transport, rotated other than false``, or ``""``."""
        needs = [f"{key}={_either(values)}" for key, values in self.needs.items()]
        unless = [f"{key} other than {_either(values)}" for key, values in self.unless.items()]
        return ", ".join(needs + unless)


def check_conditions(where: str, options: Mapping[str, Option]) -> None:
    """Refuse a declaration whose ``needs`` or ``unless`` no value could fulfil.

    Raises
    ------
    UserError
        When an option depends on what is no option, or on values that are not a tuple.
    """
    for name, option in options.items():
        for key, values in (*option.needs.items(), *option.unless.items()):
            if key not in options:
                raise UserError(f"{where}: option {name!r} depends on {key!r}, which is no option")
            if not isinstance(values, tuple) or not values:
                raise UserError(
                    f"{where}: option {name!r} depends on {key}={values!r}; "
                    f"values must be a tuple, such as ({options[key].default!r},)"
                )


def check_options(name: str, options: Mapping[str, Option], given: Mapping[str, Any]) -> None:
    """Refuse what is no option, what is no choice, and what would be ignored.

    Parameters
    ----------
    name : str
        The problem that has the options.
    options : mapping of str to Option
        All that it has.
    given : mapping
        Values of those that the user gave, also where they equal the defaults.

    Raises
    ------
    UserError
        For an unknown key, a value that is no choice, or an option that has no meaning here.
    """
    for key, value in given.items():
        if key not in options:
            raise UserError(f"{name}: unknown option {key!r}{suggest(key, options)}")
        choices = options[key].choices
        if choices and option_text(value) not in choices:
            raise UserError(f"{name}: {key}={option_text(value)}; known: {', '.join(choices)}")
    for key, option in options.items():
        value = given.get(key, option.default)
        ignored = [other for other in given if not options[other].suits(key, value)]
        if ignored:
            raise UserError(f"{name}: {_ignored(name, options, given, ignored, key)}")


def _ignored(
    name: str,
    options: Mapping[str, Option],
    given: Mapping[str, Any],
    ignored: list[str],
    key: str,
) -> str:
    """Say which options the value of ``key`` leaves without a meaning, and what would be right."""
    value = given.get(key, options[key].default)
    actual = f"{key}={option_text(value)}"
    needed = options[ignored[0]].needs.get(key)
    alike = [other for other in ignored if options[other].needs.get(key) == needed]
    one = len(alike) == 1
    subject = f"option {alike[0]} is" if one else f"options {', '.join(alike)} are"
    if needed is None or value in needed:
        leave = "leave it out" if one else "leave them out"
        return f"{subject} not for {actual}: {leave} or give {key} another value"
    kept = {k: v for k, v in given.items() if k != key and options[k].suits(key, needed[0])}
    right = ",".join(f"{k}={option_text(v)}" for k, v in {key: needed[0], **kept}.items())
    return f"{subject} for {key}={_either(needed)}, not {actual}: say {name}:{right}"


def _either(values: tuple[Any, ...]) -> str:
    return "|".join(map(option_text, values))


def option_text(value: Any) -> str:
    """Return a value as a user would type it: ``16x16``, ``true``, ``0.1``."""
    if isinstance(value, tuple) and any(hasattr(part, "shape") for part in value):
        rows, columns = value[0].shape
        return f"matrix {rows}x{columns}"
    if isinstance(value, tuple):
        return "x".join(map(str, value))
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        short = f"{value:g}"
        return short if float(short) == value else repr(value)
    return str(value)


def switched_on(value: str | bool, automatic: bool) -> bool:
    """What an option with the choices ``SWITCH`` says; ``automatic`` where it says auto."""
    return automatic if value == SWITCH[0] else option_text(value) == "true"


def closest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that another one may be a misspelling of."""
    return next(iter(difflib.get_close_matches(name, list(known), n=1, cutoff=0.7)), None)


def suggest(name: str, known: Iterable[str]) -> str:
    """Return what was meant by an unknown name: the one alike, few known names, or the nearest."""
    known = sorted(set(known))
    close = closest(name, known)
    if close is not None:
        return f" (did you mean {close!r}?)"
    if len(known) <= FEW:
        return f"; known: {', '.join(known)}"
    return f"; the nearest of {len(known)} names: {', '.join(nearest(name, known))}"


def nearest(name: str, known: Iterable[str]) -> list[str]:
    """Return the three known names that are most like another one, the likest first.

    Parts of names that are joined by ``_`` count alone: ``mirror`` is near to
    ``p_norm_mirror_descent``.
    """

    def likeness(other: str) -> float:
        parts = [other, *other.split("_")]
        return max(
            difflib.SequenceMatcher(None, name.lower(), part.lower()).ratio() for part in parts
        )

    return sorted(known, key=lambda other: (-likeness(other), other))[:NEAREST]


def parse_specification(text: str) -> tuple[str, dict[str, str]]:
    """Split ``name:key=value,...`` or ``name[key=value,...]`` into its name and options.

    What has no ``=`` continues the value before it: ``name:key=1,2`` is ``{"key": "1,2"}``.

    Raises
    ------
    UserError
        When it is not of this form.
    """
    text = text.strip()
    if text.endswith("]") and "[" in text:
        name, _, rest = text[:-1].partition("[")
    else:
        name, colon, rest = text.partition(":")
        if "[" in name:
            raise UserError(f"{text!r}: the bracket is not closed; say NAME[key=value]")
        if colon and not rest.strip():
            raise UserError(f"{text!r}: nothing follows the colon; say NAME or NAME:key=value")
    options: dict[str, str] = {}
    key = ""
    for part in rest.split(","):
        if key and "=" not in part:
            options[key] += f",{part}"
            continue
        item = part.strip()
        key, equals, value = map(str.strip, item.partition("="))
        if item and (not equals or not key or not value):
            raise UserError(f"{text!r}: {item!r} is not of the form key=value")
        if key in options:
            raise UserError(f"{text!r}: key {key!r} is given twice")
        if key:
            options[key] = value
    if not name.strip():
        raise UserError(f"{text!r} has no name")
    return name.strip(), {key: value.rstrip(", ") for key, value in options.items()}


def check_known(where: str, key: str, known: Iterable[str]) -> None:
    """Refuse what is no option.

    Raises
    ------
    UserError
        The option, and which one may be meant.
    """
    if key not in known:
        raise UserError(f"{where}: unknown option {key!r}{suggest(key, known)}")


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
        check_known(where, key, defaults)
        values[key] = _convert(f"{where}: {key}={text}", text, defaults[key])
    return values


def _convert(where: str, text: str, default: Any) -> Any:
    if isinstance(default, bool) or default == SWITCH[0]:
        if text.lower() in TRUE + FALSE:
            truth = text.lower() in TRUE
            return truth if isinstance(default, bool) else option_text(truth)
        if default == SWITCH[0]:
            return text
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
