"""``optbench new``: a plug-in file that works, and its test, to begin with."""

from __future__ import annotations

import importlib.util
import keyword
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from optbench.errors import UserError, shown_path

TEMPLATES = Path(__file__).resolve().parents[1] / "templates"
COMPARED = {"optimizer": "linear_regression -o {}", "problem": "{} -o gradient_descent"}


class Kind(StrEnum):
    """What there are templates of."""

    optimizer = "optimizer"
    problem = "problem"


def new(
    kind: Annotated[Kind, typer.Argument(metavar="KIND", help="optimizer or problem.")],
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of the function, and the file.")],
    folder: Annotated[
        Path, typer.Option("--dir", metavar="DIR", help="Where; made if it does not exist.")
    ] = Path(),
) -> None:
    """Write NAME.py, a plug-in that passes `optbench check`, and test_NAME.py, for pytest.

    Both are commented and meant to be changed. Files that exist are left alone.

    Exit code: 0 fine, 2 wrong input.
    """
    check_name(kind, name)
    begun = f"my_{kind.value}"
    file, test = folder / f"{name}.py", folder / f"test_{name}.py"
    for path in (file, test):
        if path.exists():
            raise UserError(f"{path} exists already; name another plug-in, or another --dir")
    write(test, template(f"test_{begun}", begun, name))
    write(file, template(begun, begun, name))
    shown = shown_path(str(file))
    typer.echo(f"wrote {shown} and {shown_path(str(test))}; now change them, and say")
    typer.echo(f"  optbench check {shown} --watch")
    compared = COMPARED[kind.value].format(name)
    typer.echo(f"  optbench compare {compared} --plugin {shown} --watch")
    typer.echo(f"  pytest {shown_path(str(test))}")


def check_name(kind: Kind, name: str) -> None:
    """Refuse a name that would not be found, or be taken for something else.

    Raises
    ------
    UserError
        Which, and what would be right.
    """
    what = f"{kind.value} {name!r}"
    if not name.isidentifier() or keyword.iskeyword(name):
        raise UserError(f"{what}: must be a name in Python: letters, digits and _, such as my_rule")
    if name.startswith(("_", "test_")):
        front = "_" if name.startswith("_") else "test_"
        raise UserError(f"{what}: files that begin with {front} are no plug-ins; name it my_rule")
    from optbench.registry import load_registry

    registry = load_registry()
    if name in {**registry.optimizers, **registry.problems}:
        raise UserError(f"{what}: there is one of that name; see `optbench show {name}`")
    if importlib.util.find_spec(name) is not None:
        raise UserError(f"{what}: is a module of Python that files beside it may want to import")


def template(file: str, begun: str, name: str) -> str:
    """Return the text of a template, with the plug-in's own name."""
    text = (TEMPLATES / f"{file}.py").read_text(encoding="utf-8")
    title = begun.replace("_", " ").capitalize()
    return text.replace(begun, name).replace(title, name.replace("_", " ").capitalize())


def write(file: Path, text: str) -> None:
    """Write a file that does not exist yet.

    Raises
    ------
    UserError
        When it cannot be written, or does exist.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8") as opened:
            opened.write(text)
    except OSError as error:
        raise UserError(f"{file}: {error.strerror}") from None
