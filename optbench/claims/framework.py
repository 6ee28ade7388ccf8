"""What a claim declares: a theorem as an executable check, ``@claim`` on a generator.

The function yields ``Check`` and ``Curve``.  It measures in the engine and compares with a
prediction that comes from elsewhere: a closed form or an independent solver, never the run that it
judges.  It takes keyword arguments with defaults only: ``seed``, where data or starts are random,
and what ``perturbation`` changes to see the claim fail.  Nothing here imports Numba.
"""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, SupportsFloat

from optbench.contract import Declared
from optbench.errors import UserError

COSTS: Mapping[str, str] = {"fast": "< 2 s", "normal": "< 20 s", "slow": "longer"}
COMPARISONS = {"<=": operator.le, ">=": operator.ge, "<": operator.lt}  # nan passes none
SEEDS = 20  # with all of them the 95 % interval of the share that holds is [0.83, 1]


@dataclass(frozen=True)
class Check:
    """One number of a claim on one seed: measured, predicted, and the criterion between them.

    Attributes
    ----------
    name : str
        What is compared; the same on every seed.
    measured : float
        From runs of the engine.
    predicted : float
        From a closed form or an independent solver; for a bound, the bound.
    criterion : str
        When it passes, in words or as an interval; the same on every seed.
    passed : bool or None
        None when the measurement cannot decide.
    share : float
        Of the seeds on which it must pass: 1 where the theorem speaks of every instance.
    """

    name: str
    measured: float
    predicted: float
    criterion: str
    passed: bool | None
    share: float = 1.0

    @classmethod
    def at_most(
        cls,
        name: str,
        measured: SupportsFloat,
        bound: float,
        predicted: SupportsFloat = 0.0,
        share: float = 1.0,
    ) -> Check:
        """Pass when measured <= bound; nan fails."""
        return cls._compared(name, measured, "<=", bound, predicted, share)

    @classmethod
    def at_least(
        cls,
        name: str,
        measured: SupportsFloat,
        bound: float,
        predicted: SupportsFloat | None = None,
        share: float = 1.0,
    ) -> Check:
        """Pass when measured >= bound; nan fails."""
        expected = bound if predicted is None else predicted
        return cls._compared(name, measured, ">=", bound, expected, share)

    @classmethod
    def below(
        cls,
        name: str,
        measured: SupportsFloat,
        bound: float,
        predicted: SupportsFloat = 0.0,
        share: float = 1.0,
    ) -> Check:
        """Pass when measured < bound; nan fails."""
        return cls._compared(name, measured, "<", bound, predicted, share)

    @classmethod
    def _compared(
        cls,
        name: str,
        measured: SupportsFloat,
        sign: str,
        bound: float,
        predicted: SupportsFloat,
        share: float,
    ) -> Check:
        value = float(measured)
        passed = bool(COMPARISONS[sign](value, bound))
        return cls(name, value, float(predicted), f"{sign} {bound:g}", passed, share)

    @classmethod
    def between(
        cls,
        name: str,
        measured: SupportsFloat,
        low: float,
        high: float,
        predicted: SupportsFloat = 1.0,
        share: float = 1.0,
    ) -> Check:
        """Pass when low <= measured <= high; nan fails."""
        value, criterion = float(measured), f"in [{low:g}, {high:g}]"
        return cls(name, value, float(predicted), criterion, bool(low <= value <= high), share)

    @classmethod
    def close(
        cls,
        name: str,
        measured: SupportsFloat,
        predicted: SupportsFloat,
        relative: float,
        share: float = 1.0,
    ) -> Check:
        """Pass when abs(measured - predicted) <= relative abs(predicted); nan fails."""
        value, expected = float(measured), float(predicted)
        passed = abs(value - expected) <= relative * abs(expected)
        return cls(name, value, expected, f"within {relative:g}", passed, share)

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
        Authors and year; the arXiv identifier, or "" where there is none.  No citation: folklore,
        which everybody states and for which no paper is identified.
    statement, formula : str
        What is claimed, in plain words, and as a formula.
    cost : {"fast", "normal", "slow"}
        Seconds of all seeds on one core once compiled: < 2, < 20, longer.
    tags : tuple of str
        Subjects to select by.
    aliases : tuple of str
        Other identifiers of the same claim.
    missing : str
        What the paper claims besides and nothing here measures yet: the verdict is then at best
        INCONCLUSIVE.
    seeds : int
        On how many it is measured, 0, 1, ...; 1 when the function takes no ``seed``.
    does_not_hold : str
        Beginning of the names of the checks that do not hold here, although the paper says so.
    perturbation : mapping of str to value
        Arguments of the function that destroy what the theorem rests on: another optimizer,
        initialization, depth.  The claim must then fail.
    then_fails : tuple of str
        Beginnings of names; a check of each must fail then.  Where ``does_not_hold`` is given the
        perturbation is an instance on which it does hold, and the declaration fails.
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
    seeds: int
    does_not_hold: str
    perturbation: Mapping[str, Any]
    then_fails: tuple[str, ...]
    background: str
    remarks: str
    measure: Callable[..., Iterable[Check | Curve]]
    file: str
    line: int

    @property
    def folklore(self) -> bool:
        """Whether no paper is identified."""
        return not self.citation

    @property
    def paper(self) -> str:
        """Authors and year with the arXiv identifier."""
        if self.folklore:
            return "folklore: no paper identified"
        return f"{self.citation}, arXiv:{self.arxiv}" if self.arxiv else self.citation


@dataclass(frozen=True)
class Unmeasured:
    """A paper without a claim: what it is (``out of scope``, ``not measured``), and why."""

    id: str
    title: str
    citation: str
    reason: str
    state: str = "out of scope"


def claim(
    *,
    id: str,
    title: str,
    statement: str,
    formula: str,
    cost: str,
    citation: str = "",
    arxiv: str = "",
    tags: tuple[str, ...] = (),
    aliases: tuple[str, ...] = (),
    missing: str = "",
    seeds: int = SEEDS,
    does_not_hold: str = "",
    perturbation: Mapping[str, Any] | None = None,
    then_fails: str | tuple[str, ...] = (),
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
        if problem := _problem_with(measure, cost, seeds, perturbation or {}):
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
            seeds=seeds if "seed" in inspect.signature(measure).parameters else 1,
            does_not_hold=does_not_hold,
            perturbation=perturbation or {},
            then_fails=(then_fails,) if isinstance(then_fails, str) else then_fails,
            background=background,
            remarks=remarks,
            measure=measure,
            file=file,
            line=line,
        )

    return declare


def _problem_with(
    measure: Callable[..., Any], cost: str, seeds: int, perturbation: Mapping[str, Any]
) -> str | None:
    """Say what is wrong with a declaration, or return None."""
    if cost not in COSTS:
        return f"cost={cost!r}; known: {', '.join(COSTS)}"
    if seeds < 1:
        return f"seeds={seeds}; at least 1"
    arguments = inspect.signature(measure).parameters
    for name in perturbation:
        if name not in arguments:
            return f"perturbation of {name!r}, which is not an argument"
    for name, parameter in arguments.items():
        if parameter.default is inspect.Parameter.empty:
            return f"argument {name!r} needs a default value"
    return None
