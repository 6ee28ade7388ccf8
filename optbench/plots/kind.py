"""What a kind of figure is: its data, its drawing and its caption, each from the one before it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optbench.errors import UserError
from optbench.options import suggest

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from optbench.result import Comparison

WIDTHS = {"one": 3.25, "two": 6.75}  # inches: of one column and of both columns of a paper
AGAINST = ("steps", "evaluations", "seconds")


class NothingToShow(UserError):
    """A comparison holds nothing that a kind of figure could show; the message says why."""


@dataclass(frozen=True)
class Asked:
    """What a user asks of a figure beside its kind.

    Attributes
    ----------
    width : {"one", "two"}
        Columns of a paper.
    against : str
        What progress is shown against, where a kind has several answers.
    """

    width: str = "two"
    against: str = "steps"

    @property
    def inches(self) -> float:
        """How wide the figure is."""
        return WIDTHS[self.width]


@dataclass(frozen=True)
class Kind:
    """One kind of figure.

    Attributes
    ----------
    name : str
        What users type.
    shows : str
        What it shows, in one sentence: for the list of kinds and as the caption's first sentence.
    data : callable
        ``data(comparison)`` returns the numbers behind the figure, one row each: the figure's CSV.
        It raises :class:`NothingToShow` where there are none.
    draw : callable
        ``draw(data, asked)`` returns the figure.
    read : callable
        ``read(data, asked)`` returns the caption's sentences on how to read it, and on what of the
        data is not drawn.
    against : tuple of str
        What it can be drawn against; empty where that is no question.
    """

    name: str
    shows: str
    data: Callable[[Comparison], pd.DataFrame]
    draw: Callable[[pd.DataFrame, Asked], Figure]
    read: Callable[[pd.DataFrame, Asked], str]
    against: tuple[str, ...] = ()

    def caption(self, comparison: Comparison, data: pd.DataFrame, asked: Asked) -> str:
        """Return what it shows, how to read it, and on what it was measured, in sentences."""
        from optbench.plots.caption import setting

        told = [self.shows, self.read(data, asked), setting(comparison, data)]
        return " ".join(part for part in told if part)

    def check(self, asked: Asked) -> None:
        """Refuse what this kind cannot be asked.

        Raises
        ------
        UserError
        """
        if asked.width not in WIDTHS:
            raise UserError(f"width {asked.width!r}: must be {' or '.join(WIDTHS)} columns")
        if asked.against not in (self.against or AGAINST[:1]):
            known = " or ".join(self.against)
            right = f"must be {known}" if known else f"{self.name} is drawn against nothing else"
            raise UserError(f"against {asked.against!r}{suggest(asked.against, AGAINST)}: {right}")
