"""A block of rows of dense data: predictions and gradient of four runs, of two outputs, or of one.

Each number of them has functions of its own, so that no loop over runs is left in them.  A block
is some panels, or some bands where data are wide (:mod:`optbench.engine.data.layouts`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from optbench.engine.compiler.overloads import inlined
from optbench.engine.compiler.vectors import LANES
from optbench.engine.data import bands as band_tiles
from optbench.engine.data.bands import BAND_ROWS, scale_sums
from optbench.engine.data.panels import (
    GROUP,
    PANEL_ROWS,
    add_lanes,
    clear_rows,
    gradient_tile,
    predictions_tile,
)


class Passes(NamedTuple):
    """What is done with a block of rows in one layout, for some runs at once."""

    together: int  # runs
    size: int  # rows of a panel or band
    predict: Callable[..., Any]  # (w, data, panel, panels, run, z)
    clear: Callable[..., Any]  # (slopes, panel, rows)
    add_gradient: Callable[..., Any]  # (panel, panels, run, data, scratch, first, last, gradient)


def block_predictions(runs: int, most: int) -> Callable[..., Any]:
    """Return ``predict(w, data, panel, panels, run, z)``: predictions of some panels, by run.

    A tile has ``most`` panels, or half as many in a block of fewer.  The last one reaches back
    where panels are left over: it writes the same numbers again.
    """
    tile = predictions_tile(runs, most)

    @inlined
    def predict_panel(w, data, panel, panels, run, z):
        tile(data, panel, w, run, z, 0, PANEL_ROWS)

    if most == 1:
        return predict_panel
    predict_fewer = block_predictions(runs, most // 2)

    @inlined
    def predict(w, data, panel, panels, run, z):
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
    features = 4 if runs > 2 else LANES
    tile = gradient_tile(runs, features)

    @inlined
    def add_features(data, panel, panels, j, slopes, run, sums, place, first):
        for f in range(0, LANES, features):
            tile(data, panel, panels, j + f, slopes, run, sums, place + f, first)

    return add_features


def panel_gradient(together: int, add_features: Callable[..., Any]) -> Callable[..., Any]:
    """Return ``add_gradient``: it adds a block to the lane sums, and the lanes after the last one.

    One block alone keeps no sums for later: those of all features have the same place.
    """

    @inlined
    def add_gradient(panel, panels, run, data, scratch, first, last, gradient):
        slopes, sums = scratch.slopes, scratch.sums
        for j in range(0, gradient.shape[1], LANES):
            place = 0 if first and last else j
            add_features(data.panels, panel, panels, j, slopes, run, sums, place, first)
            if last:
                for q in range(together):
                    add_lanes(sums, run + q, place, data.scale, gradient, run + q, j)

    return add_gradient


def band_predictions(together: int) -> Callable[..., Any]:
    """Return ``predict(w, data, band, bands, run, z)``: predictions of some bands, by run."""
    most = 2 if together == 1 else 1
    tile = band_tiles.predictions_tile(together, most)
    last_tile = tile if most == 1 else band_tiles.predictions_tile(together, 1)

    @inlined
    def predict(w, data, band, bands, run, z):
        stride = bands * BAND_ROWS
        whole = bands - bands % most
        for b in range(0, whole, most):
            tile(data, band + b, w, run, z, b * BAND_ROWS, stride)
        for b in range(whole, bands):
            last_tile(data, band + b, w, run, z, b * BAND_ROWS, stride)

    return predict


def band_gradient(together: int) -> Callable[..., Any]:
    """Return ``add_gradient``: it adds a block to the gradient, and scales it after the last one.

    It begins with the bands that were read last: they are in the nearest cache.
    """
    most = 2 if together == 1 else 1
    tile = band_tiles.gradient_tile(together, most)
    last_tile = tile if most == 1 else band_tiles.gradient_tile(together, 1)

    @inlined
    def add_gradient(band, bands, run, data, scratch, first, last, gradient):
        slopes, sums, stride = scratch.slopes, scratch.sums, bands * BAND_ROWS
        left, start = bands % most, first
        if left > 0:
            b = bands - left
            last_tile(data.panels, band + b, slopes, b * BAND_ROWS, stride, sums, run, start)
            start = False
        for done in range(left, bands, most):
            b = bands - done - most
            tile(data.panels, band + b, slopes, b * BAND_ROWS, stride, sums, run, start)
            start = False
        if last:
            for q in range(together):
                scale_sums(sums, run + q, data.scale, gradient)

    return add_gradient


@inlined
def clear_band(slopes, band, rows):
    """Write zeros after the first rows of the band that begins at ``band``."""
    for i in range(band + rows, band + BAND_ROWS):
        slopes[i] = 0.0


predict_four, predict_one = block_predictions(GROUP, 2), block_predictions(1, 4)
predict_two = block_predictions(2, 4)
add_features_of_four, add_features_of_one = block_gradient(GROUP), block_gradient(1)
PANEL_PRODUCTS = {
    GROUP: (predict_four, add_features_of_four),
    2: (predict_two, block_gradient(2)),
    1: (predict_one, add_features_of_one),
}


def panel_passes(together: int) -> Passes:
    """Return what is done with a block of panels."""
    predict, add_features = PANEL_PRODUCTS[together]
    add_gradient = panel_gradient(together, add_features)
    return Passes(together, PANEL_ROWS, predict, clear_rows, add_gradient)


def band_passes(together: int) -> Passes:
    """Return what is done with a block of bands."""
    predict, add_gradient = band_predictions(together), band_gradient(together)
    return Passes(together, BAND_ROWS, predict, clear_band, add_gradient)
