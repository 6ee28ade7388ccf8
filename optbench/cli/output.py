"""``--format`` and ``--out``: checked before the work starts, written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from optbench.errors import UserError
from optbench.files import replace_file

INTERRUPTED = 130  # the exit code after Ctrl-C, as of a shell

Suffixes = Mapping[str, Sequence[str]]


def choose_format(given: str | None, out: Path | None, known: Suffixes) -> str:
    """Return the format that was asked for, or the one that the file's suffix means.

    Parameters
    ----------
    given : str or None
    out : Path or None
    known : mapping of str to sequence of str
        The suffixes of each format; the first format is that of a file without a suffix.

    Raises
    ------
    UserError
        When it is not known.
    """
    if given is not None:
        if given not in known:
            raise UserError(f"unknown format {given!r}; known: {', '.join(known)}")
        return given
    if out is None or not out.suffix:
        return next(iter(known))
    meant = {suffix: name for name, suffixes in known.items() for suffix in suffixes}
    suffix = out.suffix.lower()
    if suffix not in meant:
        raise UserError(
            f"--out {out}: no format has the suffix {out.suffix}; known: {' '.join(meant)}; "
            "or say --format"
        )
    return meant[suffix]


def deliver(content: str | bytes, out: Path | None) -> None:
    """Write to the file or to stdout; text to stdout also when the file has become unwritable.

    Raises
    ------
    UserError
        When it cannot be written.
    """
    from optbench.cli.terminal import emit

    if out is not None:
        try:
            write(out, content)
        except UserError:
            if isinstance(content, str):
                emit(content)
            raise
    elif isinstance(content, str):
        emit(content)
    else:
        raise UserError("this format is no text for a terminal: name a file with --out")


def check_suffix(file: Path, known: Sequence[str]) -> None:
    """Refuse a file whose name promises something else than is written.

    Raises
    ------
    UserError
    """
    if file.suffix.lower() not in known:
        raise UserError(f"--out {file}: the name must end in {' or '.join(known)}")


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
    if folder.exists() and not folder.is_dir():
        raise UserError(f"--figures {folder} is a file; name a folder")
    if not folder.absolute().parent.is_dir():
        raise UserError(f"--figures {folder}: the folder {folder.parent} does not exist")
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise UserError(f"--figures {folder}: {error.strerror}") from None


def write(file: Path, content: str | bytes) -> None:
    """Replace the content of ``file`` in one step; on failure the old one stays.

    Raises
    ------
    UserError
        When it cannot be written.
    """
    data = content.encode() if isinstance(content, str) else content
    try:
        replace_file(file, data)
    except OSError as error:
        raise UserError(f"--out {file.resolve()}: {error.strerror}") from None
