"""The template, styles and scripts of the page, and how data is put into it."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

STYLES = ("vendor/uplot.min.css", "page.css")
LIBRARIES = {"vendor/uplot.min.js": "vendor/uplot.LICENSE",
             "vendor/datatables.min.js": "vendor/datatables.LICENSE"}  # fmt: skip
SCRIPTS = ("scripts/numbers.js", "scripts/charts.js", "scripts/tables.js", "scripts/runs.js")


def text_of_file(name: str) -> str:
    """Return a file of this folder."""
    return (files("optbench.report.html") / name).read_text(encoding="utf-8")


def styles() -> str:
    """Return all styles."""
    return "\n".join(map(text_of_file, STYLES))


def scripts() -> list[str]:
    """Return the libraries, each with the licence that every copy must have, then our own."""
    libraries = [f"/*!\n{text_of_file(licence)}\n*/\n{text_of_file(name)}"
                 for name, licence in LIBRARIES.items()]  # fmt: skip
    return [*libraries, *map(text_of_file, SCRIPTS)]


def as_json(document: Any) -> str:
    """Return JSON for a script element: nothing in it ends the element or begins a comment."""
    text = json.dumps(document, separators=(",", ":"), allow_nan=False)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
