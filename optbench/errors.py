"""The one exception that carries a message for the user: one line, exit code 2."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any


class UserError(ValueError):
    """Wrong input, said in one line: what is wrong, where, and what would be right."""


def one_line(error: Exception) -> str:
    """Return the type and message of an error of someone else's code in one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


def shown_path(file: str) -> str:
    """Return a path as seen from the current folder where it is below it."""
    path = Path(file)
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def first_line(function: Callable[..., Any]) -> tuple[str, int]:
    """Return the file of a plug-in's function, as shown, and the line on which it begins."""
    code = inspect.unwrap(function).__code__
    return shown_path(code.co_filename), code.co_firstlineno
