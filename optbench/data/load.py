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

HEADER = {"auto": None, "true": True, "false": False}


def is_path(name: str) -> bool:
    """Whether ``name`` means a file: it has a folder or a suffix, or it exists."""
    return "/" in name or "." in name or Path(name).exists()


def load_dataset(
    name: str,
    *,
    regression: bool = False,
    target: str | int | None = None,
    header: str = "auto",
    kind: str = "auto",
) -> Dataset:
    """Load a bundled data set by name, or a user's file by path.

    A bundled name means the bundled set, also where a file of that name exists: say ``./digits``
    for the file.

    Parameters
    ----------
    name : str
        Bundled name or path.
    regression : bool
        Targets are numbers.
    target, header, kind
        How a file is to be read, see :func:`read_dataset`; ``header`` is ``"true"``, ``"false"``
        or ``"auto"``.

    Raises
    ------
    UserError
        When there is no such name or file, or the file is not readable data.
    """
    if name not in bundled_names() and is_path(name):
        return read_dataset(
            name,
            target=target,
            regression=regression,
            header=HEADER[header],
            kind=None if kind == "auto" else kind,
        )
    given = {"target": target is not None, "header": header != "auto", "kind": kind != "auto"}
    for option in (option for option, is_given in given.items() if is_given):
        raise UserError(f"data {name!r}: option {option} is for files only")
    try:
        return load_bundled(name)
    except UserError:
        if name in bundled_names():
            raise
        raise UserError(f"unknown data set {name!r}{suggest(name, bundled_names())}") from None


def load_program(name: str) -> GeneralProgram:
    """Load a bundled linear program by name, or a file by path."""
    if name in bundled_program_names():
        return bundled_program(name)
    if is_path(name):
        return read_linear_program(name)
    raise UserError(f"unknown linear program {name!r}{suggest(name, bundled_program_names())}")
