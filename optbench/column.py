"""What a column of a comparison is: its name, unit, header, meaning, and where it is shown."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

REQUIRED = dataclasses.MISSING  # the default of a column that every record must give

UNITS: Mapping[str, str] = {
    "": "pure number",
    "steps": "steps",
    "s": "seconds",
    "ns": "nanoseconds",
    "deg": "degrees",
    "ratio": "number of order one",
    "p": "exponent of a norm",
    "rank": "number of directions",
    "rate": "learning rate",
    "loss": "unit of the loss",
    "decades": "decades",
}


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes
    ----------
    name : str
        Its key in JSON and in a record, its quantity in CSV, its column in pandas.
    meaning : str
        One sentence or less, for the docs page and the schema.
    unit : str
        A key of :data:`UNITS`; it also decides how the tables write a number.
    header : str
        Above its column in the tables, ``\\n`` between lines; empty: it has no column there.
    rank : int
        Where the width is small, columns of the highest rank are left out first; 0: never.
    of : str
        The column whose interval this one is: CSV has it as ``low`` and ``high`` of that one.
    prefix : str
        Of numbers by name: what CSV and pandas put before each name.
    note : bool
        Whether the notes below a table tell it.
    data : tuple of str
        Which of JSON, CSV and pandas have it.
    low, high : float or None
        Bounds of valid numbers.
    """

    name: str
    meaning: str
    unit: str = ""
    header: str = ""
    rank: int = 0
    of: str = ""
    prefix: str = ""
    note: bool = False
    data: tuple[str, ...] = ("JSON", "CSV", "pandas")
    low: float | None = None
    high: float | None = None

    @property
    def shown(self) -> str:
        """Where it is shown."""
        told = {"table": self.header, "notes": self.note}
        return ", ".join([*self.data, *(place for place, shown in told.items() if shown)])


@dataclass(frozen=True)
class Measure(Column):
    """A column of the implicit-bias table.

    Attributes
    ----------
    best : float
        Its value at a perfect match.
    against : str
        The reference that it is measured against, if any.
    """

    best: float = 0.0
    against: str = ""


def column(meaning: str, *, default: Any = None, **declared: Any) -> Any:
    """Return the field of a record that is a column; `declared` are attributes of `Column`."""
    given = Column("", meaning, **declared)
    if default is dataclasses.MISSING:
        return field(metadata={"column": given})
    if isinstance(default, dict):
        return field(default_factory=lambda: dict(default), metadata={"column": given})
    return field(default=default, metadata={"column": given})


def fact(meaning: str, **declared: Any) -> Any:
    """Return a column that only JSON has."""
    return column(meaning, data=("JSON",), **declared)


def columns(record: type) -> tuple[Column, ...]:
    """Return the columns of a record, in their order."""
    return tuple(
        dataclasses.replace(each.metadata["column"], name=each.name)
        for each in dataclasses.fields(record)
    )


def named(record: type) -> Mapping[str, Column]:
    """Return the columns of a record by name."""
    return {each.name: each for each in columns(record)}
