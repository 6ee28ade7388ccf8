"""Problems of no kind of their own: games, own objectives."""

from __future__ import annotations

from optbench.analysis.kinds.base import Kind

OTHER = Kind()
