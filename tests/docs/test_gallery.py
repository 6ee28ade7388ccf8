"""The notebooks of the gallery run and hold what they assert; so do the pages on Python."""

from __future__ import annotations

import ast
import re
import runpy
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
GALLERY = sorted((REPOSITORY / "docs" / "gallery").glob("*.py"))
PAGES = ("docs/python.md", "README.md")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    """Figures are drawn into the void, and files are written where nobody looks."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "agg")
    plt.switch_backend("agg")
    yield
    plt.close("all")


@pytest.mark.slow
@pytest.mark.parametrize("notebook", GALLERY, ids=lambda file: file.stem)
def test_a_notebook_runs(notebook):
    runpy.run_path(str(notebook))


@pytest.mark.parametrize("notebook", GALLERY, ids=lambda file: file.stem)
def test_a_notebook_teaches(notebook):
    """A theorem with its paper, a figure, asserted numbers, exercises; public names only."""
    text = notebook.read_text(encoding="utf-8")
    assert text.startswith("# ---\n# jupyter:") and "format_name: percent" in text
    assert (
        re.search(r"^# \*\*Theorem\*\* \(", text, re.MULTILINE) and "https://arxiv.org/abs/" in text
    )
    assert "## Exercises\n" in text and len(re.findall(r"^# \d\. ", text, re.MULTILINE)) in (
        2,
        3,
        4,
    )
    tree = ast.parse(text)
    assert any(isinstance(node, ast.Assert) for node in ast.walk(tree))
    modules = [n.module or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)]
    assert not [module for module in modules if module.startswith("optbench.")]
    drawn = re.findall(r"\.plot\(|sns\.\w+plot\(", text)
    assert len(drawn) == 1


def test_the_gallery_lists_its_notebooks():
    index = (REPOSITORY / "docs" / "gallery" / "index.md").read_text(encoding="utf-8")
    (listed,) = re.findall(r"```\{toctree\}\n:hidden:\n\n(.*?)```", index, re.DOTALL)
    assert sorted(listed.split()) == [file.stem for file in GALLERY] and len(GALLERY) == 5


@pytest.mark.parametrize("page", ["docs/index.md", "docs/gallery/index.md"])
def test_a_notebook_has_its_picture_beside_it(page):
    file = REPOSITORY / page
    rows = re.findall(r"^\| !\[.*\]\((.*)\) \| \[.*\]\((.*)\):", file.read_text("utf-8"), re.M)
    assert sorted(Path(notebook).stem for _, notebook in rows) == [each.stem for each in GALLERY]
    for picture, notebook in rows:
        assert Path(picture).stem == Path(notebook).stem
        assert (file.parent / picture).is_file() and (file.parent / notebook).is_file()


@pytest.mark.parametrize("page", PAGES)
def test_every_snippet_of_a_page_runs(page, tmp_path):
    """In their order, in one session.  They are files: kernels are compiled from their source."""
    text = (REPOSITORY / page).read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    assert blocks
    script = tmp_path / "page.py"
    script.write_text("\n".join(blocks))
    runpy.run_path(str(script))
