"""Parametrizations by name: ``parametrization("diagonal:depth=3,scale=0.01", dimension)``."""

from __future__ import annotations

import functools
from typing import Any

from optbench.errors import UserError
from optbench.identity import identity
from optbench.options import parse_options, parse_specification, suggest
from optbench.parametrizations.base import Builder, Parametrization
from optbench.parametrizations.circular import circular
from optbench.parametrizations.deep_linear import deep_linear
from optbench.parametrizations.diagonal import diagonal
from optbench.parametrizations.group import group
from optbench.parametrizations.hadamard import hadamard
from optbench.parametrizations.initial_layers import INITIAL_LAYERS
from optbench.parametrizations.k_support import k_support
from optbench.parametrizations.linear import linear
from optbench.parametrizations.nonnegative import nonnegative
from optbench.parametrizations.residual import residual
from optbench.parametrizations.weight_normalized import weight_normalized
from optbench.sweeps import combinations

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


@functools.lru_cache(maxsize=256)
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
    options = parse_options(f"parametrization {name}", given, _defaults(name))
    return PARAMETRIZATIONS[name](dimension, **options)


def written_out(specification: str) -> list[str]:
    """Return the specifications that several values stand for: ``diagonal:scale=1e-4:1:9``.

    Raises
    ------
    UserError
        For an unknown name, an unknown key, or too many combinations.
    """
    name, given = parse_specification(specification)
    defaults, words = _defaults(name), {"init": tuple(INITIAL_LAYERS)}
    swept = combinations(f"parametrization {name}", given, defaults, words)
    texts = [",".join(f"{key}={value}" for key, value in each.items()) for each in swept]
    return [f"{name}:{text}" if text else name for text in texts]


def _defaults(name: str) -> dict[str, Any]:
    """Return the options of a parametrization, the names of its builder, with their defaults."""
    if name not in PARAMETRIZATIONS:
        raise UserError(f"unknown parametrization {name!r}{suggest(name, PARAMETRIZATIONS)}")
    builder = PARAMETRIZATIONS[name]
    names = builder.__code__.co_varnames[1 : builder.__code__.co_argcount]
    return dict(zip(names, builder.__defaults__ or (), strict=True))


def as_typed(built: Parametrization, dimension: int) -> str:
    """Return the specification that another process builds the same parametrization from.

    Raises
    ------
    UserError
        When it was made by hand and has none.
    """
    name = built.name.partition(":")[0]
    if name in PARAMETRIZATIONS:
        again = parametrization(built.name, dimension)
        if identity(again) == identity(built):
            return built.name
    raise UserError(f"parametrization {built.name!r} was made by hand: it cannot be sent")


__all__ = ["PARAMETRIZATIONS", "Parametrization", "as_typed", "parametrization", "written_out"]
