"""What every output format renders: a table of texts, with the sentences around it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from optbench.numerals import NOTHING

ESSENTIAL = 3  # columns up to this rank: intervals are shown only where these leave room
COMFORT = 3  # columns above this rank are left out before any name is folded


@dataclass(frozen=True)
class Cell:
    """A text and, where seeds spread, the interval around it."""

    text: str
    interval: str = ""


@dataclass(frozen=True)
class Column:
    """A header and how its cells behave.

    Attributes
    ----------
    header : str
        ``\\n`` separates the lines of a narrow header.
    rank : int
        Where the width is small, columns of the highest rank are left out first; 0: never.
    number : bool
        Right-aligned and never broken.
    names : bool
        Names, which may continue on a second line after an underscore or a space.
    prose : bool
        Sentences or formulas, which wrap at spaces and take the width that is left.
    """

    header: str
    rank: int = 0
    number: bool = False
    names: bool = False
    prose: bool = False

    @property
    def title(self) -> str:
        """The header on one line."""
        return self.header.replace("-\n", "").replace("/\n", "/").replace("\n", " ")


@dataclass(frozen=True)
class Table:
    """One table with what stands above and below it.

    Attributes
    ----------
    title : str
        What it is a table of.
    facts : tuple of str
        Lines above: the instance, how far apart its references are.
    columns, rows : tuple
        The table; each row has one cell per column.
    reading : tuple of str
        Plain sentences that read the table.
    notes : tuple of str
        What a reader must know: marks, reasons, conditions.
    details : tuple of str
        What single rows have to say beyond their cells: a terminal shows it with ``--details``,
        documents always.
    complete : str
        What shows the columns that a narrow terminal leaves out.
    repeated : int
        Where the width is small, the other columns follow below, each part with so many leading
        ones; 0: columns are left out instead.
    """

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    facts: tuple[str, ...] = ()
    reading: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    details: tuple[str, ...] = ()
    complete: str = "--format markdown"
    repeated: int = 0

    def select(self, indices: list[int]) -> Table:
        """Return the table with these columns only."""
        return replace(
            self,
            columns=tuple(self.columns[i] for i in indices),
            rows=tuple(tuple(row[i] for i in indices) for row in self.rows),
        )

    def without_empty_columns(self) -> Table:
        """Return the table without the optional columns that hold nothing in any row."""
        return self.select(
            [
                i
                for i, column in enumerate(self.columns)
                if column.rank == 0 or any(row[i].text != NOTHING for row in self.rows)
            ]
        )


def cells(*texts: str) -> tuple[Cell, ...]:
    """Return a row of plain cells."""
    return tuple(Cell(text) for text in texts)
