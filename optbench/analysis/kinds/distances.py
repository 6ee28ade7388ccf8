"""Angles, relative distances and margins: what the kinds of problems measure with."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from optbench.instance import Instance

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


def vector_size(w: np.ndarray, norm: str | None) -> float | None:
    """Return an L_p norm of a vector by its name, free of overflow; of any other norm None."""
    from optbench.references.certificate import vector_norm
    from optbench.references.norm_names import exponents_of

    p = exponents_of(norm).get("lp")
    return None if p is None else vector_norm(w, p)


def matrix_size(instance: Instance, w: np.ndarray, norm: str | None) -> float | None:
    """Return a norm of the matrix that lies row by row in w, one row an output; or None."""
    from optbench.references.matrix_norms import matrix_norm
    from optbench.references.norm_names import exponents_of

    return matrix_norm(as_matrix(instance, w), norm) if norm and exponents_of(norm) else None


def as_matrix(instance: Instance, w: np.ndarray) -> np.ndarray:
    """Return the matrix of a predictor: as many rows as the instance has ``outputs``."""
    return w.reshape(int(instance.facts["outputs"]), -1)
