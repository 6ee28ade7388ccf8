"""Tables in which a sweep has many rows: a terminal shows some of them, evenly spaced."""

from __future__ import annotations

from dataclasses import replace

from optbench.report.numbers import counted_noun
from optbench.report.table import Table

MOST = 24  # rows of one optimizer that are all shown
EVEN = 12  # of more rows, so many are shown
LONGEST = 200  # letters of a note below such a table: longer ones name row after row


def brief(table: Table, more: str = "") -> Table:
    """Return a table with some rows of each sweep, and with the sentences on all of them.

    Parameters
    ----------
    table : Table
        One whose first column names optimizers; others are returned as they are.
    more : str
        What shows the others, for the note that says how many are left out.
    """
    if not table.columns[0].names:
        return table
    sweeps: dict[str, list[int]] = {}
    for place, row in enumerate(table.rows):
        sweeps.setdefault(row[0].text.partition("[")[0], []).append(place)
    shown = sorted(place for own in sweeps.values() for place in _even(own))
    if len(shown) == len(table.rows):
        return table
    notes = [note for note in table.notes if len(note) <= LONGEST]
    longer = len(table.notes) - len(notes)
    left_out = f" ({counted_noun(longer, 'note')} left out)" if longer else ""
    told = f"{len(shown)} of {len(table.rows):,} rows are shown, evenly spaced{left_out}{more}"
    rows = tuple(table.rows[place] for place in shown)
    return replace(table, rows=rows, notes=(told, *notes))


def _even(places: list[int]) -> list[int]:
    """Return the first, the last, and some between; all where they are few."""
    if len(places) <= MOST:
        return places
    return [places[round(k * (len(places) - 1) / (EVEN - 1))] for k in range(EVEN)]
