"""What runs did along the way, and its long form: one row a seed, step and measure.

The long form is what :meth:`~optbench.result.Comparison.to_dataframe` returns and the table of a
saved comparison.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from optbench.columns.row import CELL

OF_A_TRACE = (*CELL, "learning_rate", "won")
LONG_FORM = (*OF_A_TRACE, "seed", "step", "evaluations", "measure", "value")


@dataclass(frozen=True, eq=False)
class Trace:
    """What the runs of one cell at one learning rate recorded: one column a seed.

    There is one for every learning rate that was given; of those that a search tried, the winner's
    only: ``learning_rates`` keeps the ends of the others.  After the end of a run all is nan.

    Attributes
    ----------
    learning_rate : float or None
        None where none is tuned.
    won : bool
        Whether it is the best of them, which the tables show.
    steps : ndarray, int64 (R,)
        Up to the horizon, or as far as a winner went on until it had settled.
    evaluations : ndarray, float64 (R, S)
        How often the whole objective was evaluated until then.
    loss : ndarray, float64 (R, S)
        The loss; 0 below the smallest float64.
    log_gap : ndarray, float64 (R, S)
        Natural logarithm of loss minus optimum; nan where the optimum is unknown.
    measures : mapping of str to ndarray, float64 (R, S)
        What the implicit-bias table measures at the end, along the run and under the same names;
        further ``norm_l1``, ``norm_l2``, ``norm_linf``, ``support`` (how many coordinates are
        above 1e-4 of the largest) and ``component_REFERENCE`` (the inner product of w with the
        unit vector along a reference solution).  A direction is nan while w is 0.
    w : ndarray, float64 (S, d), or None
        The predictor at the end of each seed's run; only of the learning rate that won.
    """

    problem: str
    instance: str
    instance_id: str
    parametrization: str
    optimizer: str
    learning_rate: float | None
    won: bool
    steps: np.ndarray
    evaluations: np.ndarray
    loss: np.ndarray
    log_gap: np.ndarray
    measures: Mapping[str, np.ndarray]
    w: np.ndarray | None = None

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Trace):
            return NotImplemented
        one, two = ({**vars(each), **each.measures} for each in (self, other))
        del one["measures"], two["measures"]
        return one.keys() == two.keys() and all(_equal(one[key], two[key]) for key in one)

    __hash__ = None  # type: ignore[assignment]

    @property
    def measured(self) -> dict[str, np.ndarray]:
        """All that was measured along the runs, by name: the loss and the gap as well."""
        return {"loss": self.loss, "log_gap": self.log_gap, **self.measures}


def _equal(one: Any, two: Any) -> bool:
    if isinstance(one, np.ndarray) != isinstance(two, np.ndarray):
        return False
    return np.array_equal(one, two, equal_nan=True) if isinstance(one, np.ndarray) else one == two


class Words(NamedTuple):
    """A column of few texts: which of them each row has."""

    codes: np.ndarray
    known: Sequence[str]

    @property
    def texts(self) -> np.ndarray:
        """The text of each row."""
        return np.asarray(np.array([*self.known, None], dtype=object)[self.codes])


Column: TypeAlias = "np.ndarray | Words"
TEXTS = (*CELL, "measure")
TYPES: Mapping[str, Any] = {
    **dict.fromkeys(TEXTS, np.int32),
    "learning_rate": np.float64,
    "won": np.bool_,
    "seed": np.int64,
    "step": np.int64,
    "evaluations": np.float64,
    "value": np.float64,
}


def long_form(traces: Sequence[Trace]) -> dict[str, Column]:
    """Return the columns ``LONG_FORM``: of each trace measure by measure, seed by seed."""
    codes: dict[str, dict[str, int]] = {name: {} for name in TEXTS}
    parts = [_long(trace, codes) for trace in traces]
    found: dict[str, Column] = {}
    for name in LONG_FORM:
        empty = np.empty(0, TYPES[name])
        column = np.concatenate([empty, *(part[name] for part in parts)], dtype=TYPES[name])
        found[name] = Words(column, [*codes[name]]) if name in TEXTS else column
    return found


def _long(trace: Trace, codes: Mapping[str, dict[str, int]]) -> dict[str, np.ndarray]:
    """Return the rows of a trace, in which a text is its code; new texts get the next one."""

    def code(name: str, text: str) -> int:
        return codes[name].setdefault(_utf8(text), len(codes[name]))

    measured = trace.measured
    records, seeds = trace.loss.shape
    size = len(measured) * seeds * records
    rate = np.nan if trace.learning_rate is None else trace.learning_rate
    return {
        **{name: np.full(size, code(name, getattr(trace, name)), np.int32) for name in CELL},
        "learning_rate": np.full(size, rate),
        "won": np.full(size, trace.won),
        "seed": np.tile(np.repeat(np.arange(seeds), records), len(measured)),
        "step": np.tile(trace.steps, len(measured) * seeds),
        "evaluations": np.tile(trace.evaluations.T.ravel(), len(measured)),
        "measure": np.repeat([code("measure", name) for name in measured], seeds * records),
        "value": np.concatenate([values.T.ravel() for values in measured.values()]),
    }


def _utf8(text: str) -> str:
    """Return what UTF-8 can say of a text: the name of a file may be any bytes."""
    return text.encode("utf-8", "replace").decode()


def traces_of(columns: Mapping[str, Column]) -> list[Trace]:
    """Return the traces of a long form: the inverse of :func:`long_form`.

    Raises
    ------
    ValueError
        When it is not the long form of traces.
    """
    known = {name: each.known for name, each in columns.items() if isinstance(each, Words)}
    plain = {n: each.codes if isinstance(each, Words) else each for n, each in columns.items()}
    first = _starts(*(plain[name] for name in OF_A_TRACE))
    ends = [*first[1:], plain["value"].size] if first else []
    return [
        _trace({name: plain[name][start:end] for name in LONG_FORM}, known)
        for start, end in zip(first, ends, strict=True)
    ]


def _starts(*columns: np.ndarray) -> list[int]:
    """Return where a row differs from the one before it; the first row does."""
    size = columns[0].size
    new = np.zeros(max(size - 1, 0), dtype=bool)
    for values in columns:
        unknown = values != values  # nan is not nan
        new |= (values[1:] != values[:-1]) & ~(unknown[1:] & unknown[:-1])
    return [0, *(np.flatnonzero(new) + 1).tolist()] if size else []


def _trace(part: Mapping[str, np.ndarray], known: Mapping[str, Sequence[str]]) -> Trace:
    """Return the trace that consecutive rows of a long form are."""
    names = [known["measure"][part["measure"][start]] for start in _starts(part["measure"])]
    seeds = int(part["seed"].max()) + 1
    records, left = divmod(part["value"].size, len(names) * seeds)
    if left:
        raise ValueError(f"a trace has {part['value'].size} values for {seeds} seeds")
    blocks = part["value"].reshape(len(names), seeds, records)
    measures = {name: block.T for name, block in zip(names, blocks, strict=True)}
    rate = float(part["learning_rate"][0])
    cell: dict[str, Any] = {name: known[name][part[name][0]] for name in CELL}
    return Trace(
        **cell,
        steps=part["step"][:records],
        loss=measures.pop("loss"),
        log_gap=measures.pop("log_gap"),
        learning_rate=None if np.isnan(rate) else rate,
        won=bool(part["won"][0]),
        evaluations=part["evaluations"][: seeds * records].reshape(seeds, records).T,
        measures=measures,
    )
