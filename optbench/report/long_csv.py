"""All tables as one long CSV file: one line per quantity of a cell, so that nothing is nested.

Columns: ``table`` (bias, convergence, learning_rates, profile), the five that name the row,
``learning_rate`` (only in learning_rates), ``seeds``, ``horizon``, ``status``, ``reason``, then
``quantity``, ``value`` with ``low`` and ``high``, or ``text``.  Numbers have all their digits; an
empty ``value`` is unknown or not reached.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from optbench.report.profile_table import is_profiled, profile_shares
from optbench.report.rows import Row
from optbench.result import CELL

if TYPE_CHECKING:
    from optbench.result import Comparison

STATE = ("seeds", "horizon", "status", "reason")
HEADER = (
    "table", *CELL, "hyperparameters", "learning_rate", *STATE,
    "quantity", "value", "low", "high", "text",
)  # fmt: skip
TEXTS = {
    "bias": ("selected", "runner_up", "theory", "condition"),
    "convergence": (),
    "learning_rates": ("selected",),
}
NUMBERS = {
    "bias": ("separation", "effective_p"),
    "convergence": (
        "ns_per_step", "relative_cost", "best_learning_rate", "at_edge", "sensitivity_decades",
        "critical_learning_rate", "theory_learning_rate", "success_rate", "final_suboptimality",
    ),
    "learning_rates": (
        "success_rate", "final_suboptimality", "log10_final_suboptimality", "log10_left",
    ),
}  # fmt: skip
NESTED = {
    "bias": ("measures",),
    "convergence": ("steps_to", "seconds_to"),
    "learning_rates": ("steps_to",),
}

Quantity = tuple[str, Any, Any, Any, str]


def render_csv(comparison: Comparison) -> str:
    """Return all tables as CSV text with a header line."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(HEADER)
    for table, rows in (
        ("bias", comparison.bias_rows),
        ("convergence", comparison.convergence_rows),
        ("learning_rates", _by_rate(comparison.convergence_rows)),
    ):
        for row in rows:
            names = [*(row[key] for key in CELL), _options(row), _number(row.get("learning_rate"))]
            state = [row[key] for key in STATE]
            for name, value, low, high, text in _quantities(table, row):
                numbers = [_number(value), _number(low), _number(high)]
                writer.writerow([table, *names, *state, name, *numbers, text])
    if is_profiled(comparison.convergence_rows):
        for label, shares in profile_shares(comparison.convergence_rows).items():
            for name, share in shares.items():
                row = {"table": "profile", "optimizer": label, "quantity": name, "value": share}
                writer.writerow([row.get(column, "") for column in HEADER])
    return stream.getvalue()


def _by_rate(rows: Sequence[Row]) -> Iterator[Row]:
    """Yield one row per learning rate that was given."""
    for row in rows:
        for entry in row["learning_rates"]:
            yield {**{key: row[key] for key in (*CELL, *STATE)}, "reason": None, **entry}


def _quantities(table: str, row: Row) -> Iterator[Quantity]:
    for name in TEXTS[table]:
        yield name, None, None, None, row[name] or ""
    for name in NUMBERS[table]:
        bounds = row.get(f"{name}_interval") or (None, None)
        yield name, row[name], *bounds, ""
    for group in NESTED[table]:
        prefix = "" if group == "measures" else f"{group}_"
        intervals: Mapping[str, Any] = {} if group == "seconds_to" else row.get("intervals") or {}
        for name, value in (row[group] or {}).items():
            bounds = intervals.get(name) or (None, None)
            yield f"{prefix}{name}", value, *bounds, ""
    if table == "convergence":
        rate = row["rate"] or {}
        yield "rate", rate.get("value"), rate.get("low"), rate.get("high"), rate.get("text") or ""


def _options(row: Row) -> str:
    return ",".join(f"{k}={_number(v)}" for k, v in (row["hyperparameters"] or {}).items())


def _number(value: Any) -> str:
    """Return a number with all its digits, or nothing for None and nan."""
    if value is None or value != value:
        return ""
    return repr(float(value))
