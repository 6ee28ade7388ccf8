"""Which optimizer solves how much, how fast: runtime ECDF and Dolan-More performance profile.

Both read the same table: for every optimizer the cost (steps or seconds) of each (problem, target)
pair, inf where the pair was never solved.  Pairs that nobody solves stay in the denominator.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from optbench.errors import UserError

if TYPE_CHECKING:
    from optbench.columns import ConvergenceRow

Curves = tuple[NDArray[np.float64], dict[str, NDArray[np.float64]]]


def common_horizon(rows: Sequence[ConvergenceRow]) -> int:
    """Return how many steps every row was given: one that runs on for its theorem reaches more."""
    return min(row.horizon for row in rows)


def costs_within(
    row: ConvergenceRow, costs: Mapping[str, float | None], horizon: int
) -> dict[str, float]:
    """Return what each target costs a row; inf where it is not kept from the horizon on.

    Parameters
    ----------
    row : ConvergenceRow
    costs : mapping of str to float or None
        Of each target, in any unit: steps, evaluations or seconds.
    horizon : int
        In steps.
    """
    return {
        target: math.inf if cost is None or (row.steps_to.get(target) or 0.0) > horizon else cost
        for target, cost in costs.items()
    }


def runtime_ecdf(costs: Mapping[str, ArrayLike]) -> Curves:
    """Fraction of (problem, target) pairs that each optimizer solves within a cost.

    Parameters
    ----------
    costs : mapping of str to array_like
        Optimizer name to costs; the same shape for all, entry i the same pair for all; inf (or
        nan) means never.

    Returns
    -------
    x : ndarray, shape (k,)
        Every cost at which a curve steps up, increasing; shared by the curves.
    fractions : dict of str to ndarray, shape (k,)
        Right-continuous step functions: fraction of pairs with cost <= x.

    Raises
    ------
    UserError
        When the table is empty, ragged or holds a negative cost.

    References
    ----------
    N. Hansen, A. Auger, R. Ros, O. Mersmann, T. Tusar, D. Brockhoff, "COCO: a platform for
    comparing continuous optimizers in a black-box setting", 2021, arXiv:1603.08785.
    """
    names, table = _as_table(costs)
    return _distributions(names, table, np.unique(table[np.isfinite(table)]))


def performance_profile(costs: Mapping[str, ArrayLike]) -> Curves:
    """Fraction of pairs that each optimizer solves within a factor of the best one's cost.

    Parameters
    ----------
    costs : mapping of str to array_like
        As for `runtime_ecdf`.

    Returns
    -------
    x : ndarray, shape (k,)
        Cost ratios at which a curve steps up, increasing from 1; shared by the curves.
    fractions : dict of str to ndarray, shape (k,)
        Fraction of pairs with cost <= x times the least cost on that pair.  At x = 1: how often
        it is (one of) the fastest.  At the last x: how much it solves, except that no factor
        reaches a best cost of 0.

    Raises
    ------
    UserError
        When the table is empty, ragged or holds a negative cost.

    References
    ----------
    E. D. Dolan, J. J. More, "Benchmarking optimization software with performance profiles",
    2002, doi:10.1007/s101070100263.
    """
    names, table = _as_table(costs)
    best = table.min(axis=0)
    ratios = np.full(table.shape, np.inf)
    np.divide(table, best, out=ratios, where=np.isfinite(table) & (best > 0))
    ratios[(table == best) & np.isfinite(best)] = 1.0
    finite = ratios[np.isfinite(ratios)]
    return _distributions(names, ratios, np.unique(np.append(finite, 1.0)))


def sentence(costs: Mapping[str, ArrayLike]) -> str:
    """One plain sentence: who solves most, and who is fastest most often.

    Parameters
    ----------
    costs : mapping of str to array_like
        As for `runtime_ecdf`.

    Returns
    -------
    str
        Ties are named in the order of the table; a pair with several fastest optimizers counts
        for each of them.

    Raises
    ------
    UserError
        When the table is empty, ragged or holds a negative cost.
    """
    names, table = _as_table(costs)
    pairs = table.shape[1]
    solved = np.isfinite(table)
    solves = solved.sum(axis=1)
    if not solved.any():
        return f"No optimizer solves any of the {pairs} (problem, target) pairs."
    of = f"of the {pairs} (problem, target) pairs"
    if len(names) == 1:
        return f"{names[0]} solves {solves[0]} {of}, with no other optimizer to compare it to."
    fastest = (solved & (table == table.min(axis=0))).sum(axis=1)
    most, most_many = _leaders(names, solves)
    quick, quick_many = _leaders(names, fastest)
    first = f"{most} solve{'' if most_many else 's'} the most ({solves.max()} {of}"
    second = f"{quick} {'are' if quick_many else 'is'} the fastest most often ({fastest.max()}"
    each = (" each" if most_many else "", " each" if quick_many else "")
    return f"{first}{each[0]}); {second}{each[1]}, ties counted for all)."


def _leaders(names: list[str], counts: NDArray[np.int_]) -> tuple[str, bool]:
    """Names that share the largest count, as a phrase, and whether they are several."""
    top = [name for name, count in zip(names, counts, strict=True) if count == counts.max()]
    if len(top) == 1:
        return top[0], False
    if len(top) == len(names) > 2:
        return f"all {len(top)} optimizers", True
    return f"{', '.join(top[:-1])} and {top[-1]}", True


def _distributions(names: list[str], table: NDArray[np.float64], x: NDArray[np.float64]) -> Curves:
    """Empirical distribution function of each row of the table, on the common points x."""
    ordered = np.sort(table, axis=1)
    pairs = table.shape[1]
    counts = (np.searchsorted(row, x, side="right") for row in ordered)
    return x, {name: count / pairs for name, count in zip(names, counts, strict=True)}


def _as_table(costs: Mapping[str, ArrayLike]) -> tuple[list[str], NDArray[np.float64]]:
    """Names and costs, shape (optimizers, pairs), nan turned into inf."""
    if not costs:
        raise UserError("costs is empty, but a profile needs at least one optimizer")
    rows = {name: np.asarray(row, dtype=np.float64) for name, row in costs.items()}
    first = next(iter(rows))
    for name, row in rows.items():
        if row.shape != rows[first].shape:
            raise UserError(
                f"costs of {name!r} have shape {row.shape}, but those of {first!r} have "
                f"{rows[first].shape}: one cost per (problem, target) pair, inf where never solved"
            )
    table = np.array([row.ravel() for row in rows.values()])
    if table.shape[1] == 0:
        raise UserError("costs hold no (problem, target) pair, but a profile needs at least one")
    if (table < 0).any():
        raise UserError("costs hold a negative number, but steps and seconds are 0 or more")
    return list(rows), np.where(np.isnan(table), np.inf, table)
