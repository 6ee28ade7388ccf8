"""Random functions on [-1, 1]^2, many at a time, for methods that see their values alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Array = np.ndarray
Function = Callable[[Array], tuple[Array, Array]]
DIMENSION, WAVES, UNITS = 2, 16, 8
LENGTHS = (0.5, 2.0)  # of the Gaussian processes


def processes(
    generator: np.random.Generator, count: int, lengths: tuple[float, float] = LENGTHS
) -> Function:
    """Draw Gaussian processes of variance 1 and log-uniform lengths, by random Fourier features.

    A function maps one point for each of them, (count, 2), to values (count,) and slopes.
    """
    shortest, longest = np.log(lengths)
    scales = np.exp(generator.uniform(shortest, longest, (count, 1, 1)))
    waves = generator.standard_normal((count, WAVES, DIMENSION)) / scales
    phases = generator.uniform(0.0, 2.0 * np.pi, (count, WAVES))
    sizes = np.sqrt(2.0 / WAVES) * generator.standard_normal((count, WAVES))

    def evaluate(x: Array) -> tuple[Array, Array]:
        angles = (waves @ x[:, :, None])[:, :, 0] + phases
        slopes = -((sizes * np.sin(angles))[:, None] @ waves)[:, 0]
        return np.sum(sizes * np.cos(angles), axis=1), slopes

    return evaluate


def networks(generator: np.random.Generator, count: int) -> Function:
    """Draw networks a . tanh(W x + b) of eight units, Gaussian weights."""
    weights = 2.0 * generator.standard_normal((count, UNITS, DIMENSION))
    shifts = generator.standard_normal((count, UNITS))
    sizes = np.sqrt(2.0 / UNITS) * generator.standard_normal((count, UNITS))

    def evaluate(x: Array) -> tuple[Array, Array]:
        inside = np.tanh((weights @ x[:, :, None])[:, :, 0] + shifts)
        slopes = ((sizes * (1.0 - inside**2))[:, None] @ weights)[:, 0]
        return np.sum(sizes * inside, axis=1), slopes

    return evaluate


def branin(generator: np.random.Generator, count: int) -> Function:
    """Return Branin's function with random reflections; mean 0, variance 1 over the square."""
    signs = generator.choice([-1.0, 1.0], (count, DIMENSION))
    grid = np.stack(np.meshgrid(*[np.linspace(-1.0, 1.0, 101)] * 2), axis=-1).reshape(-1, 2)
    values = _branin(grid)

    def evaluate(x: Array) -> tuple[Array, Array]:
        return (_branin(x * signs) - values.mean()) / values.std(), np.zeros_like(x)

    return evaluate


def _branin(x: Array) -> Array:
    first, second = 2.5 + 7.5 * x[:, 0], 7.5 + 7.5 * x[:, 1]
    bend = second - 5.1 / (4.0 * np.pi**2) * first**2 + 5.0 / np.pi * first - 6.0
    return np.asarray(bend**2 + 10.0 * (1.0 - 1.0 / (8.0 * np.pi)) * np.cos(first) + 10.0)


FAMILIES: dict[str, Callable[[np.random.Generator, int], Function]] = {
    "Gaussian processes": processes,
    "networks": networks,
    "Branin": branin,
}
