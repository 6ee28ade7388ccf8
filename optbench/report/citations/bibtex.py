"""BibTeX entries: optbench first, then the papers of what a comparison ran."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from importlib.metadata import metadata
from typing import TYPE_CHECKING

from optbench.report.citations import Paper, cited, without_paper

if TYPE_CHECKING:
    from optbench.result import Comparison

SPECIAL = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
           **{each: f"\\{each}" for each in "&%$#_{}"}}  # fmt: skip
SMALL_WORDS = ("a", "an", "the", "on", "of", "in", "for", "and", "to", "is", "how", "what")

Fields = dict[str, str]


def bibtex(comparison: Comparison | None) -> str:
    """Return the entries of a comparison, or that of optbench alone."""
    entries = [software()]
    if comparison is not None:
        papers = cited(comparison)
        entries += [
            _entry(paper, key, names)
            for key, (paper, names) in zip(_keys(papers), papers.items(), strict=True)
        ]
        entries += [
            f"% {_one_line(name)}: {_one_line(text)}"
            for name, text in without_paper(comparison).items()
        ]
    return "\n\n".join(entries) + "\n"


def software() -> str:
    """Return the entry of optbench itself, of the version that is installed."""
    known = metadata("optbench")
    fields = {
        "author": f"{{{escape(known['Author'])}}}",
        "title": f"{{optbench: {_lower_first(escape(known['Summary']))}}}",
        "version": escape(known["Version"]),
    }
    return _written("misc", "optbench", fields)


def _entry(paper: Paper, key: str, names: Iterable[str]) -> str:
    numbers = re.search(r" (\d+):(\d+)$", paper.place)
    volume, pages = numbers.groups() if numbers and paper.journal else ("", "")
    fields = {
        "author": " and ".join(_author(name) for name in paper.authors),
        "title": f"{{{escape(paper.title)}}}" if paper.title else "",
        "year": paper.year,
        "journal": escape(paper.journal),
        "volume": volume,
        "pages": pages,
        "howpublished": "" if paper.journal else escape(paper.place),
        "eprint": paper.arxiv,
        "archiveprefix": "arXiv" if paper.arxiv else "",
        "doi": paper.doi,
        "url": paper.address,
        "note": escape(f"Cited by optbench for {', '.join(names)}"),
    }
    return _written("article" if paper.journal else "misc", key, fields)


def _written(kind: str, key: str, fields: Fields) -> str:
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items() if value]
    return "\n".join([f"@{kind}{{{key},", *lines, "}"])


def _author(name: str) -> str:
    return name if name == "others" else escape(name)


def escape(text: str) -> str:
    """Return text as BibTeX needs it: what LaTeX takes for a command is written out."""
    return "".join(SPECIAL.get(letter, letter) for letter in _one_line(text))


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]


def _keys(papers: Iterable[Paper]) -> list[str]:
    """Return a key for each: first author, year, first word of the title; all of them differ."""
    found: list[str] = []
    for paper in papers:
        words = [w for w in re.findall(r"[a-z0-9]+", _plain(paper.title)) if w not in SMALL_WORDS]
        key = re.sub(r"[^a-z]", "", _plain(paper.authors[0])) + paper.year + "".join(words[:1])
        same = sum(other.rstrip("0123456789-") == key or other == key for other in found)
        found.append(f"{key}-{same + 1}" if key in found else key)
    return found


def _plain(text: str) -> str:
    """Return text in lower case without accents."""
    parts = unicodedata.normalize("NFKD", text.lower())
    return "".join(letter for letter in parts if letter.isascii())
