"""What has to be cited: papers read off references, and BibTeX that is well formed."""

import dataclasses
import re
import tomllib
from pathlib import Path

import pytest
from example_comparison import EXAMPLE

from optbench.claims.library import load_claims
from optbench.registry import load_registry
from optbench.report.citations import cited, papers_in
from optbench.report.citations.bibtex import bibtex, software

REPOSITORY = Path(__file__).parents[2]
ENTRY = re.compile(r"@(?P<kind>\w+)\{(?P<key>[^\s,{}]+),\n(?P<fields>(?:  \w+ = \{.*\},\n)+)\}")


def entries(text):
    """Return kind and fields of each entry by key; only comments stand between entries."""
    found = {}
    for block in text.strip().split("\n\n"):
        if not block.startswith("%"):
            entry = ENTRY.fullmatch(block)
            assert entry, block
            assert entry["key"] not in found
            fields = dict(re.findall(r"  (\w+) = \{(.*)\},\n", entry["fields"]))
            assert all(balanced(value) for value in fields.values())
            found[entry["key"]] = (entry["kind"], fields)
    return found


def balanced(text):
    depth = 0
    for letter in re.sub(r"\\.", "", text):
        depth += (letter == "{") - (letter == "}")
        assert depth >= 0
    return depth == 0


def comparison_of(**papers):
    environment = {**EXAMPLE.environment, "papers": papers}
    return dataclasses.replace(EXAMPLE, instances=[], environment=environment)


def test_every_author_list_and_year_of_the_built_in_plug_ins_is_found():
    """A year that no identifier holds belongs to a paper; each paper can be found by somebody."""
    registry = load_registry()
    for plugin in (*registry.optimizers.values(), *registry.problems.values()):
        found = papers_in(plugin.reference)
        prose = re.sub(r"(doi|arXiv):\S+|https\S+", "", plugin.reference)
        assert len(found) == len(re.findall(r"\b(?:18|19|20)\d\d\b", prose)), plugin.reference
        for paper in found:
            assert paper.identifier, plugin.reference
            assert f"{paper.authors[0]}" in plugin.reference


def test_titles_are_those_of_the_claims():
    """Claims name title and arXiv number of their papers: where both lists have one, they agree."""
    titles = {claim.arxiv: claim.title for claim in load_claims().select(()) if claim.arxiv}
    registry = load_registry()
    papers = {
        paper
        for plugin in (*registry.optimizers.values(), *registry.problems.values())
        for paper in papers_in(plugin.reference)
    }
    both = [paper for paper in papers if paper.arxiv in titles]
    assert len(both) > 5
    for paper in both:
        assert paper.title.casefold() == titles[paper.arxiv].casefold()


@pytest.mark.parametrize(
    ("reference", "authors", "year", "address"),
    [
        ("Polyak 1964, doi:10.1016/0041-5553(64)90137-5", ("Polyak",), "1964",
         "https://doi.org/10.1016/0041-5553(64)90137-5"),
        ("bias: also Chandra, Xie, Ragan-Kelley, Meijer 2022, arXiv:1909.13371",
         ("Chandra", "Xie", "Ragan-Kelley", "Meijer"), "2022", "https://arxiv.org/abs/1909.13371"),
        ("Kingma and Ba 2015, arXiv:1412.6980", ("Kingma", "Ba"), "2015",
         "https://arxiv.org/abs/1412.6980"),
        ("Woodworth et al. 2020, arXiv:2002.09277", ("Woodworth", "others"), "2020",
         "https://arxiv.org/abs/2002.09277"),
        ("digits (Alpaydin, Kaynak 1998), shipped", ("Alpaydin", "Kaynak"), "1998", ""),
        ("O'Donoghue, Candès 2015, https://a.org/b", ("O'Donoghue", "Candès"), "2015",
         "https://a.org/b"),
    ],
)  # fmt: skip
def test_a_reference_names_its_papers(reference, authors, year, address):
    (paper,) = papers_in(reference)
    assert (paper.authors, paper.year, paper.address) == (authors, year, address)


def test_a_comparison_cites_what_it_ran_and_its_data():
    adam, shared = "Kingma and Ba 2015, arXiv:1412.6980", "Polyak 1964, doi:10.1/x_y"
    ran = comparison_of(adam=adam, heavy_ball=shared, quadratic=f"{shared}; bias: {adam}")
    source = dataclasses.replace(EXAMPLE.instances[0], source="digits (Alpaydin, Kaynak 1998)")
    ran = dataclasses.replace(ran, instances=[source])
    names = {paper.text: names for paper, names in cited(ran).items()}
    assert names == {
        "Alpaydin and Kaynak 1998": ["digits_3v8"],
        "Kingma and Ba 2015": ["adam", "quadratic"],
        "Polyak 1964": ["heavy_ball", "quadratic"],
    }
    found = entries(bibtex(ran))
    assert len(found) == 4 and "optbench" in found
    kind, fields = found["kingma2015adam"]
    assert (
        kind == "misc" and fields["eprint"] == "1412.6980" and fields["author"] == "Kingma and Ba"
    )
    assert found["polyak1964"][1]["doi"] == "10.1/x_y"


def test_an_entry_of_every_built_in_plug_in_is_well_formed():
    registry = load_registry()
    every = {**registry.optimizers, **registry.problems}
    found = entries(bibtex(comparison_of(**{n: plugin.reference for n, plugin in every.items()})))
    assert len(found) > 90
    _, adagrad = found["duchi2011adaptive"]  # JMLR 12:2121
    assert (adagrad["volume"], adagrad["pages"]) == ("12", "2121")
    articles = [fields for kind, fields in found.values() if kind == "article"]
    assert articles and all({"author", "title", "journal", "year"} <= set(f) for f in articles)


def test_what_names_no_paper_is_told_and_special_characters_are_written_out():
    text = bibtex(comparison_of(mine="my own, unpublished", other_rule="Doe & Roe 2020, 50% {x}_y"))
    assert "% mine: my own, unpublished" in text
    _, fields = entries(text)["doe2020"]
    assert fields["author"] == "Doe and Roe"
    assert fields["howpublished"] == r"50\% \{x\}\_y"
    assert r"other\_rule" in fields["note"]


def test_two_papers_of_one_author_and_year_have_keys_of_their_own():
    found = entries(bibtex(comparison_of(one="Doe 2020, doi:10.1/a", two="Doe 2020, doi:10.1/b")))
    assert {"doe2020", "doe2020-2"} <= set(found)


def test_optbench_itself_is_cited_as_its_citation_file_says():
    known = dict(
        re.findall(r"^(\w[\w-]*): *(\S.*)$", (REPOSITORY / "CITATION.cff").read_text(), re.M)
    )
    _, fields = entries(software() + "\n")["optbench"]
    assert fields["title"].strip("{}") == known["title"].strip('"')
    assert fields["version"] == known["version"]
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    assert fields["author"].strip("{}") == project["authors"][0]["name"]
