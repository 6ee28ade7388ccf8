"""Linear programs from files: the bundled ones of Netlib, and the user's."""

from __future__ import annotations

from pathlib import Path

from optbench.data.general_program import GeneralProgram
from optbench.errors import UserError

BUNDLED = Path(__file__).parent / "files"
KINDS = (".mps", ".lp")
COMPRESSIONS = (".gz", ".bz2", ".xz")


def bundled_program_names() -> tuple[str, ...]:
    """Names of the bundled Netlib programs, without reading any."""
    return tuple(sorted(p.name.removesuffix(".mps.gz") for p in BUNDLED.glob("*.mps.gz")))


def bundled_program(name: str) -> GeneralProgram:
    """Load a bundled Netlib program.

    Parameters
    ----------
    name : str
        One of :func:`bundled_program_names`; ``files/README.md`` has their origin and optima.

    Returns
    -------
    GeneralProgram
        The program as published, not yet in standard form.

    Raises
    ------
    UserError
        If there is no such name.

    References
    ----------
    Gay 1985, Electronic mail distribution of linear programming test problems, COAL Newsletter 13.
    """
    if name not in bundled_program_names():
        known = ", ".join(bundled_program_names())
        raise UserError(f"no bundled linear program {name!r}; known: {known}")
    return read_linear_program(BUNDLED / f"{name}.mps.gz")


def read_linear_program(path: str | Path) -> GeneralProgram:
    """Read a linear program from an MPS file, or from an LP file by HiGHS.

    Parameters
    ----------
    path : str or Path
        ``.mps`` (fixed or free) or ``.lp``, in either case, plain or with ``.gz``, ``.bz2`` or
        ``.xz`` behind it. Sides and bounds of 1e20 or more are infinite.

    Returns
    -------
    GeneralProgram
        Named after the file.

    Raises
    ------
    UserError
        If the file is missing, malformed, contradicts itself, or is no linear program (integer
        variables, a quadratic objective).
    """
    path = Path(path)
    name, compression = path.name, path.suffix.lower()
    if compression in COMPRESSIONS:
        name = name[: -len(compression)]
    kind = Path(name).suffix.lower()
    if kind not in KINDS:
        known = f"{', '.join(KINDS)}, also with {', '.join(COMPRESSIONS)}"
        raise UserError(f"{path}: unknown kind of linear program; known: {known}")
    if not path.is_file():
        raise UserError(f"{path}: no such file")
    content = _uncompressed(path)
    name = name[: -len(kind)]
    try:
        if kind == ".mps":
            from optbench.data.mps import parse_mps

            return parse_mps(_decoded(content), name)
        from optbench.data.lp_file import parse_lp

        return parse_lp(content, name)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None


def _uncompressed(path: Path) -> bytes:
    import bz2
    import gzip
    import lzma
    import zlib

    decompress = {".gz": gzip.decompress, ".bz2": bz2.decompress, ".xz": lzma.decompress}
    try:
        return decompress.get(path.suffix.lower(), bytes)(path.read_bytes())
    except (OSError, EOFError, ValueError, lzma.LZMAError, zlib.error) as error:
        raise UserError(f"{path}: cannot be read ({error})") from None


def _decoded(content: bytes) -> str:
    """UTF-8, or else Latin-1, in which every byte is a letter."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")
