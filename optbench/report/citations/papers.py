"""The papers that a plug-in's ``reference=`` names: ``Polyak 1964, doi:10.1016/...; bias: ...``."""

from __future__ import annotations

import functools
import re
import tomllib
from importlib.resources import files
from typing import NamedTuple

NAME = r"[^\W\d_a-z][\w'\u2019.-]*(?: [^\W\d_a-z][\w'\u2019-]+)*"
AND = r"(?:, and |, | and | & )"
PAPER = re.compile(
    rf"(?P<authors>{NAME}(?:{AND}{NAME})*(?: et al\.)?) (?P<year>(?:18|19|20)\d\d)\b"
    r"(?:, (?P<place>[^;,]+))?"
)
ARXIV = re.compile(r"arXiv:([\w.-]+(?:/\d+)?)", re.IGNORECASE)
DOI = re.compile(r"doi:(10\.\S+)", re.IGNORECASE)
LINK = re.compile(r"https?://\S+")


class Paper(NamedTuple):
    """What a reference says of a paper.

    Attributes
    ----------
    authors : tuple of str
        Their family names; the last one is ``others`` where the reference says et al.
    year : str
    arxiv, doi, link, place : str
        Where it is found, as far as the reference says so; `place` is such as ``JMLR 12:2121``.
    """

    authors: tuple[str, ...]
    year: str
    arxiv: str = ""
    doi: str = ""
    link: str = ""
    place: str = ""

    @property
    def address(self) -> str:
        """A link to it, or nothing."""
        if self.doi:
            return f"https://doi.org/{self.doi}"
        return f"https://arxiv.org/abs/{self.arxiv}" if self.arxiv else self.link

    @property
    def identifier(self) -> str:
        """What the list of titles calls it."""
        if self.doi:
            return f"doi:{self.doi}"
        return f"arXiv:{self.arxiv}" if self.arxiv else self.link or self.place

    @property
    def title(self) -> str:
        """Its title, or nothing: references do not name it, and the list has not every paper."""
        return _known("titles").get(self.identifier, "")

    @property
    def journal(self) -> str:
        """Where it was published, or nothing."""
        return _known("journals").get(self.identifier, "")

    @property
    def text(self) -> str:
        """Authors and year: ``Kingma and Ba 2015``, ``Chen et al. 2023``."""
        *first, last = self.authors
        if last == "others" or len(self.authors) > 3:
            return f"{self.authors[0]} et al. {self.year}"
        return f"{', '.join(first)} and {last} {self.year}" if first else f"{last} {self.year}"


@functools.cache
def _known(what: str) -> dict[str, str]:
    text = (files("optbench.report.citations") / "papers.toml").read_text(encoding="utf-8")
    found: dict[str, str] = tomllib.loads(text)[what]
    return found


def papers_in(reference: str) -> list[Paper]:
    """Return the papers that a text names by authors and year, in their order."""
    return [_paper(found) for found in PAPER.finditer(reference)]


def _paper(found: re.Match[str]) -> Paper:
    named = re.sub(r" et al\.$", " and others", found["authors"])
    authors = tuple(filter(None, re.split(AND, named)))
    place = (found["place"] or "").strip()
    arxiv, doi, link = ARXIV.search(place), DOI.search(place), LINK.search(place)
    return Paper(
        authors,
        found["year"],
        arxiv=arxiv[1].rstrip(".") if arxiv else "",
        doi=doi[1].rstrip(".") if doi else "",
        link=link[0] if link else "",
        place="" if arxiv or doi or link else place,
    )
