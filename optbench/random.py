"""Random numbers inside kernels: xoroshiro128+ on a run's own ``rng`` state, uint64 (2,).

The stream depends on the seed alone, never on threads or on what runs beside it.

References
----------
Blackman and Vigna, Scrambled Linear Pseudorandom Number Generators, 2021, arXiv:1805.01407.
"""

from __future__ import annotations

import math

import numpy as np

_MASK_BITS = np.uint64(11)


def _rotate_left(x: np.uint64, bits: int) -> np.uint64:
    return np.uint64(x << np.uint64(bits)) | np.uint64(x >> np.uint64(64 - bits))


def uniform(rng: np.ndarray) -> float:
    """Return the next number uniform on [0, 1) and advance ``rng`` in place."""
    low, high = rng[0], rng[1]
    # 2**64 wraps: the sum of two 64-bit words modulo 2**64, written without overflow warnings
    top = np.uint64(0xFFFFFFFFFFFFFFFF) - low
    total = low + high if high <= top else high - top - np.uint64(1)
    high ^= low
    rng[0] = _rotate_left(low, 24) ^ high ^ np.uint64(high << np.uint64(16))
    rng[1] = _rotate_left(high, 37)
    return float(total >> _MASK_BITS) * 1.1102230246251565e-16


def integer(rng: np.ndarray, bound: int) -> int:
    """Return an integer uniform on 0, ..., bound - 1 and advance ``rng`` in place."""
    return int(uniform(rng) * bound)


def normal(rng: np.ndarray) -> float:
    """Return a standard normal number (Box-Muller, cosine branch) and advance ``rng``."""
    radius = math.sqrt(-2.0 * math.log(1.0 - uniform(rng)))
    return radius * math.cos(2.0 * math.pi * uniform(rng))


def seeded(seed: int) -> np.ndarray:
    """Return the state for ``seed``, uint64 (2,), from NumPy's SeedSequence."""
    return np.random.SeedSequence(seed).generate_state(2, np.uint64)
