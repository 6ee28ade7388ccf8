"""Angles, relative distances and margins: what the kinds of problems measure with."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from optbench.instance import Instance

NORMS = {"l1": 1.0, "l2": 2.0, "linf": math.inf}
ROUNDING = 1e-12  # a norm excess below it is rounding: shown as 0, never as -1e-16


def angle(a: np.ndarray, b: np.ndarray) -> float:
    """Angle between two vectors in degrees, accurate for tiny angles."""
    a, b = a / np.linalg.norm(a), b / np.linalg.norm(b)
    return math.degrees(2.0 * math.atan2(np.linalg.norm(a - b), np.linalg.norm(a + b)))


def over(part: float, whole: float) -> float:
    """Return part / whole of two numbers >= 0; of something over nothing infinity."""
    if whole > 0.0:
        return part / whole
    return 0.0 if part == 0.0 else math.inf


def relative_distance(a: np.ndarray, b: np.ndarray) -> float:
    """Return ||a - b|| / ||b||."""
    return over(float(np.linalg.norm(a - b)), float(np.linalg.norm(b)))


def excess(size: float, least: float) -> float:
    """Return how much larger than the least a norm is, relative to it; rounding is 0."""
    relative = over(size, least) - 1.0 if size > 0.0 or least > 0.0 else 0.0
    return 0.0 if abs(relative) < ROUNDING else relative


def norm(w: np.ndarray, p: float) -> float:
    """Return the p-norm of a vector, free of overflow."""
    from optbench.references.certificate import vector_norm

    return vector_norm(w, p)


def margin(instance: Instance, w: np.ndarray, p: float) -> float:
    """Normalised margin min_i y_i x_i . w / ||w||_p."""
    return float(np.min(instance.targets * (instance.features @ w)) / norm(w, p))
