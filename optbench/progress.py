"""A progress bar for whoever is watching: on stderr of a terminal, or below a notebook's cell."""

from __future__ import annotations

import html
import importlib
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

Report = Callable[[int, int, str], None]

PAUSE = 0.1  # seconds between two states of a notebook's bar, each of which is a message


def progress_of(wanted: Report | bool | None) -> AbstractContextManager[Report]:
    """Return ``report(done, total, label)`` as a context.

    Parameters
    ----------
    wanted : callable, bool or None
        Whom to report to; True: a bar, whether anybody can see it or not; False or None: nobody.
    """
    if wanted is True:
        return _notebook_bar() if _kernel() else _terminal_bar()
    return nullcontext(wanted or _nobody)


def is_watched(quiet: bool) -> bool:
    """Whether a person sees a bar: one goes to stderr, and to nobody where that is a pipe."""
    return not quiet and sys.stderr.isatty()


def _nobody(done: int, total: int, label: str) -> None:
    """Report to nobody."""


def _kernel() -> Any:
    """Return the kernel of the notebook that this is a cell of, or None."""
    shell = sys.modules.get("IPython")
    return getattr(shell.get_ipython(), "kernel", None) if shell else None


@contextmanager
def _terminal_bar() -> Iterator[Report]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    # Left in place by nobody: the tables follow on stdout, in the same terminal.
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=None)

        def report(done: int, total: int, label: str) -> None:
            bar.update(task, completed=done, total=total or None, description=label)

        yield report


@contextmanager
def _notebook_bar() -> Iterator[Report]:
    """A bar of HTML, which every notebook shows; that of rich needs widgets."""
    # Every notebook brings it along, so that it is no dependency.
    shown = importlib.import_module("IPython.display")
    place = shown.display(shown.HTML(_as_html(0, 0, "starting")), display_id=True)
    last = -PAUSE

    def report(done: int, total: int, label: str) -> None:
        nonlocal last
        if time.monotonic() - last >= PAUSE:
            last = time.monotonic()
            place.update(shown.HTML(_as_html(done, total, label)))

    try:
        yield report
    finally:
        place.update(shown.HTML(""))


def _as_html(done: int, total: int, label: str) -> str:
    extent = f' value="{done}" max="{total}"' if total else ""
    count = f"{done}/{total} " if total else ""
    return f"<div><progress{extent}></progress> {count}{html.escape(label)}</div>"
