"""The matrix of the first screen as a table: one line an optimizer, one column an instance."""

from __future__ import annotations

from collections.abc import Sequence

from optbench.numerals import NOTHING
from optbench.report.fit import UNFOLDED, fold_name, parts
from optbench.report.outcomes import TARGET, Outcome
from optbench.report.summary import Summary
from optbench.report.table import Cell, Column, Table

# Whether solutions are shown, and where names are folded: from what is best to what is narrowest.
LAYOUTS = ((True, UNFOLDED), (True, 22), (False, UNFOLDED), (False, 22), (False, 19))


def summary_table(summary: Summary, width: int | None = None) -> Table:
    """Return the matrix with the legend above and the sentences below.

    Parameters
    ----------
    summary : Summary
    width : int, optional
        Characters per line, by default as many as it takes: solutions are shown where there is
        room, names are folded where there is not, and instances that do not fit follow below.
    """
    for solutions, fold in LAYOUTS:
        table = _laid_out(summary, solutions, fold)
        if width is None or len(parts(table, width)) == 1:
            break
    return table


def _laid_out(summary: Summary, solutions: bool, fold: int) -> Table:
    columns = zip(*summary.matrix.values(), strict=True)
    cells = [_column(column, solutions) for column in columns]
    headers = [f"{facts.problem}\n{facts.instance}" for facts in summary.instances]
    names = [fold_name(name, fold) for name in summary.matrix]
    return Table(
        title=summary.title,
        facts=(legend_line(summary, solutions),),
        columns=(Column("optimizer", names=True), *map(Column, headers)),
        rows=tuple(tuple(map(Cell, texts)) for texts in zip(names, *cells, strict=True)),
        reading=summary.sentences,
        repeated=1,
    )


def legend_line(summary: Summary, solutions: bool) -> str:
    """Say what a cell holds: marks, the solution where it is shown, steps."""
    marks = ", ".join(f"{mark} {meaning}" for mark, meaning in summary.legend.items())
    solution = "solution, " if solutions else ""
    asked = "; second mark: set up as its theorem asks" if summary.second_marks else ""
    return f"{marks}{asked}; {solution}{summary.counted} to {TARGET}"


def _column(outcomes: Sequence[Outcome | None], solutions: bool) -> list[str]:
    """Write the cells of an instance, with marks, solutions and numbers one below the other."""
    parts = [
        ("", "", "")
        if each is None
        else (each.marks, each.solution if solutions else "", each.text)
        for each in outcomes
    ]
    marks, names, numbers = (max(map(len, texts)) for texts in zip(*parts, strict=True))
    gap = " " if names else ""
    return [
        f"{mark:<{marks}} {name:<{names}}{gap}{number:>{numbers}}".rstrip() or NOTHING
        for mark, name, number in parts
    ]
