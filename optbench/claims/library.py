"""The claims there are: built in and of plug-in files, by identifier, paper and tag."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from optbench.claims.framework import Claim, Unmeasured
from optbench.errors import UserError


@dataclass
class Claims:
    """All claims by identifier, papers without one, and files that could not be loaded."""

    claims: dict[str, Claim] = field(default_factory=dict)
    unmeasured: dict[str, Unmeasured] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)

    def select(self, names: Iterable[str]) -> list[Claim]:
        """Return the claims that an identifier, paper or tag names; all when there is no name.

        Raises
        ------
        UserError
            When nothing has this name.
        """
        from optbench.options import suggest

        chosen: dict[str, Claim] = {}
        for name in names:
            found = [entry for entry in self.claims.values() if _is_called(entry, name)]
            outside = self.unmeasured.get(name.upper())
            if outside is not None:
                raise UserError(f"claim {outside.id} is {outside.state}: {outside.reason}")
            if not found:
                known = [*self.claims, *(tag for c in self.claims.values() for tag in c.tags)]
                raise UserError(f"unknown claim {name!r}{suggest(name, sorted(set(known)))}")
            chosen.update((entry.id, entry) for entry in found)
        return sorted(chosen.values() if names else self.claims.values(), key=lambda c: c.id)


def _is_called(claim: Claim, name: str) -> bool:
    """Whether ``name`` is an identifier, tag, file or arXiv identifier of it, or cites it."""
    text = name.lower().removeprefix("arxiv:")
    exact = [claim.id, claim.arxiv, Path(claim.file).stem, *claim.aliases, *claim.tags]
    words = claim.citation.lower().replace(",", " ").split()
    return text in (known.lower() for known in exact) or text in words


def load_claims(plugins: Iterable[str] = ()) -> Claims:
    """Load the built-in claims and those of plug-in files; each file is loaded by its path.

    Parameters
    ----------
    plugins : iterable of str
        Files or directories; one that declares no claim is left to the other registries.

    Raises
    ------
    UserError
        When a path does not exist.
    """
    import optbench.engine  # where it cannot work, one line says so instead of one for each claim
    from optbench.plugin_files import explain, load_file, load_shipped, plugin_files

    assert optbench.engine
    found = Claims()
    folder = Path(__file__).resolve().parent / "papers"
    for path in (folder, *map(Path, plugins)):
        for file in plugin_files(path):
            try:
                load = load_shipped if path == folder else load_file
                declared = vars(load(file)).values()
            except Exception as error:  # a plug-in may raise anything; the others still load
                found.broken.append(explain(file.resolve(), error))
                continue
            for entry in declared:
                _add(found, entry)
    return found


def _add(found: Claims, entry: object) -> None:
    if isinstance(entry, Claim):
        others = [known for known in found.claims.values() if known is not entry]
        if any(_is_called(known, entry.id) for known in others):
            found.broken.append(f"{entry.file}:{entry.line}: claim {entry.id} exists already")
        else:
            found.claims[entry.id] = entry
    elif isinstance(entry, tuple):
        for part in entry:
            if isinstance(part, Unmeasured):
                found.unmeasured[part.id] = part
