"""What a reader of a format is told, and what it returns."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from optbench.data.dataset import Matrix, Vector
from optbench.errors import UserError

if TYPE_CHECKING:
    from scipy.sparse import csr_array


class ReadOptions(NamedTuple):
    """What the caller says about the columns of a file.

    Parameters
    ----------
    target : str or int, optional
        Name or position (from 0) of the target column; the last by default.
    header : bool, optional
        Whether the first line names the columns; by default the line itself tells.
    regression : bool
        Targets are numbers; otherwise text becomes classes.
    """

    target: str | int | None = None
    header: bool | None = None
    regression: bool = False

    def refuse(self, what: str, *names: str) -> None:
        """Raise for the options that have no meaning for this kind of file."""
        for name in names:
            if getattr(self, name) is not None:
                raise UserError(f"option {name} has no meaning for {what}; leave it out")


class Content(NamedTuple):
    """What a file holds.

    Parameters
    ----------
    features : ndarray or scipy.sparse.csr_array, shape (n, d), float64
    targets : ndarray, shape (n,), float64
    labels : tuple of str
        Text of the classes 0, 1, ...; empty where the targets are numbers of the file.
    notes : tuple of str
        How the file was understood, where another reading is possible.
    """

    features: Matrix | csr_array
    targets: Vector
    labels: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
