"""Parametrizations by name: ``parametrization("diagonal:depth=3,scale=0.01", dimension)``."""

from __future__ import annotations

from optbench.errors import UserError
from optbench.options import parse_options, parse_specification, suggest
from optbench.parametrizations.base import Builder, Parametrization
from optbench.parametrizations.circular import circular
from optbench.parametrizations.deep_linear import deep_linear
from optbench.parametrizations.diagonal import diagonal
from optbench.parametrizations.group import group
from optbench.parametrizations.hadamard import hadamard
from optbench.parametrizations.k_support import k_support
from optbench.parametrizations.linear import linear
from optbench.parametrizations.nonnegative import nonnegative
from optbench.parametrizations.residual import residual
from optbench.parametrizations.weight_normalized import weight_normalized

PARAMETRIZATIONS: dict[str, Builder] = {
    "linear": linear,
    "diagonal": diagonal,
    "hadamard": hadamard,
    "nonnegative": nonnegative,
    "weight_normalized": weight_normalized,
    "group": group,
    "k_support": k_support,
    "deep_linear": deep_linear,
    "residual": residual,
    "circular": circular,
}


def parametrization(specification: str, dimension: int) -> Parametrization:
    """Build a parametrization for predictors of ``dimension`` numbers.

    Parameters
    ----------
    specification : str
        ``NAME`` or ``NAME:key=value,...``, e.g. ``deep_linear:widths=16x16,scale=0.5``.
    dimension : int
        Size of the predictor.

    Raises
    ------
    UserError
        For an unknown name, an unknown key or a value out of range.
    """
    name, given = parse_specification(specification)
    if name not in PARAMETRIZATIONS:
        raise UserError(f"unknown parametrization {name!r}{suggest(name, PARAMETRIZATIONS)}")
    builder = PARAMETRIZATIONS[name]
    defaults = dict(
        zip(
            builder.__code__.co_varnames[1 : builder.__code__.co_argcount],
            builder.__defaults__ or (),
            strict=True,
        )
    )
    return builder(dimension, **parse_options(f"parametrization {name}", given, defaults))


__all__ = ["PARAMETRIZATIONS", "Parametrization", "parametrization"]
