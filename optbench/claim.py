"""What a claim declares: a theorem as an executable check, ``@claim`` on a generator.

The function yields ``Check`` and ``Curve``.  It measures in the engine and compares with a
prediction that comes from elsewhere: a closed form or an independent solver, never the run that it
judges.  It takes keyword arguments with defaults only: what ``perturbation`` changes to see the
claim fail.  Nothing here imports Numba.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, SupportsFloat

from optbench.contract import Declared
from optbench.errors import UserError

COSTS: Mapping[str, str] = {"fast": "< 2 s", "normal": "< 20 s", "slow": "longer"}


@dataclass(frozen=True)
class Check:
    """One number of a claim: measured, predicted, and the criterion that compares them.

    Attributes
    ----------
    name : str
        What is compared.
    measured : float
        From runs of the engine.
    predicted : float
        From a closed form or an independent solver; for a bound, the bound.
    criterion : str
        When it passes, in words or as an interval.
    passed : bool or None
        None when the measurement cannot decide.
    """

    name: str
    measured: float
    predicted: float
    criterion: str
    passed: bool | None

    @classmethod
    def at_most(
        cls, name: str, measured: SupportsFloat, bound: float, predicted: float = 0.0
    ) -> Check:
        """Pass when measured <= bound; nan fails."""
        value = float(measured)
        return cls(name, value, predicted, f"<= {bound:g}", bool(value <= bound))

    @classmethod
    def at_least(
        cls, name: str, measured: SupportsFloat, bound: float, predicted: float | None = None
    ) -> Check:
        """Pass when measured >= bound; nan fails."""
        value, expected = float(measured), bound if predicted is None else predicted
        return cls(name, value, float(expected), f">= {bound:g}", bool(value >= bound))

    @classmethod
    def between(
        cls, name: str, measured: SupportsFloat, low: float, high: float, predicted: float = 1.0
    ) -> Check:
        """Pass when low <= measured <= high; nan fails."""
        value, criterion = float(measured), f"in [{low:g}, {high:g}]"
        return cls(name, value, float(predicted), criterion, bool(low <= value <= high))

    @classmethod
    def close(
        cls, name: str, measured: SupportsFloat, predicted: SupportsFloat, relative: float
    ) -> Check:
        """Pass when abs(measured - predicted) <= relative abs(predicted); nan fails."""
        value, expected = float(measured), float(predicted)
        passed = abs(value - expected) <= relative * abs(expected)
        return cls(name, value, expected, f"within {relative:g}", passed)

    @classmethod
    def reported(cls, name: str, measured: SupportsFloat) -> Check:
        """Show a number on which the claim makes no statement."""
        return cls(name, float(measured), float("nan"), "reported only", True)


@dataclass(frozen=True)
class Curve:
    """Measured against predicted numbers, for a figure; no verdict depends on it.

    Attributes
    ----------
    title : str
        What is seen.
    x_label, y_label : str
        Axes, with units where there are any.
    x : sequence of float
        Common to all lines.
    measured, predicted : mapping of str to sequence of float
        Lines by label; nan where there is no number.
    log : str
        Logarithmic axes: ``""``, ``"x"``, ``"y"`` or ``"xy"``.
    """

    title: str
    x_label: str
    y_label: str
    x: Sequence[float]
    measured: Mapping[str, Sequence[float]]
    predicted: Mapping[str, Sequence[float]] = field(default_factory=dict)
    log: str = ""


@dataclass(frozen=True)
class Claim(Declared):
    """A theorem and the function that checks it.

    Attributes
    ----------
    id, title : str
        ``S1-00`` and the paper's title.
    citation, arxiv : str
        Authors and year; the arXiv identifier, or "" where there is none.
    statement, formula : str
        What is claimed, in plain words, and as a formula.
    cost : {"fast", "normal", "slow"}
        Seconds on one core once compiled: < 2, < 20, longer.
    tags : tuple of str
        Subjects to select by.
    aliases : tuple of str
        Other identifiers of the same claim.
    missing : str
        What the paper claims besides and nothing here measures yet: the verdict is then at best
        INCONCLUSIVE.
    perturbation : mapping of str to value
        Arguments of the function that destroy what the theorem rests on: another optimizer,
        initialization, depth.  The claim must then fail.
    then_fails : str
        Beginning of the name of a check that must fail then.
    background : str
        A paragraph for a reader who does not know the paper.
    remarks : str
        Where the instance matters, which thresholds are ours.
    measure : callable
        Yields the checks and curves.
    """

    id: str
    title: str
    citation: str
    arxiv: str
    statement: str
    formula: str
    cost: str
    tags: tuple[str, ...]
    aliases: tuple[str, ...]
    missing: str
    perturbation: Mapping[str, Any]
    then_fails: str
    background: str
    remarks: str
    measure: Callable[..., Iterable[Check | Curve]]
    file: str
    line: int

    @property
    def paper(self) -> str:
        """Authors and year with the arXiv identifier."""
        return f"{self.citation}, arXiv:{self.arxiv}" if self.arxiv else self.citation


@dataclass(frozen=True)
class Unmeasured:
    """A paper without a claim: what it is (``out of scope``, ``not measured``), and why."""

    id: str
    title: str
    citation: str
    reason: str
    state: str = "out of scope"


@dataclass(frozen=True)
class Result:
    """What a claim's checks found.

    Attributes
    ----------
    verdict : {"PASS", "FAIL", "INCONCLUSIVE"}
    reason : str
        Why it is not PASS.
    """

    claim: Claim
    verdict: str
    reason: str
    checks: tuple[Check, ...] = ()
    curves: tuple[Curve, ...] = field(default=(), compare=False)
    seconds: float = field(default=0.0, compare=False)


def claim(
    *,
    id: str,
    title: str,
    citation: str,
    statement: str,
    formula: str,
    cost: str,
    arxiv: str = "",
    tags: tuple[str, ...] = (),
    aliases: tuple[str, ...] = (),
    missing: str = "",
    perturbation: Mapping[str, Any] | None = None,
    then_fails: str = "",
    background: str = "",
    remarks: str = "",
) -> Callable[[Callable[..., Iterable[Check | Curve]]], Claim]:
    """Declare a claim; see :class:`Claim` for the meaning of the arguments.

    Raises
    ------
    UserError
        For an unknown cost, an argument of the function that has no default, or a perturbation of
        an argument that it has not.
    """

    def declare(measure: Callable[..., Iterable[Check | Curve]]) -> Claim:
        file, line = inspect.getfile(measure), measure.__code__.co_firstlineno
        if problem := _problem_with(measure, cost, perturbation or {}):
            raise UserError(f"{file}:{line}: claim {id}: {problem}")
        return Claim(
            id=id,
            title=title,
            citation=citation,
            arxiv=arxiv,
            statement=statement,
            formula=formula,
            cost=cost,
            tags=tags,
            aliases=aliases,
            missing=missing,
            perturbation=perturbation or {},
            then_fails=then_fails,
            background=background,
            remarks=remarks,
            measure=measure,
            file=file,
            line=line,
        )

    return declare


def _problem_with(
    measure: Callable[..., Any], cost: str, perturbation: Mapping[str, Any]
) -> str | None:
    """Say what is wrong with a declaration, or return None."""
    if cost not in COSTS:
        return f"cost={cost!r}; known: {', '.join(COSTS)}"
    arguments = inspect.signature(measure).parameters
    for name in perturbation:
        if name not in arguments:
            return f"perturbation of {name!r}, which is not an argument"
    for name, parameter in arguments.items():
        if parameter.default is inspect.Parameter.empty:
            return f"argument {name!r} needs a default value"
    return None


def verify(claim: Claim, **perturbation: Any) -> Result:
    """Measure one claim.

    Parameters
    ----------
    claim : Claim
    **perturbation
        Arguments of its function in place of their defaults: what must make it fail.

    Returns
    -------
    Result
        FAIL when a check fails, when there is none, or when measuring raises an exception.
    """
    began = time.perf_counter()
    checks: list[Check] = []
    curves: list[Curve] = []
    error = ""
    try:
        for found in claim.measure(**perturbation):
            if isinstance(found, Check):
                checks.append(found)
            else:
                curves.append(found)
    except Exception as raised:  # one claim must not end the verification of the others
        error = f"could not be measured: {type(raised).__name__}: {' '.join(str(raised).split())}"
    verdict, reason = _judge(claim, checks, error)
    seconds = time.perf_counter() - began
    return Result(claim, verdict, reason, tuple(checks), tuple(curves), seconds)


def _judge(claim: Claim, checks: list[Check], error: str) -> tuple[str, str]:
    failed = [check.name for check in checks if check.passed is False]
    undecided = [check.name for check in checks if check.passed is None]
    if error:
        return "FAIL", error
    if failed:
        return "FAIL", f"{len(failed)} of {len(checks)} checks fail, first: {failed[0]}"
    if not checks:
        return "FAIL", "measured nothing"
    if undecided:
        return "INCONCLUSIVE", f"undecided: {'; '.join(undecided)}"
    if claim.missing:
        return "INCONCLUSIVE", f"not measured yet: {claim.missing}"
    return "PASS", ""


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
    folder = Path(__file__).resolve().parent / "claims"
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
