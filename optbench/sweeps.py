"""Several values of an option or hyperparameter, and all combinations of them written out.

``heavy_ball[momentum=0,0.5,0.9]`` stands for three optimizers,
``linear_regression:n=10,20,d=40:80:3`` for six instances.  Numbers, and words that an option lists,
make a sweep; the commas of any other text belong to it.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from optbench.errors import UserError
from optbench.options import SWITCH, check_known

MOST = 10_000  # combinations, or learning rates: each of them runs, and has a row of its own


@dataclass(frozen=True)
class Grid:
    """``LOW:HIGH:COUNT``: equally spaced in the logarithm; linear where an end is not positive."""

    low: float
    high: float
    count: int

    def __post_init__(self) -> None:
        """Refuse what has no two ends.

        Raises
        ------
        ValueError
            For ends that are not finite, and fewer than two values.
        """
        if not (math.isfinite(self.low) and math.isfinite(self.high)) or self.count < 2:
            raise ValueError(self)

    @classmethod
    def parse(cls, text: str) -> Grid:
        """Read ``LOW:HIGH:COUNT``.

        Raises
        ------
        ValueError
            When it is not of this form.
        """
        low, high, count = text.split(":")
        return cls(float(low), float(high), int(count))

    def values(self) -> list[float]:
        """Return them all, rounded to twelve digits.

        0.1, not 0.09999999999999998, which nobody finds in a table again.
        """
        parts = [k / (self.count - 1) for k in range(self.count)]
        if self.low > 0.0 and self.high > 0.0:
            ratio = self.high / self.low
            found = [self.low * ratio**part for part in parts]
        else:
            found = [self.low * (1.0 - part) + self.high * part for part in parts]
        return [float(f"{value:.12g}") for value in found]


def combinations(
    where: str,
    given: Mapping[str, str],
    defaults: Mapping[str, Any],
    listed: Mapping[str, Sequence[str]],
) -> list[dict[str, str]]:
    """Write out every combination of the values of some options.

    Parameters
    ----------
    where : str
        What the options belong to, for messages.
    given : mapping of str to str
        What the user typed: ``{"n": "10,20", "d": "40:80:3"}``.
    defaults : mapping
        Default values of all options; their types decide what is a number.
    listed : mapping of str to sequence of str
        The words that options of text list, where they do.

    Returns
    -------
    list of dict
        One text an option in each; the values of the last option change fastest.

    Raises
    ------
    UserError
        For an unknown option, what is neither a number nor ``LOW:HIGH:COUNT``, and for too many
        combinations.
    """
    swept: dict[str, list[str | Grid]] = {}
    for key, text in given.items():
        check_known(where, key, defaults)
        words = listed.get(key, ())
        for part in map(str.strip, text.split(",")[1:]):
            if part in defaults and part not in words:
                raise UserError(f"{where}: {key}={text}: {part} is an option; say {part}=VALUE")
        is_swept = _is_swept(defaults[key], words)
        swept[key] = _elements(f"{where}: {key}", text) if is_swept else [text]
    counts = {key: sum(map(_count, elements)) for key, elements in swept.items()}
    several = [f"{count:,} of {key}" for key, count in counts.items() if count > 1]
    check_count(f"{where}: {' x '.join(several)}", math.prod(counts.values()))
    values = [
        dict.fromkeys(value for each in elements for value in _texts(each, defaults[key]))
        for key, elements in swept.items()
    ]
    return [dict(zip(swept, each, strict=True)) for each in itertools.product(*values)]


def check_count(where: str, count: int) -> None:
    """Refuse more combinations than anybody reads.

    Raises
    ------
    UserError
        How many there are, and how many may be.
    """
    if count > MOST:
        raise UserError(f"{where}: {count:,} combinations in all; at most {MOST:,} run")


def _is_swept(default: Any, listed: Sequence[str]) -> bool:
    """Whether commas separate values: not in text, such as a path, without a list of words."""
    return not isinstance(default, str | None) or bool(listed) or default == SWITCH[0]


def _elements(where: str, text: str) -> list[str | Grid]:
    """Cut a text at its commas; what has colons is a grid."""
    found: list[str | Grid] = []
    for element in filter(None, map(str.strip, text.split(","))):
        try:
            found.append(Grid.parse(element) if ":" in element else element)
        except ValueError:
            raise UserError(
                f"{where}={element}: must be LOW:HIGH:COUNT, such as 0.1:10:5, with finite ends "
                "and a COUNT of at least 2"
            ) from None
    return found


def _count(element: str | Grid) -> int:
    return element.count if isinstance(element, Grid) else 1


def _texts(element: str | Grid, default: Any) -> list[str]:
    """Return the values as they would be typed; whole numbers where the option is one."""
    if isinstance(element, str):
        return [element]
    whole = isinstance(default, int) and not isinstance(default, bool)
    return [str(round(value)) if whole else f"{value:.12g}" for value in element.values()]
