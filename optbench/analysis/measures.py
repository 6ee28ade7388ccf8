"""What the implicit-bias table measures of a predictor, against certified references."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from optbench.analysis.spectra import effective_rank, stable_rank
from optbench.instance import Instance
from optbench.references import Reference, vector_norm

NORMS = {"l1": 1.0, "l2": 2.0, "linf": math.inf}
ROUNDING = 1e-12  # a norm excess below it is rounding: shown as 0, never as -1e-16
SUPPORT = 1e-4  # a coordinate counts as nonzero above this fraction of the largest


def angle(a: np.ndarray, b: np.ndarray) -> float:
    """Angle between two vectors in degrees, accurate for tiny angles."""
    a, b = a / np.linalg.norm(a), b / np.linalg.norm(b)
    return math.degrees(2.0 * math.atan2(np.linalg.norm(a - b), np.linalg.norm(a + b)))


def relative_distance(a: np.ndarray, b: np.ndarray) -> float:
    """Return ||a - b|| / ||b||."""
    return float(np.linalg.norm(a - b) / max(float(np.linalg.norm(b)), 1e-300))


def margin(instance: Instance, w: np.ndarray, p: float) -> float:
    """Normalised margin min_i y_i x_i . w / ||w||_p."""
    return float(np.min(instance.targets * (instance.features @ w)) / vector_norm(w, p))


def measure(
    instance: Instance, references: Mapping[str, Reference], w: np.ndarray
) -> dict[str, float]:
    """Measure a predictor.

    Parameters
    ----------
    instance : Instance
        Where it was trained.
    references : mapping of str to Reference
        Certified solutions; their norms and margins are what is compared with.
    w : ndarray, float64 (d,)
        Finite and, for classification, not zero.

    Returns
    -------
    dict of str to float
        ``margin_ratio_*`` in (-inf, 1] and ``angle_*`` in degrees for classification;
        ``norm_excess_*`` >= 0 up to rounding and ``distance_*`` for regression; objective gap,
        infeasibility and distances for linear programs; with several ``outputs`` (a fact of the
        instance), where w is a matrix row by row, also its effective and stable rank; on partly
        separable data the angle to the direction and the distance to the offset, each of the part
        of w outside and inside the ``span`` of the rows that cannot be separated.
    """
    if instance.kind == "classification":
        return _classification(instance, references, w)
    if instance.kind == "linear_program":
        return _linear_program(instance, references, w)
    if instance.kind == "partly_separable":
        return _partly_separable(instance, references, w)
    measures = {}
    residual = np.linalg.norm(instance.features @ w - instance.targets)
    if instance.kind == "regression":
        measures["residual"] = float(
            residual / max(float(np.linalg.norm(instance.targets)), 1e-300)
        )
    for name, reference in references.items():
        if name in NORMS:
            excess = vector_norm(w, NORMS[name]) / reference.value - 1.0
            measures[f"norm_excess_{name}"] = 0.0 if abs(excess) < ROUNDING else excess
        measures[f"distance_{name}"] = relative_distance(w, reference.solution)
    if outputs := instance.facts.get("outputs"):
        measures |= _matrix(references, w.reshape(outputs, -1))
    return measures


def _classification(
    instance: Instance, references: Mapping[str, Reference], w: np.ndarray
) -> dict[str, float]:
    measures = {}
    for name, p in NORMS.items():
        if name in references:
            measures[f"margin_ratio_{name}"] = margin(instance, w, p) / references[name].value
    for name in NORMS:
        if name in references:
            measures[f"angle_{name}"] = angle(w, references[name].solution)
    return measures


def _matrix(references: Mapping[str, Reference], matrix: np.ndarray) -> dict[str, float]:
    values = np.linalg.svd(matrix, compute_uv=False)
    measures = {"effective_rank": effective_rank(values), "stable_rank": stable_rank(values)}
    if "nuclear" in references:
        excess = float(values.sum()) / references["nuclear"].value - 1.0
        measures["norm_excess_nuclear"] = 0.0 if abs(excess) < ROUNDING else excess
    return measures


def _partly_separable(
    instance: Instance, references: Mapping[str, Reference], w: np.ndarray
) -> dict[str, float]:
    span = instance.facts["span"]
    inside = span @ (span.T @ w)
    outside, direction = w - inside, references["direction"].solution
    offset = instance.family_member("offset", math.nan).solution
    return {
        "angle_direction": angle(outside, direction) if np.any(outside) else 90.0,
        "distance_offset": relative_distance(inside, offset),
    }


def _linear_program(
    instance: Instance, references: Mapping[str, Reference], w: np.ndarray
) -> dict[str, float]:
    vertex = references["vertex"]
    cost = np.asarray(instance.facts["cost"])
    terms = float(np.abs(cost * vertex.solution).sum())
    # An optimum of 0 has terms that cancel: what is left of them is rounding.
    size = abs(vertex.value) if abs(vertex.value) > ROUNDING * terms else terms or 1.0
    violated = np.linalg.norm(instance.features @ w - instance.targets)
    chosen = w > SUPPORT * max(float(w.max()), 0.0)
    basic = vertex.solution > SUPPORT * max(float(vertex.solution.max()), 0.0)
    both = int(np.sum(chosen & basic))
    return {
        "objective_gap": abs(float(cost @ (w - vertex.solution))) / size,
        "infeasibility": float(violated / (1.0 + np.linalg.norm(instance.targets))),
        **{
            f"distance_{name}": relative_distance(w, reference.solution)
            for name, reference in references.items()
        },
        "support_f1": 2.0 * both / max(int(chosen.sum() + basic.sum()), 1),
    }
