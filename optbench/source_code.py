"""The source of a plug-in's function, as a syntax tree; imports that read the source itself."""

from __future__ import annotations

import ast
import contextlib
import inspect
import sys
import textwrap
from collections.abc import Callable, Iterator
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


@contextlib.contextmanager
def without_byte_code() -> Iterator[None]:
    """Write no byte code of what is imported meanwhile.

    Byte code is told from its source by a second and a size: two edits may look alike.
    """
    writes, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        yield
    finally:
        sys.dont_write_bytecode = writes
