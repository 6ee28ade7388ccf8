"""All tables as one long CSV file: one line per quantity of a cell, so that nothing is nested.

Columns: ``table`` (bias, convergence, learning_rates, profile), the six that name the row,
``learning_rate`` (only in learning_rates), ``seeds``, ``horizon``, ``status``, ``reason``, then
``quantity``, ``value`` with ``low`` and ``high``, or ``text``.  Numbers have all their digits; an
empty ``value`` is unknown or not reached.  Which quantities a row has follows from its record.
"""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from optbench.column import Column, columns
from optbench.columns import CELL, STATE, ConvergenceRow, LearningRate, RateLaw, Row
from optbench.report.profile_table import Profile, profiles

if TYPE_CHECKING:
    from optbench.result import Comparison

NAMES = (*CELL, "hyperparameters", "learning_rate")
HEADER = ("table", *NAMES, *STATE, "quantity", "value", "low", "high", "text")
OF_THE_ROW = {*NAMES, *STATE}  # columns of the file, not quantities


class Quantity(NamedTuple):
    """The last columns of a line."""

    name: str
    value: Any = None
    low: float | None = None
    high: float | None = None
    text: str = ""


def render_csv(comparison: Comparison, counted: str = "steps") -> str:
    """Return all tables as CSV text with a header line; the profile compares what is counted."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, HEADER, restval="", lineterminator="\n")
    writer.writeheader()
    for table, rows in (
        ("bias", comparison.bias_rows),
        ("convergence", comparison.convergence_rows),
    ):
        for row in rows:
            writer.writerows(_lines(table, _names(row), row))
    for row in comparison.convergence_rows:
        for entry in row.learning_rates:
            writer.writerows(_lines("learning_rates", _names_of_rate(row, entry), entry))
    for told in profiles(comparison, counted):
        writer.writerows(_profile(told))
    return stream.getvalue()


def _profile(told: Profile) -> Iterator[dict[str, Any]]:
    line = {"table": "profile", "optimizer": told.optimizer}
    for name, share in told.shares.items():
        yield {**line, "quantity": name, "value": _number(share)}
    yield {**line, "quantity": "slower_than", "text": ",".join(told.slower_than)}
    yield {**line, "quantity": "slower_p", "value": _number(told.slower_p)}


def _names(row: Row) -> dict[str, Any]:
    names = {key: getattr(row, key) for key in (*CELL, *STATE)}
    return {**names, "hyperparameters": _options(row.hyperparameters)}


def _names_of_rate(row: ConvergenceRow, entry: LearningRate) -> dict[str, Any]:
    own = {
        "hyperparameters": _options(entry.hyperparameters),
        "learning_rate": _number(entry.learning_rate),
        "status": entry.status,
        "reason": None,
    }
    return {**_names(row), **own}


def _lines(table: str, names: Mapping[str, Any], record: Any) -> Iterator[dict[str, Any]]:
    for quantity in quantities(record):
        yield {
            "table": table,
            **names,
            "quantity": quantity.name,
            "value": _number(quantity.value),
            "low": _number(quantity.low),
            "high": _number(quantity.high),
            "text": quantity.text,
        }


def quantities(record: Any) -> Iterator[Quantity]:
    """Yield what a record says beside its names and state, each column in its own way."""
    declared = columns(type(record))
    bounds = {each.of: getattr(record, each.name) for each in declared if each.of}
    for each in declared:
        value = getattr(record, each.name)
        own_place = each.of or each.name in OF_THE_ROW or each.name == "learning_rates"
        if own_place or "CSV" not in each.data:
            continue  # on the line of its own column; a column of the file; a table of its own
        if isinstance(value, RateLaw):
            yield from _law(value)
        elif isinstance(value, Mapping):
            yield from _by_name(each, value, bounds.get(each.name) or {})
        elif isinstance(value, tuple):
            yield Quantity(each.name, text=",".join(value))
        elif isinstance(value, str) or _holds_text(record, each):
            yield Quantity(each.name, text=value or "")
        else:
            yield Quantity(each.name, value, *(bounds.get(each.name) or (None, None)))


def _holds_text(record: Any, column: Column) -> bool:
    (declared,) = (f for f in dataclasses.fields(record) if f.name == column.name)
    return str(declared.type).startswith("str")


def _by_name(
    column: Column, numbers: Mapping[str, Any], bounds: Mapping[str, Any]
) -> Iterator[Quantity]:
    for name, value in numbers.items():
        yield Quantity(f"{column.prefix}{name}", value, *(bounds.get(name) or (None, None)))


def _law(rate: RateLaw) -> Iterator[Quantity]:
    yield Quantity("rate", rate.value, rate.low, rate.high, rate.text)
    yield Quantity("rate_law", text=rate.law or "")
    yield Quantity("rate_laws", text=",".join(rate.laws))
    yield Quantity("rate_offset", rate.offset)
    yield Quantity("rate_floor", rate.floor)
    yield Quantity("rate_window", None, *(rate.window or (None, None)))


def _options(hyperparameters: Mapping[str, Any]) -> str:
    return ",".join(f"{k}={_number(v)}" for k, v in hyperparameters.items())


def _number(value: Any) -> str:
    """Return a number with all its digits, or nothing for None and nan."""
    if value is None or value != value:
        return ""
    return repr(float(value))
