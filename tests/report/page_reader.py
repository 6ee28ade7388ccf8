"""A page as the standard library's parser reads it: tables, scripts, links, and what it loads."""

import json
from dataclasses import dataclass, field
from html.parser import HTMLParser

EMPTY = ("meta", "link", "br", "input", "img", "line", "hr")


@dataclass
class Cell:
    """A cell of a table."""

    text: str = ""
    order: str | None = None
    title: str | None = None


@dataclass
class ReadTable:
    """A table: its headings, rows of cells, and the run of each row."""

    headings: list[str] = field(default_factory=list)
    rows: list[list[Cell]] = field(default_factory=list)
    runs: list[str | None] = field(default_factory=list)

    def column(self, heading):
        """Return the cells below a heading."""
        place = self.headings.index(heading)
        return [row[place] for row in self.rows]


class Page(HTMLParser):
    """Reads a page; whatever is not well formed is an error."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tables, self.scripts, self.loaded, self.links = {}, [], [], []
        self.ids, self.texts, self.open_tags, self.tags = [], [], [], []
        self._table, self._data = None, {}
        self.feed(text)
        self.close()
        assert self.open_tags == []

    def data(self, key):
        """Return what a script element of JSON holds."""
        return json.loads(self._data[key])

    @property
    def text(self):
        """All that a reader sees."""
        return " ".join(" ".join(self.texts).split())

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.tags.append((tag, given))
        if tag not in EMPTY:
            self.open_tags.append((tag, given))
        if "id" in given:
            self.ids.append(given["id"])
        if tag == "a":
            self.links.append(given["href"])
        else:
            self.loaded += [
                given[name] for name in ("src", "href", "data", "action") if given.get(name)
            ]
        if tag == "table":
            self._table = self.tables.setdefault(given.get("id", "matrix"), ReadTable())
        elif tag == "tr" and self._table is not None and self._inside("tbody"):
            self._table.rows.append([])
            self._table.runs.append(given.get("data-run"))
        elif tag in ("td", "th") and self._inside("tbody"):
            self._table.rows[-1].append(
                Cell(order=given.get("data-order"), title=given.get("title"))
            )
        elif tag == "th" and self._inside("thead"):
            self._table.headings.append("")
        elif tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag):
        opened, _ = self.open_tags.pop()
        assert opened == tag, f"{opened} is closed by {tag}"
        if tag == "table":
            self._table = None

    def handle_data(self, data):
        tag, given = self.open_tags[-1] if self.open_tags else ("", {})
        if tag == "script":
            self.scripts[-1] += data
            if given.get("id"):
                self._data[given["id"]] = self._data.get(given["id"], "") + data
        elif tag != "style":
            self.texts.append(data)
            if self._inside("tbody") and self._table.rows:
                self._table.rows[-1][-1:] and self._add(data)
            elif self._inside("thead"):
                self._table.headings[-1:] and self._add_heading(data)

    def _add(self, data):
        self._table.rows[-1][-1].text += data.strip()

    def _add_heading(self, data):
        self._table.headings[-1] += data.strip().replace("\u2011", "-")

    def _inside(self, tag):
        return any(opened == tag for opened, _ in self.open_tags)
