"""MPS files: what is read, against HiGHS; what is wrong, by line and field."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import highspy
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csc_array

from optbench.data import GeneralProgram, read_linear_program
from optbench.data.mps import parse_mps
from optbench.errors import UserError

MPS = """NAME          SMALL
* a comment
OBJSENSE
    MAX
ROWS
 N  obj
 L  r1
 G  r2
 E  r3
 N  another
COLUMNS
    x  obj  1.0  r1  1.0
    x  r3  2.0
    y  obj  2.0  r1  1.0
    y  r2  1.0
RHS
    RHS  r1  4.0  r2  1.0
    RHS  obj  -5.0
RANGES
    RNG  r1  3.0
BOUNDS
 UP BND  x  1e30
 MI BND  y
 UP BND  y  7.5
ENDATA
"""


def test_every_part_of_a_program() -> None:
    program = parse_mps(MPS, "p")
    assert (program.name, program.sense, program.offset) == ("p", "maximize", 5.0)
    assert program.c.tolist() == [1, 2]
    assert program.A.toarray().tolist() == [[1, 1], [0, 1], [2, 0]]
    assert program.row_lower.tolist() == [1, 1, 0]
    assert program.row_upper.tolist() == [4, np.inf, 0]
    assert program.col_lower.tolist() == [0, -np.inf]
    assert program.col_upper.tolist() == [np.inf, 7.5]
    assert program.row_names == ("r1", "r2", "r3")
    assert program.col_names == ("x", "y")


@pytest.mark.parametrize(
    "old, new",
    [
        ("OBJSENSE\n    MAX", "OBJSENSE\n    maximise"),
        ("OBJSENSE\n    MAX", "OBJSENSE\n    Maximize:"),
        ("OBJSENSE\n    MAX", "OBJSENSE MAXIMIZE"),
        ("OBJSENSE\n    MAX", "OBJSENSE: max"),
        ("OBJSENSE\n    MAX", "ObjSense:MAX"),
        ("OBJSENSE\n    MAX", "OBJSENSE\nMAX"),
        ("RHS\n    RHS  r1", "RHS\n    r1"),
        ("    RHS  obj  -5.0", "    RHS  obj  -5.0  $ a note"),
        ("    RHS  obj  -5.0", "    RHS  obj  -5.0D+0"),
        ("    RHS  obj  -5.0", "\n    RHS  obj  -.5e1"),
        (" MI BND  y", " MI y"),
        (" MI BND  y", " MI BND  y  0"),
        ("ENDATA", "ENDATA\nwhatever follows"),
        ("    x  r3  2.0\n    y  obj  2.0  r1  1.0", "    y  obj  2.0  r1  1.0\n    x  r3  2.0"),
        ("* a comment", "* un caf\N{LATIN SMALL LETTER E WITH ACUTE}"),
    ],
)
def test_other_ways_to_say_the_same(old: str, new: str) -> None:
    assert old in MPS
    expected, found = parse_mps(MPS, "p"), parse_mps(MPS.replace(old, new), "p")
    assert found.sense == expected.sense
    same_numbers(found, expected)


def test_names_with_blanks_in_fixed_columns() -> None:
    program = parse_mps(
        "NAME          FIXED\nROWS\n N  COST\n G  ROW  1\nCOLUMNS\n"
        "    COL  A    COST               1.0   ROW  1             2.0\n"
        "RHS\n    RHS       ROW  1             4.0  $ a note\n"
        "BOUNDS\n MI BND       COL  A\nENDATA\n",
        "p",
    )
    assert (program.row_names, program.col_names) == (("ROW  1",), ("COL  A",))
    assert (program.A.toarray(), program.row_lower, program.col_lower) == ([[2]], [4], [-np.inf])


def test_a_name_may_be_that_of_a_section_or_begin_with_a_dollar() -> None:
    for name in ("RHS", "BOUNDS", "ENDATA", "$r1", "RANGES"):
        program = parse_mps(MPS.replace("r1", name), "p")
        assert program.row_names == (name, "r2", "r3")
        same_numbers(program, parse_mps(MPS, "p"))


WRONG = [
    (MPS, "hello world\n", "line 1, field 1: no section is called 'hello'"),
    (MPS, "", "the file ends without ENDATA"),
    ("ENDATA\n", "", "line 24: the file ends without ENDATA"),
    ("BOUNDS\n", "BOUN@S\n", "line 21, field 1: no section is called 'BOUN@S'"),
    ("RANGES\n", "RHS\n", "line 19, field 1: a second section RHS"),
    ("    RHS  obj  -5.0", "RHS  obj  -5.0", "line 18, field 1: a second section RHS"),
    ("    x  r3  2.0", "x  r3  2.0", "line 13, field 1: no section is called 'x'"),
    ("RANGES\n", "RANGES r1\n", "line 19, field 2: 'r1' behind a section's name"),
    ("NAME          SMALL\n", "    x  obj  1\n", "line 1: data before a section"),
    ("    MAX", "    MAXX", "line 4, field 1: 'MAXX' is no sense"),
    ("OBJSENSE\n", "OBJSENSE BEST\n", "line 3, field 2: 'BEST' is no sense"),
    (
        "OBJSENSE\n    MAX\n",
        "OBJSENSE\n",
        "line 4, field 1: 'ROWS' where OBJSENSE needs",
    ),
    ("OBJSENSE\n", "OBJSENSE MAX\n", "line 4, field 1: a second sense"),
    (" G  r2", " K  r2", "line 8, field 1: 'K' is no kind of row"),
    (" G  r2", " G  r1", "line 8, field 2: a second row called 'r1'"),
    (" G  r2", " G", "line 8: 1 fields where ROWS needs 2"),
    ("y  r2  1.0\nRHS", "y  r2  1.0.0\nRHS", "line 15, field 3: '1.0.0' is not a number"),
    ("x  obj  1.0  r1  1.0", "x  obj  two  r1  1.0", "line 12, field 3: 'two' is not a number"),
    ("x  obj  1.0  r1  1.0", "x  obj  1e999  r1  1.0", "line 12, field 3: '1e999' is infinite"),
    ("    y  r2", "    y  r9", "line 15, field 2: no row is called 'r9'"),
    ("    y  r2", "    y  r1", "line 15, field 2: an entry of column y is given twice, .*'r1'"),
    ("    y  r2  1.0", "    y  r2", "line 15: 2 fields where COLUMNS needs 3 or 5"),
    ("RHS  r1  4.0", "RHS  r9  4.0", "line 17, field 2: no row is called 'r9'"),
    ("RHS  r1  4.0", "RHS  r1  4,9", "line 17, field 3: '4,9' is not a number"),
    ("r2  1.0\n    RHS", "r2  1_0\n    RHS", "line 17, field 5: '1_0' is not a number"),
    ("RHS  obj  -5.0", "RHS  r1  -5.0", "line 18, field 2: a right side is given twice"),
    ("RHS  obj  -5.0", "RHS2  obj  -5.0", "line 18, field 1: a second set 'RHS2'"),
    ("RHS  r1  4.0", "RHS  r1  -1e30", "line 17, field 3: row r1 has the side -inf"),
    ("RNG  r1  3.0", "RNG  r1  nan", "line 20, field 3: 'nan' is not a number"),
    ("RNG  r1  3.0", "RNG  another  3.0", "line 20, field 2: row 'another' has the letter N"),
    ("UP BND  y  7.5", "QQ BND  y  7.5", "line 24, field 1: 'QQ' is no kind of bound"),
    ("UP BND  y  7.5", "UP BND  y  abc", "line 24, field 4: 'abc' is not a number"),
    ("UP BND  y  7.5", "UP BND  y", "line 24, field 2: no column is called 'BND'"),
    ("UP BND  y  7.5", "UP BND  Y  7.5", "line 24, field 3: no column is called 'Y'"),
    ("UP BND  y  7.5", "UP OTHER  y  7.5", "line 24, field 2: a second set 'OTHER'"),
    ("UP BND  y  7.5", "FX BND  y  1e30", "line 24, field 4: FX of y is inf"),
    ("UP BND  y  7.5", "UP BND  y  7.5\n UP BND  y  8", "line 25: a second upper bound of y"),
    ("UP BND  x  1e30", "UP BND  x  -1", "line 22: the bounds of x contradict each other, 0 > -1"),
    ("UP BND  x  1e30", "UI BND  x  3", "line 22, field 1: UI makes a variable integer"),
    (
        "    x  r3",
        "    M  'MARKER'  'INTORG'\n    x  r3",
        "line 14, field 1: variable x is not",
    ),
    ("ENDATA", "QUADOBJ\n    x  x  1.0\nENDATA", "line 25, field 1: .* objective is quadratic"),
]


@pytest.mark.parametrize("old, new, message", WRONG)
def test_a_mistake_is_named_by_line_and_field(old: str, new: str, message: str) -> None:
    assert old in MPS
    with pytest.raises(UserError, match=message) as error:
        parse_mps(MPS.replace(old, new), "p")
    assert "\n" not in str(error.value)


def test_contradicting_bounds_name_the_column_and_both_numbers() -> None:
    text = MPS.replace(" UP BND  x  1e30", " LO BND  x  5\n UP BND  x  2")
    with pytest.raises(UserError, match="line 23: the bounds of x contradict each other, 5 > 2"):
        parse_mps(text, "p")


def test_numbers_that_highs_calls_tiny_are_kept() -> None:
    assert parse_mps(MPS.replace("x  r3  2.0", "x  r3  2e-30"), "p").A[2, 0] == 2e-30


def highs_program(text: str) -> GeneralProgram:
    """Let HiGHS read it."""
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    with TemporaryDirectory() as folder:
        path = Path(folder, "p.mps")
        path.write_text(text)
        assert solver.readModel(str(path)) != highspy.HighsStatus.kError
    lp = solver.getLp()
    columns = lp.a_matrix_
    entries = (columns.value_, columns.index_, columns.start_)
    return GeneralProgram(
        name="p",
        sense="maximize" if lp.sense_ == highspy.ObjSense.kMaximize else "minimize",
        c=np.array(lp.col_cost_),
        offset=lp.offset_,
        A=csc_array(entries, shape=(lp.num_row_, lp.num_col_)).tocsr(),
        row_lower=np.array(lp.row_lower_),
        row_upper=np.array(lp.row_upper_),
        col_lower=np.array(lp.col_lower_),
        col_upper=np.array(lp.col_upper_),
        row_names=tuple(lp.row_names_),
        col_names=tuple(lp.col_names_),
    )


def same_numbers(found: GeneralProgram, expected: GeneralProgram) -> None:
    assert found.offset == expected.offset
    np.testing.assert_array_equal(found.A.toarray(), expected.A.toarray())
    for key in ("c", "row_lower", "row_upper", "col_lower", "col_upper"):
        np.testing.assert_array_equal(getattr(found, key), getattr(expected, key), err_msg=key)


VALUES = st.one_of(
    st.integers(-99, 99), st.floats(-1e6, 1e6).filter(lambda value: abs(value) > 1e-6)
)


@st.composite
def numbers(draw: st.DrawFn, values: st.SearchStrategy[float] = VALUES) -> str:
    """A number in one of the ways to write it; both readers round it correctly."""
    value = draw(values)
    return draw(st.sampled_from([repr(value), f"{value:+.6e}", f"{value:.3f}", f"{value:E}"]))


@st.composite
def texts(draw: st.DrawFn) -> str:
    """An MPS file that is right: every section, kind of row and bound, one or two pairs a line."""
    gap = draw(st.sampled_from(["  ", " ", "\t", "      "]))
    m, n = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    letters = draw(st.lists(st.sampled_from("LGEN"), min_size=m, max_size=m))
    rows = ["cost", *(f"r{i}" for i in range(m))]
    columns = [f"x{j}" for j in range(n)]
    lines = ["NAME  A", "ROWS", " N cost"]
    lines += [f" {letter}{gap}r{i}" for i, letter in enumerate(letters)]
    sense = draw(st.sampled_from([None, "MIN", "MAX"]))
    if sense:
        lines[1:1] = ["OBJSENSE", f"    {sense}"]

    def pairs(head: str, names: list[str]) -> None:
        chosen = draw(st.lists(st.sampled_from(names), unique=True, max_size=len(names)))
        while chosen:
            now, chosen = chosen[:2], chosen[2:]
            fields = [field for name in now for field in (name, draw(numbers()))]
            lines.append("    " + gap.join([head, *fields] if head else fields))

    lines.append("COLUMNS")
    for column in columns:
        lines.append(f"    {column}{gap}cost{gap}{draw(numbers())}")
        pairs(column, rows[1:])
    lines.append("RHS")
    # Not on further rows of letter N: HiGHS 1.16 adds their side to the objective.
    sided = [row for row, letter in zip(rows, ["G", *letters], strict=True) if letter != "N"]
    pairs(draw(st.sampled_from(["RHS", "B"])), sided)
    ranged = [row for row, letter in zip(rows[1:], letters, strict=True) if letter != "N"]
    if ranged:
        lines.append("RANGES")
        pairs("RNG", ranged)
    lines += ["", "* bounds", "BOUNDS"]
    for column in columns:
        lines += draw(bounds(column, gap))
    return "\n".join([*lines, "ENDATA", ""])


@st.composite
def bounds(draw: st.DrawFn, column: str, gap: str) -> list[str]:
    low, high = sorted([draw(st.integers(0, 50)), draw(st.integers(0, 50))])
    kinds = draw(
        st.sampled_from(
            [[], ["UP"], ["LO"], ["LO", "UP"], ["FX"], ["FR"], ["MI"], ["MI", "UP"], ["PL"]]
        )
    )
    written = {"UP": f"{gap}{high}", "LO": f"{gap}{low}.0", "FX": f"{gap}{low}e0"}
    return [f" {kind} BND{gap}{column}{written.get(kind, '')}" for kind in kinds]


def agree(text: str) -> None:
    found, expected = parse_mps(text, "p"), highs_program(text)
    assert (found.sense, found.row_names) == (expected.sense, expected.row_names)
    assert found.col_names == expected.col_names
    same_numbers(found, expected)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(texts())
def test_highs_reads_the_same(text: str) -> None:
    agree(text)


@pytest.mark.exhaustive
@settings(max_examples=10_000, deadline=None)
@given(texts())
def test_highs_reads_the_same_ten_thousand_times(text: str) -> None:
    agree(text)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(texts(), st.data())
def test_a_damaged_file_is_read_or_refused_in_one_line(text: str, data: st.DataObject) -> None:
    """Whatever a word becomes, the reader answers with a program or with a line and a field."""
    words = [word for word in text.split() if word not in ("NAME", "A")]
    old, new = (data.draw(st.sampled_from([*words, "", "$", "1_0", "MARKER"])) for _ in "ab")
    message = ""
    try:
        parse_mps(text.replace(old, new, 1) if old else text + new, "p")
    except UserError as error:
        message = str(error)
    assert not message or (message.startswith("line ") and "\n" not in message)


def test_netlib_is_read_as_highs_reads_it(shared: Path) -> None:
    import gzip

    files = sorted((shared / "lp").glob("*.mps.gz"))
    assert len(files) >= 9
    for path in files:
        expected = highs_program(gzip.decompress(path.read_bytes()).decode())
        same_numbers(read_linear_program(path), expected)
