"""What touches Numba's insides: the cache, calls by address, vectors, bounds, errors."""
