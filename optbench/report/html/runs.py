"""What the page shows of one run: the row of each table, and what theory says of it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from optbench.column import columns
from optbench.columns import BiasRow, ConvergenceRow, RateLaw, Row
from optbench.records import as_dict, plain
from optbench.report.rows import UNKNOWN, agrees

SAID_FIRST = {each.name for each in columns(Row)} | {"learning_rates", "steps_by_seed", "passages"}
EXACT = 1e15  # below it a whole number has all its digits


def keys_of(rows: Sequence[Row]) -> list[str]:
    """Name the runs behind some rows; the same run has the same name in both tables."""
    seen: Counter[tuple[str, ...]] = Counter()
    places: dict[tuple[str, ...], int] = {}
    found = []
    for row in rows:
        cell = (row.instance_id, row.parametrization, row.optimizer)
        place = places.setdefault(cell, len(places))
        found.append(f"r{place}" + (f"-{seen[cell]}" if seen[cell] else ""))
        seen[cell] += 1
    return found


def run_details(
    label: str, place: str, bias: BiasRow | None, convergence: ConvergenceRow | None
) -> dict[str, Any]:
    """Return all that is known of a run, as texts under headings.

    Parameters
    ----------
    label, place : str
        What the run and its instance are called.
    bias, convergence : BiasRow, ConvergenceRow or None
        Its row of each table.
    """
    row = bias or convergence
    assert row is not None
    hyperparameters = row.hyperparameters or (convergence.hyperparameters if convergence else {})
    return {
        "label": label,
        "place": f"{place}; parametrization {row.parametrization}; "
        f"{row.horizon:,} steps; {row.seeds} seed{'' if row.seeds == 1 else 's'}",
        "sentences": list(_sentences(bias, convergence)),
        "hyperparameters": [[name, text_of(value)] for name, value in hyperparameters.items()],
        "bias": list(_pairs(bias)) if bias else [],
        "convergence": list(_pairs(convergence)) if convergence else [],
    }


def meanings() -> dict[str, str]:
    """Return what each column means."""
    return {
        each.name: each.meaning
        for record in (BiasRow, ConvergenceRow, RateLaw)
        for each in columns(record)
    }


def _sentences(bias: BiasRow | None, convergence: ConvergenceRow | None) -> Iterator[str]:
    rows = [row for row in (bias, convergence) if row is not None]
    status = rows[-1].status
    yield f"Status: {status.value}: {status.meaning}."
    yield from dict.fromkeys(f"Reason: {row.reason}." for row in rows if row.reason)
    if bias is None:
        return
    if bias.theory == UNKNOWN:
        yield f"Theory: no theorem says what it selects. {bias.theory_reason}".strip()
        return
    condition = f", if: {bias.condition}" if bias.condition else ""
    yield f"Theory: it selects {bias.theory}{condition}."
    judged = agrees(bias)
    if judged is not None:
        yield "The verdict is theory's." if judged else "The verdict is not theory's."


def _pairs(row: Row) -> Iterator[list[str]]:
    for name, value in plain(as_dict(row)).items():
        if name in SAID_FIRST or value in (None, "", [], {}):
            continue
        if isinstance(value, dict) and all(each is None for each in value.values()):
            continue
        yield [name, text_of(value)]


def text_of(value: Any) -> str:
    """Return a value of the JSON document as a person reads it."""
    if isinstance(value, Mapping):
        told = {key: each for key, each in value.items() if each not in (None, "", [])}
        return "; ".join(f"{key}: {text_of(each)}" for key, each in told.items())
    if isinstance(value, list):
        return ", ".join(map(text_of, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer() and abs(value) < EXACT:
        return f"{int(value):,}"
    return value if isinstance(value, str) else json.dumps(value)
