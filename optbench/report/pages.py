"""What follows from the columns outside the package's code: lists in ``docs``, ``schema.json``.

A page marks a list by ``<!-- list: NAME -->`` and ``<!-- end of list -->``; ``docs/generate.py``
writes what is between, and a test compares.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from optbench.analysis.kinds import KINDS, Kind
from optbench.column import UNITS, Column, columns
from optbench.columns import (
    BiasRow,
    ConvergenceRow,
    InstanceFacts,
    LearningRate,
    RateLaw,
    ReferenceFacts,
    Row,
)
from optbench.registry import load_registry
from optbench.report.schema import schema
from optbench.report.table import Column as Header
from optbench.status import Status

PAGES = ("docs/schema.md", "docs/measures.md", "docs/optimizers.md")
SCHEMA = "optbench/report/schema.json"

_LIST = re.compile(r"(<!-- list: ([\w ]+) -->\n).*?(<!-- end of list -->)", re.DOTALL)


def write(repository: Path) -> None:
    """Bring the pages and the schema of a checkout up to date."""
    for name in PAGES:
        page = repository / name
        page.write_text(filled(page.read_text(encoding="utf-8")), encoding="utf-8")
    (repository / SCHEMA).write_text(schema_text(), encoding="utf-8")


def schema_text() -> str:
    """Return the text of the schema's file."""
    return json.dumps(schema(), indent=2) + "\n"


def filled(page: str) -> str:
    """Return a page with its lists made anew."""
    return _LIST.sub(lambda found: f"{found[1]}\n{LISTS[found[2]]()}\n{found[3]}", page)


def keys(record: type, without: type | None = None) -> str:
    """List the columns of a record: key, unit, where it is shown, meaning."""
    left_out = {each.name for each in columns(without)} if without else set()
    return _table(
        ("key", "unit", "shown in", "meaning"),
        (
            (f"`{each.name}`", _unit(each), each.shown, each.meaning)
            for each in columns(record)
            if each.name not in left_out and each.name != "more"
        ),
    )


def headers(record: type) -> str:
    """List the columns that the tables show, by their headers."""
    return _table(
        ("column", "key", "meaning"),
        (
            (f"`{_title(each)}`", f"`{each.name}`", each.meaning)
            for each in columns(record)
            if each.header
        ),
    )


def measures() -> str:
    """List what each kind of problem measures."""
    return _table(
        ("measure", "column", "on", "unit", "meaning"),
        (
            (f"`{each.name}`", f"`{_title(each)}`", _on(each), _unit(each), each.meaning)
            for each in dict.fromkeys(each for kind in KINDS for each in kind.measures)
        ),
    )


def kinds() -> str:
    """List the kinds of problems with the rules of their verdicts."""
    return _table(
        ("kind", "what", "margin or norm", "distance", "told apart from", "arrived within"),
        ((f"`{kind.name}`", kind.title, *_limits(kind)) for kind in KINDS),
    )


def statuses() -> str:
    """List how runs end, the worst first."""
    return _table(("status", "meaning"), ((f"`{each.value}`", each.meaning) for each in Status))


def conventions() -> str:
    """List which convention each built-in optimizer follows, of those that say so."""
    registry = load_registry()
    known = registry.optimizers
    shipped = [known[name] for name in sorted(known) if registry.is_builtin(known[name])]
    return _table(
        ("optimizer", "convention"),
        ((f"`{each.name}`", each.convention) for each in shipped if each.convention),
    )


LISTS: Mapping[str, Callable[[], str]] = {
    "keys of every row": lambda: keys(Row),
    "keys of bias": lambda: keys(BiasRow, Row),
    "keys of convergence": lambda: keys(ConvergenceRow, Row),
    "keys of rate": lambda: keys(RateLaw),
    "keys of learning_rates": lambda: keys(LearningRate),
    "keys of instances": lambda: keys(InstanceFacts),
    "keys of references": lambda: keys(ReferenceFacts),
    "columns of bias": lambda: headers(BiasRow),
    "columns of convergence": lambda: headers(ConvergenceRow),
    "measures": measures,
    "kinds": kinds,
    "statuses": statuses,
    "conventions": conventions,
}


def _table(titles: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [titles, tuple("---" for _ in titles), *rows]
    texts = ([cell.replace("|", "\\|") for cell in line] for line in lines)
    return "".join(f"| {' | '.join(cells)} |\n" for cells in texts)


def _title(column: Column) -> str:
    return Header(column.header).title


def _unit(column: Column) -> str:
    return UNITS[column.unit] if column.unit else ""


def _on(column: Column) -> str:
    return ", ".join(kind.title for kind in KINDS if column in kind.measures)


def _limits(kind: Kind) -> tuple[str, str, str, str]:
    norms = type(kind).defect is not Kind.defect
    close = f"within {kind.close:.0%}" if norms else "-"
    if kind.unit == "deg":
        return close, "angle", f"{kind.told_apart:g} degrees", f"{kind.arrived:g} degrees"
    return close, "relative L2 distance", f"{kind.told_apart:g}", f"{kind.arrived:g}"
