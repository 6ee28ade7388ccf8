"""Names that a shell completes: of plug-ins, parametrizations and claims."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence


def one_of(names: Sequence[str]) -> Callable[[str], list[str]]:
    """Complete one of a few words."""
    return lambda incomplete: _begins(names, incomplete)


def optimizers(incomplete: str) -> list[str]:
    """Complete an optimizer, or ``all``."""
    from optbench.choices import ALL
    from optbench.registry import load_registry

    return _begins([ALL, *sorted(load_registry().optimizers)], incomplete)


def problems(incomplete: str) -> list[str]:
    """Complete a problem."""
    from optbench.registry import load_registry

    return _begins(sorted(load_registry().problems), incomplete)


def parametrizations(incomplete: str) -> list[str]:
    """Complete a parametrization."""
    from optbench.parametrizations import PARAMETRIZATIONS

    return _begins(PARAMETRIZATIONS, incomplete)


def claims(incomplete: str) -> list[str]:
    """Complete a claim or a tag of claims."""
    from optbench.claims.library import load_claims

    found = load_claims().claims.values()
    tags = {tag for claim in found for tag in claim.tags}
    return _begins([*(claim.id for claim in found), *sorted(tags)], incomplete)


def figures(incomplete: str) -> list[str]:
    """Complete a kind of figure."""
    from optbench.plots import KINDS

    return _begins([kind.name for kind in KINDS], incomplete)


def plugins(incomplete: str) -> list[str]:
    """Complete an optimizer or a problem."""
    from optbench.registry import load_registry

    registry = load_registry()
    return _begins(sorted({**registry.optimizers, **registry.problems}), incomplete)


def anything(incomplete: str) -> list[str]:
    """Complete what ``show`` shows."""
    known = [*plugins(incomplete), *parametrizations(incomplete)]
    return [*known, *claims(incomplete)] if incomplete else known


def _begins(names: Iterable[str], incomplete: str) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]
