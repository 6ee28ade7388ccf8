"""The source of a plug-in's function, as a syntax tree."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from typing import Any


def parsed(function: Callable[..., Any]) -> tuple[ast.Module, int]:
    """Return the syntax tree of a function's source, and the line on which that begins.

    Parameters
    ----------
    function : callable
        Plain Python.

    Returns
    -------
    ast.Module
        Its lines are counted from 1.
    int
        The line of the file that is the first of them.

    Raises
    ------
    OSError, TypeError, SyntaxError
        Where there is no source, or where the lines of a lambda are no statement.
    """
    lines, first = inspect.getsourcelines(function)
    return ast.parse(textwrap.dedent("".join(lines))), first
