"""The MPS format of linear programs: every field of every line is checked.

Sections begin in the first column, data lines do not; ``*`` in the first column and ``$`` behind
the second field begin comments.  Fields are words between blanks (free format) or, where names
hold blanks, what two blanks separate or what stands in the six columns of the fixed format.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from math import copysign, inf, isinf
from typing import Literal

import numpy as np

from optbench.data.general_program import GeneralProgram
from optbench.errors import UserError

Fields = list[str]

SENSES: dict[str, Literal["minimize", "maximize"]] = {
    **dict.fromkeys(("MIN", "MINIMIZE", "MINIMISE"), "minimize"),
    **dict.fromkeys(("MAX", "MAXIMIZE", "MAXIMISE"), "maximize"),
}
SECTIONS = ("NAME", "OBJSENSE", "ROWS", "COLUMNS", "RHS", "RANGES", "BOUNDS", "ENDATA")
QUADRATIC = ("QUADOBJ", "QMATRIX", "QSECTION", "QCMATRIX")
INFINITY = 1e20  # sides and bounds from here on
NOT_CONTINUOUS = ("BV", "LI", "UI", "SC", "SI")
WITHOUT_VALUE = ("FR", "MI", "PL")
# 1_000, nan and 3,9 are no numbers; 4.0D+0 is one, as Fortran writes it.
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eEdD][+-]?\d+)?|[+-]?inf(inity)?", re.IGNORECASE)
FIXED_FIELDS = (
    slice(1, 3), slice(4, 12), slice(14, 22), slice(24, 36), slice(39, 47), slice(49, 61)
)  # fmt: skip


class _WrongLine(UserError):
    """A mistake and the line it is in."""

    def __init__(self, line: int, text: str) -> None:
        super().__init__(f"line {line}{text}" if text.startswith(",") else f"line {line}: {text}")
        self.line = line


def parse_mps(text: str, name: str) -> GeneralProgram:
    """Read a linear program from the text of an MPS file, fixed or free.

    Parameters
    ----------
    text : str
        Sides and bounds of 1e20 or more are infinite.
    name : str
        What the program will be called; the NAME line does not matter.

    Raises
    ------
    UserError
        With line and field, if anything is malformed, contradictory, or not a linear program.
    """
    lines = text.splitlines()
    mistakes = []
    for split in (str.split, _between_gaps, _in_columns):
        try:
            return _Reader(split).read(lines).program(name)
        except _WrongLine as mistake:
            mistakes.append(mistake)
    # The file has the format in which it can be read furthest; of equals the first.
    raise max(mistakes, key=lambda mistake: mistake.line)


def _between_gaps(line: str) -> Fields:
    """Return what two blanks or more separate; one is enough behind a kind of row or bound."""
    code, name = FIXED_FIELDS[:2]
    line = line.expandtabs()
    start = name.start if line[code].strip() else 0
    return [*line[:start].split(), *filter(None, re.split(r"\s{2,}", line[start:].strip()))]


def _in_columns(line: str) -> Fields:
    """Return the six columns that are not blank; nothing may stand between them."""
    line = line.expandtabs()
    comment = line.find(" $", FIXED_FIELDS[2].start - 1)
    line = line[:comment] if comment >= 0 else line
    between = list(line)
    for place in FIXED_FIELDS:
        between[place] = " " * len(between[place])
    if "".join(between).strip():
        raise ValueError("data between the six columns of the fixed format")
    return [field for place in FIXED_FIELDS if (field := line[place].strip())]


class _Reader:
    """The program read so far, by names."""

    def __init__(self, split: Callable[[str], Fields]) -> None:
        self.split = split
        self.number = 0  # of the line being read
        self.section = ""
        self.seen: set[str] = set()
        self.sense: Literal["minimize", "maximize"] | None = None
        self.rows: dict[str, str] = {}  # their letters; the objective is the first N
        self.columns: dict[str, dict[str, float]] = {}
        self.sets: dict[str, str] = {}  # the one set of right sides, ranges, bounds
        self.sides: dict[str, float] = {}
        self.ranges: dict[str, float] = {}
        self.bounds: dict[tuple[str, int], tuple[float, int]] = {}  # 0 lower, 1 upper; the line
        self.integer = False  # between markers

    def read(self, lines: Iterable[str]) -> _Reader:
        readers = {
            "OBJSENSE": self._sense,
            "ROWS": self._row,
            "COLUMNS": self._column,
            "RHS": self._side,
            "RANGES": self._range,
            "BOUNDS": self._bound,
        }
        for self.number, line in enumerate(lines, start=1):
            if not line.strip() or line.startswith("*"):
                continue
            if not line[0].isspace():
                self._header(line)
                if self.section == "ENDATA":
                    break
            elif self.section in readers:
                readers[self.section](self._fields(line))
            else:
                raise self._wrong(f"data before a section; sections are {', '.join(SECTIONS)}")
        if self.section != "ENDATA":
            raise self._wrong("the file ends without ENDATA")
        for section in ("ROWS", "COLUMNS"):
            if section not in self.seen:
                raise self._wrong(f"the file has no section {section}")
        return self

    def program(self, name: str) -> GeneralProgram:
        """Return the arrays of what was read."""
        from scipy.sparse import csc_array

        objective = next((row for row, letter in self.rows.items() if letter == "N"), None)
        if objective is None:
            raise self._wrong("no objective: no row has the letter N")
        if not self.columns:
            raise self._wrong("the program has no variables")
        names = [row for row, letter in self.rows.items() if letter != "N"]
        position = {row: i for i, row in enumerate(names)}
        entries = [
            (value, position[row], j)
            for j, column in enumerate(self.columns.values())
            for row, value in column.items()
            if value != 0.0 and row in position
        ]
        values, i, j = zip(*entries, strict=True) if entries else ((), (), ())
        shape = (len(names), len(self.columns))
        limits = np.array([self._limits(row) for row in names]).reshape(-1, 2)
        bounds = np.array([self._bounds_of(column) for column in self.columns])
        return GeneralProgram(
            name=name,
            sense=self.sense or "minimize",
            c=np.array([column.get(objective, 0.0) for column in self.columns.values()]),
            offset=0.0 - self.sides.get(objective, 0.0),
            A=csc_array((np.array(values, dtype=float), (i, j)), shape=shape).tocsr(),
            row_lower=limits[:, 0],
            row_upper=limits[:, 1],
            col_lower=bounds[:, 0],
            col_upper=bounds[:, 1],
            row_names=tuple(names),
            col_names=tuple(self.columns),
        )

    def _wrong(self, text: str, field: int | None = None) -> _WrongLine:
        return _WrongLine(self.number, text if field is None else f", field {field}: {text}")

    def _fields(self, line: str) -> Fields:
        """Split a line, without its comment: from a third field with a $ that is nobody's name."""
        try:
            fields = self.split(line)
        except ValueError as error:
            raise self._wrong(str(error)) from None
        for k, field in enumerate(fields[2:], start=2):
            if field.startswith("$") and field not in self.rows and field not in self.columns:
                return fields[:k]
        return fields

    def _header(self, line: str) -> None:
        words = line.replace(":", " ").split() if line[:8].upper() == "OBJSENSE" else line.split()
        section = words[0].upper() if words else line.strip()
        if self.section == "OBJSENSE" and self.sense is None and section.rstrip(":") in SENSES:
            return self._sense(words)  # the sense alone, without the indentation
        if self.section == "OBJSENSE" and self.sense is None:
            raise self._wrong(f"{words[0]!r} where OBJSENSE needs MIN or MAX", 1)
        if section in QUADRATIC:
            raise self._wrong(f"section {section}: the objective is quadratic, not linear", 1)
        if section not in SECTIONS:
            raise self._wrong(f"no section is called {words[0]!r}; known: {', '.join(SECTIONS)}", 1)
        if section in self.seen:
            raise self._wrong(f"a second section {section}", 1)
        self.seen.add(section)
        self.section = section
        if section == "OBJSENSE" and words[1:]:
            self._sense(words[1:], first=2)
        elif section != "NAME" and words[1:]:
            raise self._wrong(f"{words[1]!r} behind a section's name; data must be indented", 2)
        return None

    def _sense(self, fields: Fields, first: int = 1) -> None:
        word = fields[0].strip(":").upper()
        if word not in SENSES:
            raise self._wrong(f"{fields[0]!r} is no sense: MIN or MAX", first)
        if self.sense is not None or len(fields) > 1:
            raise self._wrong("a second sense", first + len(fields) - 1)
        self.sense = SENSES[word]

    def _row(self, fields: Fields) -> None:
        self._count(fields, 2)
        letter, row = fields[0].upper(), fields[1]
        if letter not in ("N", "L", "G", "E"):
            raise self._wrong(f"{fields[0]!r} is no kind of row: N, L, G or E", 1)
        if row in self.rows:
            raise self._wrong(f"a second row called {row!r}", 2)
        self.rows[row] = letter

    def _column(self, fields: Fields) -> None:
        if len(fields) == 3 and fields[1].strip("'").upper() == "MARKER":
            self.integer = fields[2].strip("'").upper() == "INTORG"
            return
        self._count(fields, 3, 5)
        if self.integer:
            raise self._wrong(f"variable {fields[0]} is not continuous: it follows INTORG", 1)
        column = self.columns.setdefault(fields[0], {})
        self._pairs(fields, 1, column, f"an entry of column {fields[0]}")

    def _side(self, fields: Fields) -> None:
        self._count(fields, 2, 3, 4, 5)
        first = self._set(fields, len(fields) % 2)
        self._pairs(fields, first, self.sides, "a right side")
        for k in range(first, len(fields), 2):
            letter, side = self.rows[fields[k]], self.sides[fields[k]]
            if side in {"L": (-inf,), "G": (inf,), "E": (-inf, inf)}.get(letter, ()):
                raise self._wrong(f"row {fields[k]} has the side {side}: no point meets it", k + 2)

    def _range(self, fields: Fields) -> None:
        self._count(fields, 2, 3, 4, 5)
        first = self._set(fields, len(fields) % 2)
        for k in range(first, len(fields), 2):
            if self.rows.get(fields[k]) == "N":
                raise self._wrong(f"row {fields[k]!r} has the letter N: it has no range", k + 1)
            if isinf(self.sides.get(fields[k], 0.0)):
                raise self._wrong(f"row {fields[k]!r} has no side that a range could widen", k + 1)
        self._pairs(fields, first, self.ranges, "a range")

    def _bound(self, fields: Fields) -> None:
        kind = fields[0].upper()
        if kind in NOT_CONTINUOUS:
            raise self._wrong(f"{kind} makes a variable integer or semi-continuous: not linear", 1)
        if kind not in ("UP", "LO", "FX", *WITHOUT_VALUE):
            raise self._wrong(f"{fields[0]!r} is no kind of bound: UP, LO, FX, FR, MI or PL", 1)
        self._count(fields, *((2, 3, 4) if kind in WITHOUT_VALUE else (3, 4)))
        alone = len(fields) == 3 and fields[2] in self.columns  # without a value
        named = len(fields) == 4 or (kind in WITHOUT_VALUE and alone)
        place = 1 + self._set(fields[1:], int(named))
        column = fields[place]
        if column not in self.columns:
            raise self._wrong(f"no column is called {column!r}", place + 1)
        value = self._value(fields, place + 1) if len(fields) > place + 1 else 0.0
        if value in {"UP": (-inf,), "LO": (inf,), "FX": (-inf, inf)}.get(kind, ()):
            raise self._wrong(f"{kind} of {column} is {value}: no number can meet it", place + 2)
        if kind in ("LO", "FX", "FR", "MI"):
            self._limit(column, 0, -inf if kind in WITHOUT_VALUE else value)
        if kind in ("UP", "FX", "FR", "PL"):
            self._limit(column, 1, inf if kind in WITHOUT_VALUE else value)

    def _limit(self, column: str, side: int, value: float) -> None:
        """Set a bound; a number may follow FR, MI or PL but no other number."""
        old, line = self.bounds.get((column, side), (value, 0))
        if old != value and not isinf(old):
            second = f"a second {('lower', 'upper')[side]} bound of {column}"
            raise self._wrong(f"{second}: {value:g}, but {old:g} in line {line}")
        self.bounds[column, side] = value, self.number

    def _bounds_of(self, column: str) -> tuple[float, float]:
        lower, first = self.bounds.get((column, 0), (0.0, 0))
        upper, second = self.bounds.get((column, 1), (inf, 0))
        if lower > upper:
            default = " (0 is the lower bound where none is given)" if first == 0 else ""
            text = f"the bounds of {column} contradict each other, {lower:g} > {upper:g}{default}"
            raise _WrongLine(max(first, second), text)
        return lower, upper

    def _limits(self, row: str) -> tuple[float, float]:
        """Lower and upper side of a row."""
        letter, side = self.rows[row], self.sides.get(row, 0.0)
        lower, upper = (-inf if letter == "L" else side), (inf if letter == "G" else side)
        if row in self.ranges:
            width = self.ranges[row]
            if letter == "G" or (letter == "E" and copysign(1.0, width) > 0):
                upper = side + abs(width)
            else:
                lower = side - abs(width)
        return lower, upper

    def _count(self, fields: Fields, *allowed: int) -> None:
        if len(fields) not in allowed:
            numbers = " or ".join(map(str, allowed))
            raise self._wrong(f"{len(fields)} fields where {self.section} needs {numbers}")

    def _set(self, fields: Fields, named: int) -> int:
        """Check that a section's lines are of one set; return how many fields its name takes."""
        if named and self.sets.setdefault(self.section, fields[0]) != fields[0]:
            field = 2 if self.section == "BOUNDS" else 1
            first = self.sets[self.section]
            raise self._wrong(f"a second set {fields[0]!r}; the first is {first!r}", field)
        return named

    def _pairs(self, fields: Fields, first: int, into: dict[str, float], what: str) -> None:
        """Read the pairs of row and number that begin at a field."""
        for k in range(first, len(fields), 2):
            row = fields[k]
            if row not in self.rows:
                raise self._wrong(f"no row is called {row!r}", k + 1)
            value = self._value(fields, k + 1)
            if isinf(value) and (self.section == "COLUMNS" or self.rows[row] == "N"):
                raise self._wrong(f"{fields[k + 1]!r} is infinite", k + 2)
            if row in into:
                raise self._wrong(f"{what} is given twice, for row {row!r}", k + 1)
            into[row] = value

    def _value(self, fields: Fields, k: int) -> float:
        text = fields[k]
        if not NUMBER.fullmatch(text):
            raise self._wrong(f"{text!r} is not a number", k + 1)
        value = float(text.lower().replace("d", "e"))
        infinite = abs(value) >= INFINITY and self.section != "COLUMNS"
        return copysign(inf, value) if infinite else value
