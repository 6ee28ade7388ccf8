"""The rows of a comparison as figures name them, and the part of it that a user asks for."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from optbench.columns import CELL
from optbench.errors import UserError
from optbench.labels import labels_across, plain_name
from optbench.options import suggest
from optbench.plots.nothing import NothingToShow

if TYPE_CHECKING:
    from optbench.columns import ConvergenceRow, Row
    from optbench.result import Comparison
    from optbench.traces import Trace

AnyRow = TypeVar("AnyRow")
THEOREM = " (theorem)"  # of a row beside the one as used
ASKED = r"\[[^\]]*\] \(theorem\)"  # with what its theorem asks for, which captions leave out
PLACE = ("problem", "instance", "instance_id", "parametrization")


def naming(rows: Sequence[ConvergenceRow]) -> Callable[[Row | Trace], str]:
    """Return what names a row, or a trace, of a comparison.

    Parameters
    ----------
    rows : sequence of ConvergenceRow
        All rows of it, so that an optimizer has one name on all instances.
    """
    names: dict[tuple[str, ...], str] = {}
    for row, label in zip(rows, labels_across(rows), strict=True):
        names.setdefault(_cell(row), re.sub(ASKED, THEOREM, label))
    return lambda row: names[_cell(row)]


def _cell(row: Row | Trace) -> tuple[str, ...]:
    return tuple(getattr(row, name) for name in CELL)


def won(comparison: Comparison, kind: str) -> list[Trace]:
    """Return the traces of the runs that the tables show.

    Parameters
    ----------
    comparison : Comparison
    kind : str
        Of the figure, for the message.

    Raises
    ------
    NothingToShow
        Where runs have no traces.
    """
    try:
        return [trace for trace in comparison.traced if trace.won]
    except UserError as reason:
        raise NothingToShow(f"{kind}: {reason}") from None


def place(row: Any) -> dict[str, str]:
    """Return where a row belongs, as columns of a table."""
    return {name: getattr(row, name) for name in PLACE}


def title(problem: str, instance: str) -> str:
    """Name an instance above its panel."""
    return problem if instance == "default" else f"{problem} on {instance}"


def part(
    comparison: Comparison, instances: Iterable[str] = (), optimizers: Iterable[str] = ()
) -> Comparison:
    """Return the rows of some instances and optimizers.

    Parameters
    ----------
    comparison : Comparison
    instances : iterable of str
        Names of problems, of instances, or identities; none: all.
    optimizers : iterable of str
        As in the tables, or without what stands in brackets; none: all.

    Raises
    ------
    UserError
        For one that the comparison does not have.
    """
    rows = comparison.convergence_rows
    places = {(row.problem, row.instance, row.instance_id) for row in rows}
    _check("instance", instances, [_names_of_instance(*place) for place in sorted(places)])
    _check("optimizer", optimizers, map(_names_of_optimizer, rows))
    wanted, chosen = set(instances), set(optimizers)

    def kept(found: Sequence[AnyRow]) -> list[AnyRow]:
        return [row for row in found if _is_in(row, wanted, chosen)]

    return replace(
        comparison,
        bias_rows=kept(comparison.bias_rows),
        convergence_rows=kept(rows),
        traces=kept(comparison.traces),
    )


def _names_of_instance(problem: str, instance: str, instance_id: str) -> set[str]:
    return {problem, instance, instance_id, f"{problem}:{instance}"}


def _names_of_optimizer(row: Any) -> set[str]:
    return {row.optimizer, plain_name(row.optimizer)}


def _check(what: str, given: Iterable[str], known: Iterable[set[str]]) -> None:
    every = Counter(name for names in known for name in names)
    for name in given:
        if name not in every:
            raise UserError(f"no {what} {name!r} in this comparison{suggest(name, every)}")


def _is_in(row: Any, instances: set[str], optimizers: set[str]) -> bool:
    place = _names_of_instance(row.problem, row.instance, row.instance_id)
    names = _names_of_optimizer(row)
    return bool((not instances or place & instances) and (not optimizers or names & optimizers))
