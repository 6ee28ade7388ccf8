"""The tables of the page: every column of a row that tables show, each number with all its digits.

A cell shows few digits, as the terminal does, and carries the number itself (``data-order``): the
page sorts and filters by it, and a pointer that rests on the cell sees it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from optbench.analysis.kinds import in_their_order, measure_named
from optbench.analysis.settling import MOVING
from optbench.column import Column, columns, named
from optbench.columns import (
    BiasRow,
    ConvergenceRow,
    InstanceFacts,
    Interval,
    LearningRate,
    RateLaw,
    ReferenceFacts,
    Row,
)
from optbench.labels import parametrization_labels, row_labels
from optbench.numerals import NOTHING
from optbench.report.convergence_table import counts_differ, rate_text
from optbench.report.numbers import TEXT_OF_UNIT, count, interval
from optbench.report.profile_table import Profile
from optbench.report.rows import agrees
from optbench.report.table import Column as Heading
from optbench.status import Status

Value = float | str | None
MISSING, NEVER = "nan", "1e999"  # of a number: it is not there; JavaScript reads infinity

SAID_FIRST = ("optimizer", "parametrization", "status")


@dataclass(frozen=True)
class PageCell:
    """A cell.

    Attributes
    ----------
    text : str
        What it shows.
    order : str
        What it is sorted and filtered by: a number with all its digits, or the text.
    full : str
        What a pointer on it sees where that is not the number alone.
    tone : str
        ``"good"``, ``"bad"`` or nothing: how a verdict or a status is coloured.
    """

    text: str
    order: str = ""
    full: str = ""
    tone: str = ""


@dataclass(frozen=True)
class PageTable:
    """A table; `runs` says of each row which run the page shows when the row is chosen."""

    key: str
    title: str
    headings: tuple[tuple[str, str, bool], ...]  # header, meaning, whether it holds numbers
    rows: tuple[tuple[PageCell, ...], ...]
    runs: tuple[str, ...] = ()


def as_rows(table: PageTable) -> list[list[Any]]:
    """Return the rows of a long table in JSON's types: the run, then the cells.

    A cell is its text; or its text, what it is sorted by and its tone.
    """
    body = zip(table.runs, table.rows, strict=True)
    return [[run, *(_packed(cell) for cell in row)] for run, row in body]


def _packed(cell: PageCell) -> str | list[Any]:
    if cell.order == cell.text and not cell.tone:
        return cell.text
    return [cell.text, cell.order, *([cell.tone] if cell.tone else [])]


@dataclass(frozen=True)
class _Shown:
    """A column of the page and how its cells come from a row."""

    header: str
    meaning: str
    number: bool
    cell: Callable[[Any], PageCell]


def number(value: float | None, unit: str = "", around: Interval = None) -> PageCell:
    """Return the cell of a number; of one that is not there, a dash that sorts last."""
    if value is None or math.isnan(value):
        return PageCell(NOTHING, MISSING)
    order = (NEVER if value > 0 else f"-{NEVER}") if math.isinf(value) else repr(float(value))
    spread = interval(around)
    return PageCell(TEXT_OF_UNIT[unit](value), order, f"{value!r} {spread}" if spread else "")


def text(value: str | None, tone: str = "") -> PageCell:
    """Return the cell of a text."""
    return PageCell(value or NOTHING, value or "", tone=tone)


def bias_page_table(key: str, rows: Sequence[BiasRow], runs: Sequence[str]) -> PageTable:
    """Return which solution each optimizer of an instance selects."""
    found = [_status(), _verdict(), _text_column(BiasRow, "theory")]
    measures = in_their_order(name for row in rows for name in row.measures)
    found += [_measure(name) for name in measures]
    for each in columns(BiasRow):
        if each.header and each.unit and each.of == "":
            found.append(_number_column(each))
    found.append(_text_column(BiasRow, "runner_up"))
    return _table(f"bias-{key}", "Implicit bias", rows, runs, found)


def convergence_page_table(
    key: str, rows: Sequence[ConvergenceRow], runs: Sequence[str]
) -> PageTable:
    """Return how fast each optimizer of an instance gets there."""
    found = [_status()]
    for each in columns(ConvergenceRow):
        if not each.header or each.name in SAID_FIRST:
            continue
        if each.name == "evaluations_to" and not counts_differ(rows):
            continue
        if each.name == "rate":
            found += _law(each)
        elif each.prefix:
            targets = sorted({t for row in rows for t in getattr(row, each.name)}, key=float)
            found += [_by_target(each, target) for target in reversed(targets)]
        else:
            found.append(_number_column(each))
    return _table(f"convergence-{key}", "Convergence", rows, runs, found)


def rates_page_table(
    key: str, rows: Sequence[ConvergenceRow], runs: Sequence[str]
) -> PageTable | None:
    """Return what every learning rate of an instance did; None where there is none to tune."""
    entries = [
        (label, parametrization, run, row, entry)
        for label, parametrization, run, row in zip(
            row_labels(rows), parametrization_labels(rows), runs, rows, strict=True
        )
        for entry in row.learning_rates
    ]
    if not entries:
        return None
    several = len({row.parametrization for row in rows}) > 1
    targets = sorted({t for *_, entry in entries for t in entry.steps_to}, key=float, reverse=True)
    known = named(LearningRate)
    heads = [("optimizer", "", False)]
    heads += [("parametrization", "", False)] if several else []
    heads += [
        ("learning rate", known["learning_rate"].meaning, True),
        ("won", "whether this is the rate of the tables above", False),
        ("status", known["status"].meaning, False),
        *((f"steps to {t}", known["steps_to"].meaning, True) for t in targets),
        ("steps", known["steps"].meaning, True),
        ("success", known["success_rate"].meaning, True),
        ("log10 left", known["log10_left"].meaning, True),
        ("final loss", known["final_loss"].meaning, True),
        ("selects", known["selected"].meaning, False),
    ]
    body = []
    for label, parametrization, _, row, entry in entries:
        won = entry.learning_rate == row.best_learning_rate
        body.append((
            text(label),
            *((text(parametrization),) if several else ()),
            number(entry.learning_rate, "rate"),
            text("won", "good") if won else PageCell(""),
            _status_cell(entry),
            *(number(entry.steps_to.get(target), "steps") for target in targets),
            number(entry.steps, "steps"),
            number(entry.success_rate, "ratio"),
            number(entry.log10_left),
            number(entry.final_loss, "loss"),
            text(entry.selected),
        ))  # fmt: skip
    of = tuple(run for _, _, run, _, _ in entries)
    return PageTable(f"rates-{key}", "Learning rates", tuple(heads), tuple(body), of)


def references_page_table(key: str, instance: InstanceFacts) -> PageTable:
    """Return the reference solutions of an instance with their certificates."""
    meanings = {each.name: each.meaning for each in columns(ReferenceFacts)}
    answer = {True: text("yes", "good"), False: text("no", "bad"), None: text("not decided")}
    rows = tuple(
        (
            text(each.name),
            number(each.value),
            number(each.bound),
            number(each.gap, "loss"),
            answer[each.certified],
            PageCell(answer[each.unique].text, answer[each.unique].order),
        )
        for each in instance.references
    )
    heads = tuple(
        (name, meaning, name in ("value", "bound", "gap")) for name, meaning in meanings.items()
    )
    return PageTable(f"references-{key}", "Reference solutions", heads, rows)


def profile_page_table(profiles: Sequence[Profile]) -> PageTable:
    """Return how many targets each optimizer reaches over all instances, and how soon."""
    shares = list(dict.fromkeys(name for each in profiles for name in each.shares))
    heads = [("optimizer", "", False)]
    heads += [(name.replace("_", " "), "of all pairs of an instance and a target", True)
              for name in shares]  # fmt: skip
    heads.append(("slower than", "optimizers that are significantly faster over instances", False))
    rows = tuple(
        (
            text(each.optimizer),
            *(number(each.shares.get(name), "ratio") for name in shares),
            text(", ".join(each.slower_than)),
        )
        for each in profiles
    )
    return PageTable("profile-table", "Profile", tuple(heads), rows)


def _table(
    key: str, title: str, rows: Sequence[Row], runs: Sequence[str], found: Sequence[_Shown]
) -> PageTable:
    """Return a table of rows; columns that hold nothing in any row are left out."""
    several = len({row.parametrization for row in rows}) > 1
    heads: list[tuple[str, str, bool]] = [("optimizer", named(Row)["optimizer"].meaning, False)]
    leading: list[list[PageCell]] = [[text(label)] for label in row_labels(rows)]
    if several:
        heads.append(("parametrization", named(Row)["parametrization"].meaning, False))
        for cells, name in zip(leading, parametrization_labels(rows), strict=True):
            cells.append(text(name))
    body = [[*cells, *(s.cell(r) for s in found)] for cells, r in zip(leading, rows, strict=True)]
    heads += [(each.header, each.meaning, each.number) for each in found]
    kept = [i for i in range(len(heads)) if any(cells[i].text != NOTHING for cells in body)]
    return PageTable(
        key,
        title,
        tuple(heads[i] for i in kept),
        tuple(tuple(cells[i] for i in kept) for cells in body),
        tuple(runs),
    )


def _title(header: str) -> str:
    return Heading(header).title


def _number_column(each: Column) -> _Shown:
    def cell(row: Any) -> PageCell:
        around = getattr(row, f"{each.name}_interval", None)
        return number(getattr(row, each.name), each.unit, around)

    return _Shown(_title(each.header), each.meaning, True, cell)


def _text_column(record: type, name: str) -> _Shown:
    each = named(record)[name]
    return _Shown(_title(each.header), each.meaning, False, lambda row: text(getattr(row, name)))


def _verdict() -> _Shown:
    """Return the verdict: green where it is theory's, red where it contradicts theory."""
    each = named(BiasRow)["selected"]

    def cell(row: BiasRow) -> PageCell:
        told = f"moving to {row.towards}" if row.selected == MOVING else row.selected
        return text(told, {True: "good", False: "bad", None: ""}[agrees(row)])

    return _Shown(_title(each.header), each.meaning, False, cell)


