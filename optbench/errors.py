"""The one exception that carries a message for the user: one line, exit code 2."""

from __future__ import annotations


class UserError(ValueError):
    """Wrong input, said in one line: what is wrong, where, and what would be right."""
