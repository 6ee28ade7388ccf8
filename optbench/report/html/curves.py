"""Curves from the data of :mod:`optbench.plots`: one an optimizer, looking as it does there."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from optbench.errors import UserError
from optbench.plots.kind import Kind
from optbench.report.html.charts import Series

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from optbench.result import Comparison

DASH = 2.0  # pixels for a unit of the dashes that print has

RunOf = Callable[[str], str]


def frame_of(kind: Kind, comparison: Comparison) -> pd.DataFrame | None:
    """Return the numbers behind a kind of figure; None where there are none, as without traces."""
    try:
        return kind.data(comparison)
    except UserError:
        return None


def over_seeds(own: pd.DataFrame, x: str, y: str, run_of: RunOf) -> list[Series]:
    """Return a curve for each optimizer: medians over seeds, and bands where there are several.

    Parameters
    ----------
    own : DataFrame
        Of one instance, with the columns ``optimizer`` and ``seed``.
    x, y : str
        Columns of it.
    run_of : callable
        Returns the run that the curve of an optimizer is of.
    """
    from optbench.plots.seeds import aligned

    told = aligned(own[own[x] > 0], x, y)
    found = []
    for name, group in told.groupby("optimizer", sort=False):
        spreads = group.groupby(x)[y]
        middle, ends = spreads.median(), (spreads.min(), spreads.max())
        band = ends if group["seed"].nunique() > 1 else ((), ())
        label = str(name)
        found.append(curve(label, logarithms(middle.index), middle, run_of(label), *band))
    return found


def curve(
    label: str,
    x: Iterable[float],
    y: Iterable[float],
    run: str = "",
    low: Iterable[float] = (),
    high: Iterable[float] = (),
) -> Series:
    """Return a curve in the look that its optimizer has in every figure."""
    from matplotlib.colors import to_hex

    from optbench.plots.style import look

    own = look(label)
    dash = [DASH * length for length in own.dashes]
    return Series(label, to_hex(own.colour), list(x), list(y), list(low), list(high), dash, run)


def spread(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return medians over seeds (columns), and the smallest and largest where there are several.

    A seed whose run has ended keeps its last value.
    """
    import numpy as np
    import pandas as pd

    if values.shape[1] == 1:
        return values[:, 0], np.empty(0), np.empty(0)
    frame = pd.DataFrame(values).ffill()  # unlike NumPy silent where no seed has a number
    return (
        frame.median(axis=1).to_numpy(),
        frame.min(axis=1).to_numpy(),
        frame.max(axis=1).to_numpy(),
    )


def has_numbers(series: Series) -> bool:
    """Whether there is anything to draw."""
    return any(value is not None and math.isfinite(value) for value in series.y)


def logarithms(values: Any) -> Any:
    """Return decimal logarithms; of what is not positive, nan."""
    import numpy as np

    numbers = np.asarray(values, dtype=float)
    return np.log10(numbers, out=np.full(numbers.shape, np.nan), where=numbers > 0.0)


def by_optimizer(own: pd.DataFrame, x: Any, y: Any, run_of: RunOf) -> list[Series]:
    """Return a curve for each optimizer from rows in the order of x."""
    frame = own.assign(at=x, value=y)
    return [
        curve(str(name), group["at"], group["value"], run_of(str(name)))
        for name, group in frame[frame["at"].notna()].groupby("optimizer", sort=False)
    ]


def drawable(found: Sequence[Series]) -> list[Series]:
    """Return the curves that have anything to draw."""
    return [each for each in found if has_numbers(each)]
