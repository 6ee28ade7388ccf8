"""Names of norms in tables: entrywise L_p ("l1", "l2", "linf", "l3"), and Schatten norms.

The Schatten p-norm of a matrix is the p-norm of its singular values: "nuclear" for p = 1, "l2"
(Frobenius, which is entrywise as well) for p = 2, "spectral" for p = inf, else "schatten3".  A norm
is a member of the family "lp", of "schatten", or of both.
"""

from __future__ import annotations

import re

import numpy as np

FAMILIES = ("lp", "schatten")
_SCHATTEN = {"nuclear": 1.0, "l2": 2.0, "spectral": np.inf}


def norm_name(p: float) -> str:
    """Name of the p-norm in tables: "l1", "l1.5", "l2", "linf"."""
    return "linf" if np.isinf(p) else f"l{p:g}"


def schatten_name(p: float) -> str:
    """Name of the Schatten p-norm in tables: "nuclear", "l2", "spectral", "schatten3"."""
    return next((name for name, own in _SCHATTEN.items() if own == p), f"schatten{p:g}")


def member_name(family: str, p: float) -> str:
    """Name of a member of the family "lp" or "schatten"."""
    return schatten_name(p) if family == "schatten" else norm_name(p)


def exponents_of(norm: str | None) -> dict[str, float]:
    """Exponent of a norm in each of the families that it belongs to.

    Parameters
    ----------
    norm : str or None
        Its name in tables.

    Returns
    -------
    dict of str to float
        ``{"lp": 2.0, "schatten": 2.0}`` of "l2", ``{"schatten": 1.0}`` of "nuclear", nothing of
        what is no member.
    """
    found = {}
    for family, prefix in (("lp", "l"), ("schatten", "schatten")):
        told = re.fullmatch(rf"{prefix}(inf|[0-9.]+(?:e[+-]?[0-9]+)?)", norm or "")
        if told:
            found[family] = float(told[1])
    if norm in _SCHATTEN:
        found["schatten"] = _SCHATTEN[norm]
    return found
