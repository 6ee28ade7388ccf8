"""The curves of several seeds at common places, so that medians and bands are over all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

ENDED = "A seed whose run has ended stays where it ended."


def aligned(own: pd.DataFrame, x: str, y: str) -> pd.DataFrame:
    """Return the curve of every seed at the places of all seeds of its optimizer.

    Between its own places a curve is read off a straight line against log x.  Behind its end it
    keeps its last value, that of a run that is at rest or has diverged: a median over those that
    are left would be one of the slowest.

    Parameters
    ----------
    own : DataFrame
        Of one panel, with the columns ``optimizer``, ``seed``, `x` (positive, never falling in a
        seed) and `y`.
    x, y : str
        Names of columns.
    """
    import numpy as np
    import pandas as pd

    parts = [own.iloc[:0][["optimizer", "seed", x, y]]]
    for name, curves in own.groupby("optimizer", sort=False):
        begins = curves.groupby("seed")[x].min().max()
        places = np.unique(curves.loc[curves[x] >= begins, x])
        every = np.unique(np.log(curves[x]))
        for seed, records in curves.groupby("seed"):
            curve = records.drop_duplicates(x, keep="last")
            known = pd.Series(curve[y].to_numpy(), np.log(curve[x])).reindex(every)
            values = known.interpolate(method="index").ffill().reindex(np.log(places))
            told = {"optimizer": name, "seed": seed, x: places, y: values.to_numpy()}
            parts.append(pd.DataFrame(told))
    return pd.concat(parts[1:] or parts, ignore_index=True)


def some_ended(data: pd.DataFrame) -> bool:
    """Tell whether the run of a seed ended before that of another one."""
    if data.empty:
        return False
    last = data.groupby(["instance_id", "parametrization", "optimizer", "seed"])["steps"].max()
    return bool((last.groupby(level=[0, 1, 2]).nunique() > 1).any())
