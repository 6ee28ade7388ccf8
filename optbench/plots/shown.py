"""A figure that a notebook shows as it is, whether pyplot was imported or not."""

from __future__ import annotations

import io

from matplotlib.figure import Figure

DOTS_ON_SCREEN = 110  # per inch


class ShownFigure(Figure):
    """A figure with a picture of itself for notebooks."""

    def _repr_png_(self) -> bytes:
        stream = io.BytesIO()
        self.savefig(stream, format="png", dpi=DOTS_ON_SCREEN)
        return stream.getvalue()
