"""The documentation as a site: ``python -m sphinx -W docs site``, readable from the file system.

The pages are written for readers of the repository, too: links that leave ``docs`` and anchors in
HTML are turned into what Sphinx knows as it reads them.
"""

from __future__ import annotations

import functools
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import optbench

if TYPE_CHECKING:
    from sphinx.application import Sphinx

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))  # for `mathml`, beside this file

project = "optbench"
author = "optbench developers"
project_copyright = f"2026, {author}"
version = release = optbench.__version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "numpydoc", "mathml"]
exclude_patterns = ["*.py", "README.md"]  # programs are no notebooks outside of the gallery
root_doc = "index"

myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 4
# The gallery's notebooks are programs: Sphinx runs them, and an error in one is an error here.
nb_custom_formats = {".py": ["jupytext.reads", {"fmt": "py:percent"}]}
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 120

autosummary_generate = True
autodoc_typehints = "none"  # docstrings say types in words
numpydoc_class_members_toctree = False
numpydoc_show_inherited_class_members = False

html_math_renderer = "mathml"
html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_title = f"optbench {version}"

_ANCHOR = re.compile(r'<a id="([^"]+)"></a>')
_LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(((?:\.\./)?[^):#]+)(#[^)]*)?\)")
_PAGES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changes.md",
}


def as_sphinx_reads(_app: Sphinx, page: str, source: list[str]) -> None:
    """Turn anchors in HTML, and links to files that are not part of the site."""
    linked = functools.partial(_as_linked, folder=(HERE / page).parent)
    source[0] = _LINK.sub(linked, _ANCHOR.sub(r"(\1)=", source[0]))


def as_included(_app: Sphinx, path: Path, _parent: str, source: list[str]) -> None:
    """Do the same in pages that stand at the root of the repository."""
    source[0] = _LINK.sub(functools.partial(_as_linked, folder=HERE.parent), source[0])


def _as_linked(match: re.Match[str], folder: Path) -> str:
    """Return a link to a page of the site, to a file to be downloaded, or the text alone."""
    text, path, heading = match.groups()
    file = (folder / path).resolve()
    if page := _PAGES.get(path.removeprefix("../")):
        return f"[{text}]({page})"
    if file.is_relative_to(HERE) and (file.suffix == ".md" or file.parent.name == "gallery"):
        return f"[{text}](/{file.relative_to(HERE)}{heading or ''})"
    if file.is_file():
        return f"{{download}}`{text.strip('`')} </{os.path.relpath(file, HERE)}>`"
    return text


def setup(app: Sphinx) -> None:
    """Let Sphinx know of what turns the pages."""
    app.connect("source-read", as_sphinx_reads)
    app.connect("include-read", as_included)
