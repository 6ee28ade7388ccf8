"""Why there is no figure."""

from __future__ import annotations

from optbench.errors import UserError


class NothingToShow(UserError):
    """A comparison holds nothing that a kind of figure could show; the message says why."""
