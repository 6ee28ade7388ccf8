"""The one exception that carries a message for the user: one line, exit code 2."""

from __future__ import annotations


class UserError(ValueError):
    """Wrong input, said in one line: what is wrong, where, and what would be right."""


def one_line(error: Exception) -> str:
    """Return the type and message of an error of someone else's code in one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"
