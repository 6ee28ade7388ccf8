"""Where in its source a kernel does not compile: one line in place of Numba's page.

Numba's errors know the line of a statement (``loc``).  What fails in a function that the kernel
calls is an error of its own, flattened to text in that of the kernel: a listener to Numba's
events keeps it.
"""

from __future__ import annotations

import contextlib
import linecache
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import numba
from numba.core import event, ir

from optbench.contract.habits import advice
from optbench.errors import UserError, first_line, shown_path

NUMBA = Path(numba.__file__).parent
GENERATED = "<"  # begins the name of a file that is none
NO_STATEMENT = ('"""', "'''", "#")
NOISE = ("Failed in", "During", "[", "- Resolution", "There are", "- Of which")


class _Failures(event.Listener):
    """The errors of all functions that did not compile, innermost first."""

    def __init__(self) -> None:
        self.errors: list[BaseException] = []

    def on_start(self, event: Any) -> None:
        """Nothing has failed yet."""

    def on_end(self, event: Any) -> None:
        """Keep the error that ends this function, if there is one."""
        error = sys.exc_info()[1]
        if error is not None and error not in self.errors:
            self.errors.append(error)


@contextlib.contextmanager
def compile_errors(what: str, kernel: Callable[..., Any]) -> Iterator[None]:
    """Say in one line what does not compile meanwhile.

    Parameters
    ----------
    what : str
        The kind and name of the plug-in's function.
    kernel : callable
        The function: its first line is the last resort.

    Raises
    ------
    UserError
        File and line of the statement, the statement, and why.
    """
    failures = _Failures()
    try:
        with event.install_listener("numba:compile", failures):
            yield
    except UserError:
        raise
    except Exception as error:  # Numba raises more than its own errors on invalid code
        culprit, found = _culprit(error, failures.errors)
        linecache.checkcache()  # the file may have been edited since it was read
        statement = linecache.getline(*found).strip() if found else ""
        if statement.startswith(NO_STATEMENT):  # Numba was at the whole file
            found, statement = None, ""
        file, line = found or first_line(kernel)
        at = f" at `{statement}`" if statement else ""
        reason = _reason(culprit, statement)
        raise UserError(
            f"{shown_path(file)}:{line}: {what} does not compile{at}: {reason}"
        ) from None


def _culprit(
    error: BaseException, failures: list[BaseException]
) -> tuple[BaseException, tuple[str, int] | None]:
    """Return the innermost error that the last one tells of, and its place in a source file.

    Numba tries several versions of a function; errors of those that it gave up are not told.
    """
    whole = " ".join(str(error).split())  # what it tells of inner errors is indented
    for failure in failures:
        place = _place(failure)
        if place is not None and " ".join(str(failure).split()) in whole:
            return failure, place
    return error, _place(error)


def _place(error: BaseException) -> tuple[str, int] | None:
    """Return file and line of the innermost statement in a source that is not Numba's own."""
    for loc in (getattr(error, "loc", None), *_locations(error.__traceback__)):
        if isinstance(loc, ir.Loc) and loc.line is not None:
            own = not Path(loc.filename).is_relative_to(NUMBA)
            if own and not loc.filename.startswith(GENERATED):
                return loc.filename, loc.line
    return None


def _locations(traceback: TracebackType | None) -> Iterator[Any]:
    """Yield the statements that the compiler was at, innermost first."""
    frames = []
    while traceback is not None:
        frames.append(traceback.tb_frame)
        traceback = traceback.tb_next
    for frame in reversed(frames):
        found = frame.f_locals
        yield found.get("loc")
        for name in ("inst", "self"):
            yield vars(found[name]).get("loc") if hasattr(found.get(name), "__dict__") else None


def _reason(error: BaseException, statement: str) -> str:
    """Return what to write, what is behind Numba's message, or its telling lines."""
    text = str(error)
    if known := advice(statement):
        return known
    if "allocate" in text or "NRT required" in text:
        return (
            "it allocates memory; hold arrays in a Slot or in scratch and write into them instead"
        )
    if not statement and "getitem(float64" in text:  # in what is generated around a row loss
        return "it returns one number; it must return two, `return loss, slope`"
    # Numba fails on ``array[:] += x`` before it says that the array is read only
    in_place = isinstance(error, AttributeError) and "= " in statement
    if "setitem(readonly" in text or in_place:
        return "it writes into an array that is read only"
    before = text.partition("\nFile ")[0]  # Numba shows the source then
    lines = [line.strip().removeprefix(">>> ") for line in before.splitlines()]
    telling = [line for line in lines if line and not line.startswith(NOISE)]
    return " ".join(telling[:2]) or type(error).__name__
