"""The tables of a comparison for pandas: ``comparison.table(kind)``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from optbench.columns import CELL
from optbench.errors import UserError
from optbench.options import suggest
from optbench.records import as_dict, flat

if TYPE_CHECKING:
    import pandas as pd

    from optbench.result import Comparison

Rows = Iterator[dict[str, Any]]


def frame(comparison: Comparison, kind: str) -> pd.DataFrame:
    """Return a table of a comparison.

    Parameters
    ----------
    comparison : Comparison
    kind : str
        One of ``TABLES``.

    Raises
    ------
    UserError
        For another kind.
    """
    if kind not in TABLES:
        raise UserError(f"there is no table {kind!r}{suggest(kind, TABLES)}")
    import pandas as pd

    return pd.DataFrame(list(TABLES[kind](comparison)))


def _bias(comparison: Comparison) -> Rows:
    return map(flat, comparison.bias_rows)


def _convergence(comparison: Comparison) -> Rows:
    return map(flat, comparison.convergence_rows)


def _learning_rates(comparison: Comparison) -> Rows:
    for row in comparison.convergence_rows:
        for entry in row.learning_rates:
            yield {**{key: getattr(row, key) for key in CELL}, **flat(entry)}


def _instances(comparison: Comparison) -> Rows:
    for facts in comparison.instances:
        known = as_dict(facts)
        yield {key: known[key] for key in known if not isinstance(known[key], list | dict)}


def _references(comparison: Comparison) -> Rows:
    for facts in comparison.instances:
        place = {key: getattr(facts, key) for key in ("problem", "instance", "instance_id")}
        for reference in facts.references:
            yield {**place, **as_dict(reference)}


def _summary(comparison: Comparison) -> Rows:
    from optbench.report.summary import summarize

    summary = summarize(comparison)
    for optimizer, cells in summary.matrix.items():
        for facts, cell in zip(summary.instances, cells, strict=True):
            if cell is not None:
                asked = cell.as_theorem_asks
                yield {
                    "optimizer": optimizer,
                    "problem": facts.problem,
                    "instance": facts.instance,
                    "instance_id": facts.instance_id,
                    "verdict": str(cell.verdict),
                    "verdict_as_theorem_asks": asked and str(asked.verdict),
                    "selects": cell.solution or None,
                    "theory": cell.bias.theory,
                    "steps": cell.steps,
                    "status": str(cell.convergence.status),
                }


TABLES: Mapping[str, Callable[[Comparison], Rows]] = {
    "bias": _bias,
    "convergence": _convergence,
    "learning_rates": _learning_rates,
    "instances": _instances,
    "references": _references,
    "summary": _summary,
}