def _measure(name: str) -> _Shown:
    each = measure_named(name)
    return _Shown(
        _title(each.header),
        each.meaning,
        True,
        lambda row: number(row.measures.get(name), each.unit, row.intervals.get(name)),
    )


def _by_target(each: Column, target: str) -> _Shown:
    def cell(row: ConvergenceRow) -> PageCell:
        value = getattr(row, each.name).get(target)
        if each.name != "steps_to":
            return number(value, each.unit)
        if value is None and target in row.below_rounding:
            return PageCell(
                NOTHING, NEVER, "the loss differs from the optimum by less than rounding"
            )
        if value is None and row.status == Status.HORIZON and row.success_rate is not None:
            return PageCell(f"> {count(row.horizon)}", NEVER, "not kept at the horizon")
        return number(value, each.unit, row.intervals.get(target))

    return _Shown(f"{_title(each.header)} {target}", each.meaning, True, cell)


def _law(each: Column) -> Iterator[_Shown]:
    low = named(RateLaw)["low"]
    yield _Shown(_title(each.header), each.meaning, False, lambda row: text(rate_text(row)))
    yield _Shown(
        _title(low.header),
        "95% interval of the number in the rate law",
        False,
        lambda row: text(interval((row.rate.low, row.rate.high))),
    )


def _status() -> _Shown:
    return _Shown("status", named(Row)["status"].meaning, False, _status_cell)


def _status_cell(row: Row | LearningRate) -> PageCell:
    return PageCell(
        row.status.value,
        row.status.value,
        row.status.meaning,
        "" if row.status.has_numbers else "bad",
    )
