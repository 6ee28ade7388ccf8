"""One door to all data: a bundled name or the path of a user's file."""

from __future__ import annotations

from pathlib import Path

from optbench.data.bundled import bundled_names, load_bundled
from optbench.data.dataset import Dataset
from optbench.data.general_program import GeneralProgram
from optbench.data.linear_programs import (
    bundled_program,
    bundled_program_names,
    read_linear_program,
)
from optbench.data.readers import read_dataset
from optbench.errors import UserError
from optbench.options import suggest


def is_path(name: str) -> bool:
    """Whether ``name`` means a file: it has a folder or a suffix, or it exists."""
    return "/" in name or "." in name or Path(name).exists()


def load_dataset(name: str, *, regression: bool = False, target: str | None = None) -> Dataset:
    """Load a bundled data set by name, or a user's file by path.

    Raises
    ------
    UserError
        When there is no such name or file, or the file is not readable data.
    """
    if is_path(name):
        return read_dataset(name, target=target, regression=regression)
    if target is not None:
        raise UserError(f"data {name!r}: option target is for files only")
    try:
        return load_bundled(name)
    except UserError:
        if name in bundled_names():
            raise
        raise UserError(f"unknown data set {name!r}{suggest(name, bundled_names())}") from None


def load_program(name: str) -> GeneralProgram:
    """Load a bundled linear program by name, or a file by path."""
    if is_path(name):
        return read_linear_program(name)
    if name not in bundled_program_names():
        raise UserError(f"unknown linear program {name!r}{suggest(name, bundled_program_names())}")
    return bundled_program(name)
