"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import secrets
import shutil
from pathlib import Path


def replace_file(file: Path, data: bytes) -> None:
    """Replace the content of a file in one step: who reads it meanwhile has the old one.

    Parameters
    ----------
    file : Path
        A link is followed, and what is no regular file, such as a pipe, is written to.
    data : bytes

    Raises
    ------
    OSError
        When it cannot be written; the old content stays.
    """
    file = file.resolve()
    if file.exists() and not file.is_file():
        file.write_bytes(data)
        return
    beside = file.with_name(f".{file.name[:100]}.{os.getpid()}.{secrets.token_hex(4)}.tmp")
    try:
        with beside.open("xb") as stream:  # with the permissions that a new file has
            stream.write(data)
        if file.exists():
            shutil.copymode(file, beside)
        beside.replace(file)
    finally:
        beside.unlink(missing_ok=True)
