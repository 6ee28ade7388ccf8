"""Figures of a comparison, by kind: ``comparison.plot(kind)``, ``optbench plot``, ``--figures``.

Each kind is a module with one object, see :class:`optbench.plots.kind.Kind`: its data (which is
written as CSV), how it is drawn, and its caption.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from optbench.errors import UserError
from optbench.files import replace_file
from optbench.options import suggest
from optbench.plots.angles import ANGLES
from optbench.plots.data_profile import DATA_PROFILE
from optbench.plots.ecdf import ECDF
from optbench.plots.kind import Asked, Kind, NothingToShow
from optbench.plots.loss import LOSS
from optbench.plots.pareto import PARETO
from optbench.plots.path import PATH
from optbench.plots.performance_profile import PERFORMANCE_PROFILE
from optbench.plots.phase_diagram import PHASE_DIAGRAM
from optbench.plots.quality_profile import QUALITY_PROFILE
from optbench.plots.rows import part
from optbench.plots.selection import SELECTION
from optbench.plots.sensitivity import SENSITIVITY
from optbench.plots.status_map import STATUS_MAP
from optbench.plots.weights import WEIGHTS

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from optbench.result import Comparison

KINDS = (
    LOSS, SELECTION, PATH, ANGLES, WEIGHTS, SENSITIVITY, STATUS_MAP, PHASE_DIAGRAM, PARETO, ECDF,
    PERFORMANCE_PROFILE, DATA_PROFILE, QUALITY_PROFILE,
)  # fmt: skip
SUFFIXES = (".pdf", ".svg", ".png")
NO_DATE = {".pdf": {"CreationDate": None}, ".svg": {"Date": None}, ".png": {"Software": None}}


class Drawn(NamedTuple):
    """A figure, the numbers behind it, and its caption."""

    figure: Figure
    data: pd.DataFrame
    caption: str


def find(name: str) -> Kind:
    """Return a kind by its name.

    Raises
    ------
    UserError
        With the name that may be meant, or all names.
    """
    known = {kind.name: kind for kind in KINDS}
    if name not in known:
        raise UserError(
            f"unknown kind of figure {name!r}{suggest(name, known)}; `optbench plot` lists all"
        )
    return known[name]


def draw(
    comparison: Comparison,
    kind: str,
    asked: Asked | None = None,
    instances: Iterable[str] = (),
    optimizers: Iterable[str] = (),
) -> Drawn:
    """Draw a comparison.

    Parameters
    ----------
    comparison : Comparison
    kind : str
        The name of one of ``KINDS``.
    asked : Asked, optional
        How wide, and against what.
    instances, optimizers : iterable of str
        Which of them; none: all, see :func:`optbench.plots.rows.part`.

    Raises
    ------
    UserError
        For an unknown name, or when there is nothing to show.
    """
    from optbench.plots.style import printed

    own, wanted = find(kind), asked or Asked()
    own.check(wanted)
    shown = part(comparison, tuple(instances), tuple(optimizers))
    data = own.data(shown)
    with printed():
        figure = own.draw(data, wanted)
        _lay_out(figure)
    return Drawn(figure, data, own.caption(shown, data, wanted, figure))


def _lay_out(figure: Figure) -> None:
    """Place panels and legend for good: to do it again for every file would cost most of the time.

    The first pass moves axes, so that their ticks and with them the room for numbers may change.
    """
    for _ in range(2):
        figure.draw_without_rendering()
    figure.set_layout_engine("none")


def save(drawn: Drawn, file: Path) -> None:
    """Write a figure, and its numbers and caption beside it: ``loss.pdf``, ``.csv``, ``.txt``.

    The same numbers give the same bytes.

    Raises
    ------
    UserError
        For a suffix that is none of ``SUFFIXES``, or when a file cannot be written.
    """
    check_suffix(file)
    from optbench.plots.style import printed

    beside = {
        file.with_suffix(".csv"): drawn.data.to_csv(index=False, lineterminator="\n"),
        file.with_suffix(".txt"): drawn.caption + "\n",
    }
    for other, text in beside.items():
        _check_own(other, text)
    content = io.BytesIO()
    with printed():
        suffix = file.suffix.lower()
        drawn.figure.savefig(content, format=suffix[1:], metadata=NO_DATE[suffix])
    try:
        replace_file(file, content.getvalue())
        for other, text in beside.items():
            replace_file(other, text.encode())
    except OSError as error:
        raise UserError(f"{file}: {error.strerror}") from None


def _check_own(file: Path, text: str) -> None:
    """Refuse to write over a file beside a figure that is no figure's: it begins otherwise."""
    if not file.exists():
        return
    first = text.partition("." if file.suffix == ".txt" else "\n")[0].encode()
    try:
        with file.open("rb") as there:
            own = there.read(len(first)) == first
    except OSError as error:
        raise UserError(f"{file}: {error.strerror}") from None
    if not own:
        raise UserError(f"{file} would be written over, and is not of this figure: name another")


def check_suffix(file: Path) -> None:
    """Refuse a file whose suffix names no format that figures have.

    Raises
    ------
    UserError
    """
    if file.suffix.lower() not in SUFFIXES:
        raise UserError(f"{file}: the name of a figure must end in {' or '.join(SUFFIXES)}")


def save_all(comparison: Comparison, folder: Path, suffix: str = ".svg") -> list[str]:
    """Write every figure that there is to ``folder/KIND.svg``; say why the others are not there.

    Parameters
    ----------
    comparison : Comparison
    folder : Path
        An existing folder.
    suffix : str
        One of ``SUFFIXES``.
    """
    missing = []
    for kind in KINDS:
        try:
            drawn = draw(comparison, kind.name)
        except NothingToShow as reason:
            missing.append(f"no figure {reason}")
        else:
            save(drawn, folder / f"{kind.name}{suffix}")
    return missing


__all__ = [
    "KINDS", "SUFFIXES", "Asked", "Drawn", "Kind", "NothingToShow", "check_suffix", "draw", "find",
    "save", "save_all",
]  # fmt: skip
