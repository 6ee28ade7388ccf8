"""The reference solutions of an instance: solved when they are asked for, kept on disk."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING

from optbench.errors import UserError, one_line
from optbench.norm_names import FAMILIES, member_name
from optbench.store.references import stored

if TYPE_CHECKING:
    from optbench.instance import Instance
    from optbench.references import Reference

INFINITE = float("inf")
EFFECTIVE_P = (1.0, 1.1, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0, 4.0, 6.0, 10.0, INFINITE)
EXPONENTS = {"lp": EFFECTIVE_P, "schatten": (1.0, 1.25, 1.5, 2.0, 3.0, 4.0, 6.0, INFINITE)}


def solved(instance: Instance) -> dict[str, Reference]:
    """Return all reference solutions that could be found, each with its certificate."""
    return _of(instance).solved


def unsolved(instance: Instance) -> dict[str, str]:
    """Return why a reference of :func:`solved` is missing."""
    return _of(instance).unsolved


def norm_grid(instance: Instance, family: str = "lp") -> dict[float, Reference]:
    """Return the certified reference of largest margin or least norm for each p of a grid.

    Parameters
    ----------
    instance : Instance
    family : {"lp", "schatten"}
        p-norms of the entries, or, of a matrix, of the singular values.
    """
    return _of(instance).norm_grid(family)


def family_member(instance: Instance, family: str, value: float) -> Reference:
    """Return the reference of a one-parameter family, such as ``("lp", 3.0)``."""
    return _of(instance).family_member(family, value)


def _of(instance: Instance) -> _Solutions:
    kept: _Solutions = vars(instance).setdefault("_solutions", _Solutions(instance))
    return kept


class _Solutions:
    """The references of one instance: solved once as long as the instance lives."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._grids: dict[str, dict[float, Reference]] = {}

    @functools.cached_property
    def solved(self) -> dict[str, Reference]:
        found = {}
        for name, solve in self._instance.references.items():
            try:
                found[name] = self._stored(name, solve)
            except UserError as error:
                self.unsolved[name] = str(error)
        return found

    @functools.cached_property
    def unsolved(self) -> dict[str, str]:
        return {}

    def family_member(self, family: str, value: float) -> Reference:
        own = member_name(family, value) if family in FAMILIES else None
        if own in self.solved:
            return self.solved[own]
        solve = self._instance.parametric[family]
        return self._stored(f"{family}({value!r})", lambda: solve(value))

    def norm_grid(self, family: str) -> dict[float, Reference]:
        if family not in self._grids:
            given = EXPONENTS[family] if family in self._instance.parametric else ()
            found = {p: self.family_member(family, p) for p in given}
            self._grids[family] = {p: each for p, each in found.items() if each.certified}
        return self._grids[family]

    def _stored(self, name: str, solve: Callable[[], Reference]) -> Reference:
        own = self._instance
        try:
            return stored(f"{own.identity}|{name}", solve)
        except UserError:
            raise
        except Exception as error:  # of a plug-in's solver, or of SciPy on data it cannot solve
            where = f"{own.problem}:{own.name}: reference {name!r}"
            raise UserError(f"{where}: {one_line(error)}") from error
