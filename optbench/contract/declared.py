"""What every plug-in file may declare."""

from __future__ import annotations


class Declared:
    """What a plug-in file may declare: an optimizer, a problem, a claim."""
