"""``--watch``: run again whenever a plug-in file, or a file of its folder, is saved."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Annotated

import typer

from optbench.cli.output import INTERRUPTED
from optbench.errors import UserError

INTERVAL = 0.2  # seconds between two looks at the folders

Watch = Annotated[
    bool, typer.Option("--watch", help="Run again when a plug-in is saved; Ctrl-C ends it.")
]
Stamps = Mapping[Path, tuple[int, int]]


def repeat(run: Callable[[], int], watch: bool, plugins: Iterable[str]) -> int:
    """Run once; with ``watch`` again after each save, until Ctrl-C.

    Parameters
    ----------
    run : callable
        Prints its results; returns the exit code.
    watch : bool
    plugins : iterable of str
        Plug-in files and directories.

    Returns
    -------
    int
        The exit code of the run, or that of Ctrl-C.

    Raises
    ------
    UserError
        Without ``watch``, what the run raises; with it, when there is nothing to watch.
    """
    if not watch:
        return run()
    folders = [folder(Path(path)) for path in plugins]
    if not folders:
        raise UserError("--watch: name the file that you edit, with --plugin")
    while True:
        seen = stamps(folders)
        try:
            code = run()
        except UserError as error:
            typer.echo(f"optbench: error: {' '.join(str(error).split())}", err=True)
            code = 0
        sys.stdout.flush()
        if code == INTERRUPTED:
            return code
        saved = wait(folders, seen)
        typer.echo(f"\n{time.strftime('%H:%M:%S')} {', '.join(saved)}\n", err=True)


def folder(path: Path) -> Path:
    """Return the folder of a plug-in file, or the plug-in directory.

    Raises
    ------
    UserError
        When there is none.
    """
    found = path if path.is_dir() else path.parent
    if not found.is_dir():
        raise UserError(f"--watch: the folder {found} does not exist")
    return found


def stamps(folders: Iterable[Path]) -> Stamps:
    """Return when each Python file of some folders was written, and its size."""
    found = {}
    for place in folders:
        for file in place.glob("*.py"):
            try:
                stat = file.stat()
            except OSError:  # removed meanwhile: some editors write a new file in its place
                continue
            found[file] = stat.st_mtime_ns, stat.st_size
    return found


def wait(folders: Iterable[Path], seen: Stamps) -> list[str]:
    """Return the names of files that were saved or removed, once they are at rest."""
    now = seen
    while True:
        time.sleep(INTERVAL)
        before, now = now, stamps(folders)
        if now == before and now != seen:
            changed = seen.keys() ^ now.keys() | {f for f in now if now[f] != seen.get(f)}
            return sorted(file.name for file in changed)
