"""What a kind of figure is: its data, its drawing and its caption, each from the one before it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optbench.errors import UserError
from optbench.plots.nothing import NothingToShow

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from optbench.result import Comparison

WIDTHS = {"one": 3.25, "two": 6.75}  # inches: of one column and of both columns of a paper
AGAINST = ("steps", "evaluations", "seconds")


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
    panels : tuple of str
        The columns of the data whose values are panels; those for which there is no room on a page
        are left out.
    axes : int
        How many axes a panel has.
    """

    name: str
    shows: str
    data: Callable[[Comparison], pd.DataFrame]
    draw: Callable[[pd.DataFrame, Asked], Figure]
    read: Callable[[pd.DataFrame, Asked], str]
    against: tuple[str, ...] = ()
    panels: tuple[str, ...] = ()
    axes: int = 1

    def caption(
        self, comparison: Comparison, data: pd.DataFrame, asked: Asked, figure: Figure | None = None
    ) -> str:
        """Return what it shows, how to read it, and on what it was measured, in sentences.

        Parameters
        ----------
        comparison : Comparison
        data : DataFrame
        asked : Asked
        figure : Figure, optional
            What was drawn: panels that are not in it are told.
        """
        from optbench.plots.caption import setting

        left_out = "" if figure is None else self._left_out(data, len(figure.axes) // self.axes)
        told = [self.shows, self.read(data, asked), left_out, setting(comparison, data)]
        return " ".join(part for part in told if part)

    def _left_out(self, data: pd.DataFrame, drawn: int) -> str:
        every = data.groupby(list(self.panels)).ngroups if self.panels else drawn
        if every <= drawn:
            return ""
        return (
            f"There is room for the first {drawn} of {every} panels; the data behind the "
            "figure have all of them."
        )

    def check(self, asked: Asked) -> None:
        """Refuse what this kind cannot be asked.

        Raises
        ------
        UserError
        """
        if asked.width not in WIDTHS:
            raise UserError(f"width {asked.width!r}: must be {' or '.join(WIDTHS)}")
        if asked.against not in (self.against or AGAINST[:1]):
            raise UserError(
                f"{self.name} against {asked.against!r}: must be "
                f"{' or '.join(self.against or AGAINST[:1])}"
            )


__all__ = ["AGAINST", "WIDTHS", "Asked", "Kind", "NothingToShow"]
