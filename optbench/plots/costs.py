"""What every target of every instance costs each optimizer: what profiles compare."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from optbench.analysis.profiles import common_horizon, costs_within
from optbench.plots.kind import AGAINST, NothingToShow
from optbench.plots.rows import naming, place

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from optbench.columns import ConvergenceRow
    from optbench.result import Comparison


def costs(comparison: Comparison, kind: str, instances: int = 1) -> pd.DataFrame:
    """Return what each target of each instance costs each optimizer, in the units of ``AGAINST``.

    Infinite: the target is not kept within the common horizon, or the optimizer does not run there.

    Parameters
    ----------
    comparison : Comparison
    kind : str
        Of the figure, for the message.
    instances : int
        How many it needs at least.

    Raises
    ------
    NothingToShow
        Where fewer have targets, or nothing ran on them.
    """
    import pandas as pd

    known = {each.instance_id for each in comparison.instances if each.infimum is not None}
    rows = [row for row in comparison.convergence_rows if row.instance_id in known]
    name = naming(comparison.convergence_rows)
    ran = {name(row) for row in rows if row.status.ran}
    places = {row.instance_id for row in rows if row.status.ran}
    if len(places) < instances:
        raise NothingToShow(
            f"{kind}: it needs {instances} instance{'s' if instances > 1 else ''} with a known "
            f"optimum on which something ran, and there {'is' if len(places) == 1 else 'are'} "
            f"{len(places) or 'none'}"
        )
    horizon = common_horizon(rows)
    told = [own for row in rows if name(row) in ran for own in _rows(row, name(row), horizon)]
    return pd.DataFrame(told).astype(dict.fromkeys(AGAINST, float))


def _rows(row: ConvergenceRow, label: str, horizon: int) -> Iterator[dict[str, Any]]:
    given = zip(AGAINST, (row.steps_to, row.evaluations_to, row.seconds_to), strict=True)
    costs = {unit: costs_within(row, each, horizon) for unit, each in given}
    for target in row.steps_to:
        own = {unit: each.get(target, math.inf) for unit, each in costs.items()}
        yield {**place(row), "optimizer": label, "target": target, **own}


def table(data: pd.DataFrame, unit: str) -> dict[str, np.ndarray]:
    """Return the costs of each optimizer: entry i is of the same instance and target for all."""
    wide = data.pivot_table(
        index=["instance_id", "target"], columns="optimizer", values=unit, aggfunc="min",
        sort=False,
    ).fillna(math.inf)  # fmt: skip
    return {name: wide[name].to_numpy() for name in dict.fromkeys(data["optimizer"])}
