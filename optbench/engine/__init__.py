"""The one jitted loop and what it is made of."""

from optbench.engine.known_numba import require_known_numba

require_known_numba()
