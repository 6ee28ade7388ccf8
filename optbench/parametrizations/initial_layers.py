"""Where the weight matrices of a deep linear network start."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

Array = np.ndarray
Shapes = Sequence[tuple[int, int]]


def semi_orthogonal(rows: int, columns: int, generator: np.random.Generator) -> Array:
    """Return a uniformly random (rows, columns) matrix with orthonormal rows or columns."""
    tall = generator.standard_normal((max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(tall)
    q *= np.sign(np.diag(r))
    return q if rows >= columns else q.T


def orthogonal(shapes: Shapes, scale: float, generator: np.random.Generator) -> list[Array]:
    """Semi-orthogonal times scale sqrt(rows / columns): what AGD starts at (scale 1)."""
    return [scale * math.sqrt(r / c) * semi_orthogonal(r, c, generator) for r, c in shapes]


def gaussian(shapes: Shapes, scale: float, generator: np.random.Generator) -> list[Array]:
    """Independent normal entries of standard deviation scale / sqrt(columns)."""
    return [scale / math.sqrt(c) * generator.standard_normal((r, c)) for r, c in shapes]


def identity(shapes: Shapes, scale: float, generator: np.random.Generator) -> list[Array]:
    """Scale times the identity, cut or padded with zeros."""
    return [scale * np.eye(r, c) for r, c in shapes]


def one_neuron(shapes: Shapes, scale: float, generator: np.random.Generator) -> list[Array]:
    """W_k = scale u_k u_(k-1)^T for random unit vectors u: balanced, of rank one."""
    units = [generator.standard_normal(size) for size in (shapes[0][1], *(r for r, _ in shapes))]
    units = [u / np.linalg.norm(u) for u in units]
    pairs = zip(units[1:], units[:-1], strict=True)
    return [scale * np.outer(above, below) for above, below in pairs]


def balanced(shapes: Shapes, scale: float, generator: np.random.Generator) -> list[Array]:
    """W_(k+1)^T W_(k+1) = W_k W_k^T: every layer has the same singular values.

    They are those of a Gaussian matrix of the size of the product, divided by the largest, to the
    power 1/L, times scale (Arora, Cohen, Golowich, Hu 2018, arXiv:1810.02281).
    """
    product = generator.standard_normal((shapes[-1][0], shapes[0][1]))
    values = np.linalg.svd(product, compute_uv=False)
    same = scale * (values / values[0]) ** (1.0 / len(shapes))
    return _with_common_vectors(shapes, [same] * len(shapes), generator)


def aligned(shapes: Shapes, scale: float, generator: np.random.Generator) -> list[Array]:
    """Left singular vectors of a layer are the right ones of the next, singular values are not.

    Each layer draws its own from [scale / 2, 3 scale / 2].
    """
    rank = min(min(shape) for shape in shapes)
    values = [scale * generator.uniform(0.5, 1.5, rank) for _ in shapes]
    return _with_common_vectors(shapes, values, generator)


def _with_common_vectors(
    shapes: Shapes, values: Sequence[Array], generator: np.random.Generator
) -> list[Array]:
    """Return W_k = Q_k diag(values_k) Q_(k-1)^T, Q random orthonormal; as many values as fit."""
    rank = min(min(shape) for shape in shapes)
    sizes = (shapes[0][1], *(rows for rows, _ in shapes))
    bases = [semi_orthogonal(size, rank, generator) for size in sizes]
    return [
        (above * own[:rank]) @ below.T
        for above, below, own in zip(bases[1:], bases[:-1], values, strict=True)
    ]


INITIAL_LAYERS: Mapping[str, Callable[[Shapes, float, np.random.Generator], list[Array]]] = {
    "orthogonal": orthogonal,
    "gaussian": gaussian,
    "balanced": balanced,
    "aligned": aligned,
    "one_neuron": one_neuron,
    "identity": identity,
}
