"""Which versions of Numba work: the engine builds on what Numba does not document and may change.

The cache, the passes of the compiler, calls by address and named tuples behind pointers are its
insides.  pyproject.toml has the same bounds, so that pip does not install another version; here
they are one line instead of whatever would break first.
"""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, version

from optbench.errors import UserError, one_line

OLDEST, FIRST_UNKNOWN = "0.62.1", "0.69"
REQUIREMENT = f"numba>={OLDEST},<{FIRST_UNKNOWN}"
REMEDY = (
    f"optbench works with Numba {OLDEST} or later, below {FIRST_UNKNOWN}: "
    f"python -m pip install '{REQUIREMENT}'"
)


def require_known_numba() -> None:
    """Raise a UserError unless a version of Numba is installed with which the engine was tested.

    Raises
    ------
    UserError
        When it is missing, older, newer or cannot be imported, as beside a NumPy that it refuses.
    """
    try:
        installed = version("numba")
    except PackageNotFoundError:
        raise UserError(f"Numba is not installed; {REMEDY}") from None
    if not _release(OLDEST) <= _release(installed) < _release(FIRST_UNKNOWN):
        raise UserError(f"Numba {installed} is installed; {REMEDY}")
    try:
        import numba
    except ImportError as error:
        reason = one_line(error)
        raise UserError(f"Numba {installed} cannot be imported ({reason}); {REMEDY}") from None
    assert numba


def _release(text: str) -> tuple[int, ...]:
    """Return the numbers of a version: (0, 69, 0) of 0.69.0rc1."""
    found = re.match(r"\d+(\.\d+)*", text)
    return tuple(map(int, found.group().split("."))) if found else ()
