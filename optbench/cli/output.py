"""``--format`` and ``--out``: checked before the work starts, written whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Collection
from pathlib import Path

from optbench.errors import UserError

INTERRUPTED = 130  # the exit code after Ctrl-C, as of a shell
FORMAT_OF_SUFFIX = {
    ".md": "markdown",
    ".tex": "latex",
    ".csv": "csv",
    ".json": "json",
    ".html": "html",
}


def choose_format(given: str | None, out: Path | None, known: Collection[str]) -> str:
    """Return the format that was asked for, or the one that the file's suffix means.

    Raises
    ------
    UserError
        When it is not known.
    """
    meant = FORMAT_OF_SUFFIX.get(out.suffix.lower(), "table") if out else "table"
    chosen = given or (meant if meant in known else "table")
    if chosen not in known:
        raise UserError(f"unknown format {chosen!r}; known: {', '.join(known)}")
    return chosen


def deliver(text: str, out: Path | None) -> None:
    """Write to the file or to stdout; to stdout also when the file has become unwritable."""
    from optbench.cli.terminal import emit

    if out is None:
        emit(text)
        return
    try:
        write(out, text)
    except UserError:
        emit(text)
        raise


def check_writable(file: Path) -> None:
    """Raise a UserError when ``file`` cannot be written later; create nothing.

    Raises
    ------
    UserError
        When it is a directory, its folder does not exist, or permissions forbid it.
    """
    file = file.resolve()
    if file.is_dir():
        raise UserError(f"--out {file} is a directory; name a file in it")
    if not file.parent.is_dir():
        raise UserError(f"--out {file}: the folder {file.parent} does not exist")
    if file.exists() and not os.access(file, os.W_OK):
        raise UserError(f"--out {file} is not writable")
    if file.exists() and not file.is_file():
        return  # a device or a pipe has no file beside it
    try:
        with tempfile.TemporaryFile(dir=file.parent):
            pass
    except OSError as error:
        raise UserError(f"--out {file}: cannot write in {file.parent}: {error.strerror}") from None


def writable_folder(folder: Path) -> None:
    """Create a folder, in a folder that exists, unless it is there.

    Raises
    ------
    UserError
        When it is a file or cannot be created.
    """
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise UserError(f"--figures {folder}: {error.strerror}") from None


def write(file: Path, text: str) -> None:
    """Replace ``file`` by ``text`` in one step; on failure the old content stays.

    Raises
    ------
    UserError
        When it cannot be written.
    """
    file = file.resolve()
    try:
        if file.exists() and not file.is_file():
            file.write_text(text, encoding="utf-8")
        else:
            _replace(file, text)
    except OSError as error:
        raise UserError(f"--out {file}: {error.strerror}") from None


def _replace(file: Path, text: str) -> None:
    beside = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    try:
        beside.write_text(text, encoding="utf-8")
        if file.exists():
            shutil.copymode(file, beside)
        beside.replace(file)
    finally:
        beside.unlink(missing_ok=True)
