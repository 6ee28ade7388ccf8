"""Angles, relative distances and norms of predictors: what the kinds of problems measure with.

No bit of what is measured of one predictor depends on which others are measured with it: products
are taken one predictor at a time, inside NumPy.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from optbench.instance import Instance

ROUNDING = 1e-12  # a norm excess below it is rounding: shown as 0, never as -1e-16


@dataclass(frozen=True, eq=False)
class Predictors:
    """Some predictors of one instance, and what several measures of them read.

    Attributes
    ----------
    instance : Instance
    rows : ndarray, float64 (m, d)
    """

    instance: Instance
    rows: np.ndarray

    @functools.cached_property
    def _norms(self) -> dict[float, np.ndarray]:
        return {}

    def norms(self, p: float) -> np.ndarray:
        """Return the p-norm of each, free of overflow."""
        if p not in self._norms:
            self._norms[p] = norms(self.rows, p)
        return self._norms[p]

    @functools.cached_property
    def matrices(self) -> np.ndarray:
        """The matrices that lie row by row in each: one row an output, float64 (m, k, d / k)."""
        return self.rows.reshape(len(self.rows), int(self.instance.facts["outputs"]), -1)

    @functools.cached_property
    def spectra(self) -> np.ndarray:
        """Singular values of each matrix, float64 (m, r); nan where it is not finite."""
        finite = np.isfinite(self.rows).all(axis=1)
        safe = np.where(finite[:, None, None], self.matrices, 0.0)
        values = np.linalg.svd(safe, compute_uv=False)
        return np.where(finite[:, None], values, np.nan)

    @functools.cached_property
    def scores(self) -> np.ndarray:
        """What each predicts of every row of the data, for every output: float64 (m, n, k)."""
        return _products(self.instance.features, self.rows)

    @property
    def predictions(self) -> np.ndarray:
        """The same in the shape of the targets: float64 (m, n), or of several outputs (m, n, k)."""
        return self.scores if self.instance.several else self.scores[..., 0]

    @property
    def sizes_of_terms(self) -> np.ndarray:
        """How large the terms are whose sums are the predictions, float64 (m,)."""
        return lengths(_products(abs(self.instance.features), np.abs(self.rows)))


def _products(features: Any, rows: np.ndarray) -> np.ndarray:
    matrices = rows.reshape(len(rows), -1, features.shape[1]).transpose(0, 2, 1)
    if not hasattr(features, "indptr"):
        return np.asarray(np.matmul(features, matrices))
    columns = matrices.transpose(1, 0, 2).reshape(features.shape[1], -1)
    products = (features @ columns).reshape(features.shape[0], len(rows), -1)
    return np.ascontiguousarray(products.transpose(1, 0, 2))  # sums follow the order in memory


def inner_products(rows: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """Return the inner product of each row with a vector."""
    return np.asarray((rows * vector).sum(axis=1))


def lengths(rows: np.ndarray) -> np.ndarray:
    """Return the L2 norm of everything that there is of each."""
    return np.asarray(np.linalg.norm(rows, axis=tuple(range(1, rows.ndim))))


def unit(vector: np.ndarray) -> np.ndarray:
    """Return the vector of length 1 in a direction; nan where it has none."""
    return np.asarray(vector / np.linalg.norm(vector))


def angles(rows: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """Angles between each row and a direction in degrees, accurate for tiny angles."""
    rows, direction = rows / lengths(rows)[:, None], unit(direction)
    halves = np.arctan2(lengths(rows - direction), lengths(rows + direction))
    return np.asarray(np.degrees(2.0 * halves))


def angle(a: np.ndarray, b: np.ndarray) -> float:
    """Angle between two vectors in degrees, accurate for tiny angles."""
    return float(angles(a[None], b)[0])


def over(parts: np.ndarray, whole: float | np.ndarray) -> np.ndarray:
    """Return parts / whole of numbers >= 0; of something over nothing infinity."""
    whole = np.broadcast_to(whole, parts.shape)
    quotients = np.full(parts.shape, np.inf)
    np.divide(parts, whole, out=quotients, where=whole > 0.0)
    quotients[(whole == 0.0) & (parts == 0.0)] = 0.0
    return quotients


def relative_distances(rows: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return ||a - b|| / ||b|| of each row a."""
    return over(lengths(rows - b), float(np.linalg.norm(b)))


def excesses(sizes: np.ndarray, least: float) -> np.ndarray:
    """Return how much larger than the least each norm is, relative to it; rounding is 0."""
    relative = over(sizes, least) - 1.0
    relative[(np.abs(relative) < ROUNDING) | ((sizes == 0.0) & (least == 0.0))] = 0.0
    return relative


def excess(size: float, least: float) -> float:
    """Return how much larger than the least a norm is, relative to it; rounding is 0."""
    return float(excesses(np.array([size]), least)[0])


def norms(rows: np.ndarray, p: float) -> np.ndarray:
    """Return the p-norm of each row, free of overflow."""
    magnitudes = np.abs(rows)
    largest = magnitudes.max(axis=1)
    if np.isinf(p):
        return np.asarray(largest)
    unit = np.where(largest > 0.0, largest, 1.0)
    powers = ((magnitudes / unit[:, None]) ** p).sum(axis=1)
    return np.asarray(largest * powers ** (1.0 / p))


def vector_sizes(at: Predictors, norm: str | None) -> np.ndarray | None:
    """Return an L_p norm of each by its name; of any other norm None."""
    from optbench.norm_names import exponents_of

    p = exponents_of(norm).get("lp")
    return None if p is None else at.norms(p)


def matrix_sizes(at: Predictors, norm: str | None) -> np.ndarray | None:
    """Return a norm of the entries, or of the singular values, of each matrix; or None."""
    from optbench.norm_names import exponents_of
    from optbench.references.matrix_norms import member

    if not norm or not exponents_of(norm):
        return None
    family, p = member(norm)
    return norms(at.spectra, p) if family == "schatten" else at.norms(p)
