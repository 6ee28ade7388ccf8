"""Linear algebra without allocation, compiled, against LAPACK."""

from __future__ import annotations

import functools

import numba
import numpy as np
import pytest

from optbench import linear_algebra
from optbench.engine.compiler import helpers
from optbench.engine.data import matrices

assert helpers and matrices  # make the functions known to the compiler


@functools.cache
def compiled(name: str):
    """Return the function as a kernel sees it: nothing can be allocated."""
    namespace = {"function": getattr(linear_algebra, name)}
    exec("def call(*arguments):\n    return function(*arguments)", namespace)
    return numba.njit(_nrt=False, error_model="numpy")(namespace["call"])


def symmetric(kind: str, size: int) -> np.ndarray:
    generator = np.random.default_rng(size)
    rotation = np.linalg.qr(generator.standard_normal((size, size)))[0]
    values = {
        "indefinite": generator.standard_normal(size),
        "graded": np.geomspace(1.0, 1e-10, size),
        "repeated": np.repeat([2.0, 1.0], [size - size // 2, size // 2]),
        "singular": np.where(np.arange(size) < (size + 1) // 2, 1.0 + np.arange(size), 0.0),
        "tiny": 1e-200 * np.arange(1.0, size + 1.0),
    }[kind]
    matrix = (rotation * values) @ rotation.T
    return 0.5 * (matrix + matrix.T)


@pytest.mark.parametrize("kind", ["indefinite", "graded", "repeated", "singular", "tiny"])
@pytest.mark.parametrize("size", [1, 2, 3, 17, 60])
def test_eigenvalues_and_eigenvectors(kind: str, size: int) -> None:
    matrix = symmetric(kind, size)
    diagonal, vectors = matrix.copy(), np.full((size, size), np.nan)
    compiled("symmetric_eigen")(diagonal, vectors)
    values, norm = np.diag(diagonal), np.linalg.norm(matrix, 2)
    # both are backward stable: eigenvalues move by a few sizes times rounding of the norm
    np.testing.assert_allclose(
        np.sort(values), np.linalg.eigvalsh(matrix), rtol=0, atol=1e-14 * norm * size**0.5
    )
    np.testing.assert_allclose(vectors @ vectors.T, np.eye(size), rtol=0, atol=1e-13)
    np.testing.assert_allclose(vectors.T * values @ vectors, matrix, rtol=0, atol=1e-13 * norm)
    off = diagonal - np.diag(values)
    assert np.abs(off).max() <= 1e-17 * norm


def test_a_diagonal_matrix_is_left_as_it_is() -> None:
    matrix, vectors = np.diag([3.0, -1.0, 0.0]), np.empty((3, 3))
    compiled("symmetric_eigen")(matrix, vectors)
    assert np.array_equal(matrix, np.diag([3.0, -1.0, 0.0]))
    assert np.array_equal(vectors, np.eye(3))


def test_nan_ends_and_stays() -> None:
    matrix, vectors = np.full((4, 4), np.nan), np.empty((4, 4))
    compiled("symmetric_eigen")(matrix, vectors)
    assert np.all(np.isnan(np.diag(matrix)))
    right = np.ones(4)
    compiled("solve_semidefinite")(np.full((4, 4), np.nan), right, np.empty((4, 4)))
    assert np.all(np.isnan(right))


@pytest.mark.parametrize("size", [1, 2, 5, 40])
def test_cholesky_factor(size: int) -> None:
    root = np.random.default_rng(size).standard_normal((size, size + 5))
    matrix, factor = root @ root.T, np.zeros((size, size))
    assert compiled("cholesky")(matrix, factor)
    np.testing.assert_allclose(factor, np.linalg.cholesky(matrix), rtol=1e-11, atol=1e-13 * size)


@pytest.mark.parametrize("rank", [0, 1, 4, 9])
def test_solutions_are_those_of_the_pseudo_inverse(rank: int) -> None:
    generator = np.random.default_rng(rank)
    root, right = generator.standard_normal((9, rank)), generator.standard_normal(9)
    root[:, : rank // 2] *= 1e-3  # a condition number above 1e6
    matrix = root @ root.T
    expected = np.linalg.pinv(matrix, rcond=1e-12, hermitian=True) @ right
    found = right.copy()
    compiled("solve_semidefinite")(matrix, found, np.empty((9, 9)))
    values = np.linalg.svd(root, compute_uv=False) ** 2
    condition = values[0] / values[-1] if rank else 1.0
    # both are backward stable: relative errors of the condition number times rounding
    error = 10 * np.finfo(float).eps * condition * np.linalg.norm(expected)
    np.testing.assert_allclose(found, expected, rtol=0, atol=error)


def test_plain_python_gives_the_same() -> None:
    matrix = symmetric("indefinite", 5)
    pairs = []
    for function in (linear_algebra.symmetric_eigen, compiled("symmetric_eigen")):
        diagonal, vectors = matrix.copy(), np.empty((5, 5))
        function(diagonal, vectors)
        pairs.append((diagonal, vectors))
    for plain, fast in zip(*pairs, strict=True):
        np.testing.assert_allclose(plain, fast, rtol=0, atol=1e-14)
