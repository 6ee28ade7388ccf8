"""Tables in LaTeX, never wider than the text; need ``\\usepackage{booktabs,adjustbox}``."""

from __future__ import annotations

import re
from collections.abc import Sequence

from optbench.report.fit import UNFOLDED, fit, parts
from optbench.report.table import Cell, Table

WIDTH = 112  # characters of \footnotesize that a text width of 16 cm holds
SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "†": r"\dag{}",
    "✓": r"$\surd$",
    "✗": r"$\times$",
    "…": r"\ldots{}",
    "·": r"$\cdot$",
    "°": r"$^\circ$",
    "|": r"\textbar{}",
    **{c: f"\\{c}" for c in "&%$#_{}"},
}
_POWER_OF_TEN = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)e(-?\d+)(?!\w)")
_POWER_OF_STEPS = re.compile(r"(?<!\w)t\^(-?\d+(?:\.\d+)?)")


def render_latex(tables: Sequence[Table], notes: Sequence[str]) -> str:
    """Return all tables as LaTeX floats; ``notes`` become comments."""
    lines = (r"needs \usepackage{booktabs,adjustbox}", *notes)
    comments = "".join(f"% {' '.join(line.split())}\n" for line in lines)
    return comments + "\n".join(_float(table) for table in tables)


def escape(text: str) -> str:
    """Escape LaTeX's special characters and set powers as mathematics.

    ``1.2e-7`` becomes 1.2 times a power of ten, ``t^-1.02`` a power of t.
    """
    pieces, position = [], 0
    matches = [*_POWER_OF_TEN.finditer(text), *_POWER_OF_STEPS.finditer(text)]
    for match in sorted(matches, key=re.Match.start):
        pieces += [_plain(text[position : match.start()]), _power(match)]
        position = match.end()
    return "".join([*pieces, _plain(text[position:])])


def _plain(text: str) -> str:
    return "".join(SPECIAL.get(letter, letter) for letter in text)


def _power(match: re.Match[str]) -> str:
    if match.re is _POWER_OF_STEPS:
        return f"$t^{{{match[1]}}}$"
    mantissa = "" if match[1] == "1" else rf"{match[1]} \times "
    return f"${mantissa}10^{{{match[2]}}}$"


def _float(table: Table) -> str:
    caption = " ".join([f"{table.title}.", *table.reading])
    tabulars = "\n\\par\\medskip\n".join(_tabular(part) for part in parts(table, WIDTH, UNFOLDED))
    remarks = [*table.facts, *table.notes, *table.details]
    return "\n".join(
        [
            r"\begin{table}",
            r"\centering\footnotesize",
            rf"\caption{{{escape(caption)}}}",
            tabulars,
            r"\par\smallskip\raggedright",
            *(rf"{escape(remark)}\par" for remark in remarks),
            r"\end{table}",
            "",
        ]
    )


def _tabular(table: Table) -> str:
    fitted = fit(table, WIDTH).table
    chosen = [table.columns.index(column) for column in fitted.columns]
    shown = table.select(chosen)
    alignment = "".join("r" if column.number else "l" for column in shown.columns)
    return "\n".join(
        [
            r"\begin{adjustbox}{max width=\linewidth}",
            rf"\begin{{tabular}}{{@{{}}{alignment}@{{}}}}",
            r"\toprule",
            _row([column.title for column in shown.columns]),
            r"\midrule",
            *(_row([_text(cell) for cell in row]) for row in shown.rows),
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{adjustbox}",
        ]
    )


def _text(cell: Cell) -> str:
    return f"{cell.text} {cell.interval}".strip()


def _row(texts: Sequence[str]) -> str:
    return " & ".join(map(escape, texts)) + r" \\"
