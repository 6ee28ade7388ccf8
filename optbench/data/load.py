"""One door to all data: a bundled name or the path of a user's file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from optbench.data.bundled import bundled_names, load_bundled
from optbench.data.dataset import Dataset
from optbench.data.formats.arrays import pick
from optbench.data.formats.content import ReadOptions
from optbench.data.general_program import GeneralProgram
from optbench.data.linear_programs import (
    bundled_program,
    bundled_program_names,
    read_linear_program,
)
from optbench.data.readers import read_dataset
from optbench.errors import UserError
from optbench.options import option_text, suggest

HEADER = {"auto": None, "true": True, "false": False}


def is_path(name: str) -> bool:
    """Whether ``name`` means a file: it has a folder or a suffix, or it exists."""
    return "/" in name or "." in name or Path(name).exists()


def load_dataset(
    name: str | tuple[Any, Any],
    *,
    regression: bool = False,
    target: str | int | None = None,
    header: str | bool = "auto",
    kind: str = "auto",
) -> Dataset:
    """Load a bundled data set by name, a user's file by path, or arrays in memory.

    A bundled name means the bundled set, also where a file of that name exists: say ``./digits``
    for the file.

    Parameters
    ----------
    name : str, or tuple of matrix and vector
        Bundled name or path; features (n, d), dense or sparse, and n targets.
    regression : bool
        Targets are numbers.
    target, header, kind
        How a file is to be read, see :func:`read_dataset`: ``header`` is true, false or
        ``"auto"``, and so may be ``kind``.

    Raises
    ------
    UserError
        When there is no such name or file, or the file is not readable data.
    """
    given = {"target": target is not None, "header": header != "auto", "kind": kind != "auto"}
    for option in (option for option, is_given in given.items() if is_given):
        if not isinstance(name, str):
            raise UserError(f"option {option} is for files only, not for arrays in memory")
    if not isinstance(name, str):
        return in_memory(*name, regression)
    if option_text(header) not in HEADER:
        raise UserError(f"header={header}; known: {', '.join(HEADER)}")
    if name not in bundled_names() and is_path(name):
        return read_dataset(
            name,
            target=target,
            regression=regression,
            header=HEADER[option_text(header)],
            kind=None if kind == "auto" else kind,
        )
    for option in (option for option, is_given in given.items() if is_given):
        raise UserError(f"data {name!r}: option {option} is for files only")
    try:
        return load_bundled(name)
    except UserError:
        if name in bundled_names():
            raise
        raise UserError(f"unknown data set {name!r}{suggest(name, bundled_names())}") from None


def in_memory(features: Any, targets: Any, regression: bool) -> Dataset:
    """Return arrays, sparse matrices, data frames or lists as a data set.

    Raises
    ------
    UserError
        When they are no matrix and vector of real numbers, or labels, that fit together.
    """
    from scipy.sparse import issparse

    for name, part in (("X", features), ("y", targets)):
        if isinstance(part, np.ma.MaskedArray):
            raise UserError(f"data in memory: {name} has a mask; fill or drop the missing entries")
    matrix = features if issparse(features) else np.asarray(features)
    variables = {"X": matrix, "y": np.asarray(targets)}
    try:
        found = pick(variables, {}, ReadOptions(regression=regression))
        return Dataset("in memory", found.features, found.targets, "in memory", found.labels)
    except UserError as error:
        raise UserError(f"data in memory: {error}") from None


def load_program(name: str) -> GeneralProgram:
    """Load a bundled linear program by name, or a file by path."""
    if name in bundled_program_names():
        return bundled_program(name)
    if is_path(name):
        return read_linear_program(name)
    raise UserError(f"unknown linear program {name!r}{suggest(name, bundled_program_names())}")
