"""Make a table fit a width: leave out the least important columns and fold long names.

Numbers are never cut and never broken over two lines.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from optbench.report.table import COMFORT, ESSENTIAL, Cell, Column, Table

GAP = 2  # spaces between columns
PROSE = 28  # narrowest useful column of sentences
HEADER = 12  # characters of a name above columns; more where the cells are wider
UNFOLDED = 1000
FOLDS = (UNFOLDED, 22, 19, 17, 14, 12)  # widths of names to try, widest first


@dataclass(frozen=True)
class Fitted:
    """A table that fits, and the titles of the columns that had to go.

    Attributes
    ----------
    table : Table
        Names folded, intervals below their numbers or removed.
    left_out : tuple of str
    width : int
        Columns and gaps together, where no column holds prose.
    """

    table: Table
    left_out: tuple[str, ...]
    width: int


def fold_name(name: str, width: int) -> str:
    """Break a name after ``_``, ``[``, ``,``, ``:`` or a space into lines of ``width`` at most."""
    if len(name) <= width:
        return name
    pieces, piece = [], ""
    for letter in name:
        piece += letter
        if letter in "_[,: ":
            pieces.append(piece)
            piece = ""
    lines = [""]
    for part in [*pieces, piece]:
        if lines[-1].strip() and len(lines[-1]) + len(part) > width:
            lines.append(" ")
        lines[-1] += part
    return "\n".join(lines)


def fit(table: Table, width: int) -> Fitted:
    """Choose columns and folding so that ``table`` is at most ``width`` characters wide.

    Parameters
    ----------
    table : Table
    width : int
        Characters per line.
    """
    essential = [i for i, column in enumerate(table.columns) if column.rank <= ESSENTIAL]
    with_intervals = _fold(table.select(essential), width, FOLDS, True) is not None
    fitted = None
    for kept in _choices(table):
        rank = max(table.columns[i].rank for i in kept)
        folds = FOLDS if rank <= COMFORT else (UNFOLDED,)
        fitted = _fold(table.select(kept), width, folds, with_intervals)
        if fitted is not None:
            break
    if fitted is None:
        fitted = _folded(table.select(kept), FOLDS[-1], False)
    left_out = tuple(c.title for i, c in enumerate(table.columns) if i not in kept)
    return Fitted(fitted, left_out, total_width(fitted))


def parts(table: Table, width: int, header: int = HEADER) -> list[Table]:
    """Cut a table that is too wide into parts which follow one another.

    Parameters
    ----------
    table : Table
        In one part unless it has ``repeated`` columns.
    width : int
        Characters per line.
    header : int
        Where headers are folded, unless the cells below are wider.
    """
    if table.repeated == 0:
        return [table]
    widths = [_cells_width([row[i] for row in table.rows]) for i in range(len(table.columns))]
    columns = tuple(
        replace(column, header=_folded_header(column.header, max(header, cells)))
        for column, cells in zip(table.columns, widths, strict=True)
    )
    table = replace(table, columns=columns)
    leading = list(range(table.repeated))
    cut: list[list[int]] = []
    for i in range(table.repeated, len(columns)):
        if not cut or total_width(table.select([*leading, *cut[-1], i])) > width:
            cut.append([])
        cut[-1].append(i)
    return [table.select([*leading, *part]) for part in cut]


def _folded_header(header: str, width: int) -> str:
    lines = "\n".join(fold_name(line, width) for line in header.split("\n")).split("\n")
    return "\n".join(line.strip() for line in lines)


def _choices(table: Table) -> Iterator[list[int]]:
    """Yield all columns, then ever fewer of them, down to those of rank 0."""
    kept = list(range(len(table.columns)))
    yield kept
    while droppable := [i for i in kept if table.columns[i].rank > 0]:
        last = max(droppable, key=lambda i: (table.columns[i].rank, i))
        kept = [i for i in kept if i != last]
        yield kept


def total_width(table: Table) -> int:
    """Return how wide the columns and the gaps between them are."""
    widths = [
        _column_width(column, [row[i] for row in table.rows])
        for i, column in enumerate(table.columns)
    ]
    return sum(widths) + GAP * (len(widths) - 1)


def _column_width(column: Column, column_cells: Sequence[Cell]) -> int:
    width = _cells_width([Cell(column.header), *column_cells])
    return min(width, PROSE) if column.prose else width


def _cells_width(column_cells: Sequence[Cell]) -> int:
    return max((len(line) for cell in column_cells for line in cell.text.split("\n")), default=0)


def _fold(table: Table, width: int, folds: Sequence[int], with_intervals: bool) -> Table | None:
    """Fold names as little as the width asks for; None when that does not suffice."""
    for fold in folds:
        folded = _folded(table, fold, with_intervals)
        if total_width(folded) <= width:
            return folded
    return None


def _folded(table: Table, fold: int, with_intervals: bool) -> Table:
    rows = tuple(
        tuple(
            _folded_cell(column, cell, fold, with_intervals)
            for column, cell in zip(table.columns, row, strict=True)
        )
        for row in table.rows
    )
    return replace(table, rows=rows)


def _folded_cell(column: Column, cell: Cell, fold: int, with_intervals: bool) -> Cell:
    if column.names:
        return Cell(fold_name(cell.text, fold))
    if with_intervals and cell.interval:
        return Cell(f"{cell.text}\n{cell.interval}")
    return Cell(cell.text)
