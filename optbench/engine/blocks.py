"""A block of rows of dense data: predictions and gradient of four runs or of one.

Either number of runs has functions of its own, so that no loop over runs is left in them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from optbench.engine.overloads import inlined
from optbench.engine.products import GROUP, PANEL_ROWS, gradient_tile, predictions_tile
from optbench.engine.vectors import LANES


def block_predictions(runs: int, most: int) -> Callable[..., Any]:
    """Return ``predict(w, data, panel, panels, run, z)``: predictions of some panels, by run.

    A tile has ``most`` panels, or half as many in a block of fewer.  The last one reaches back
    where panels are left over: it writes the same numbers again.
    """
    tile = predictions_tile(runs, most)

    @inlined
    def predict_panel(w, data, panel, panels, run, z):  # type: ignore[no-untyped-def]
        tile(data, panel, w, run, z, 0, PANEL_ROWS)

    if most == 1:
        return predict_panel
    predict_fewer = block_predictions(runs, most // 2)

    @inlined
    def predict(w, data, panel, panels, run, z):  # type: ignore[no-untyped-def]
        stride = panels * PANEL_ROWS
        if panels < most:
            predict_fewer(w, data, panel, panels, run, z)
        else:
            for place in range(0, panels, most):
                p = min(place, panels - most)
                tile(data, panel + p, w, run, z, p * PANEL_ROWS, stride)

    return predict


def block_gradient(runs: int) -> Callable[..., Any]:
    """Return ``add_features(data, panel, panels, j, slopes, run, sums, place, first)``.

    It adds some panels to the lane sums of features j, ..., j + 7.
    """
    features = 4 if runs > 1 else LANES
    tile = gradient_tile(runs, features)

    @inlined
    def add_features(data, panel, panels, j, slopes, run, sums, place, first):  # type: ignore[no-untyped-def]
        for f in range(0, LANES, features):
            tile(data, panel, panels, j + f, slopes, run, sums, place + f, first)

    return add_features


predict_four, predict_one = block_predictions(GROUP, 2), block_predictions(1, 4)
add_features_of_four, add_features_of_one = block_gradient(GROUP), block_gradient(1)
