"""What runs did along the way, and its long form: one row a seed, step and measure.

The long form is what :meth:`~optbench.result.Comparison.to_dataframe` returns and the table of a
saved comparison.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

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


def long_form(traces: Sequence[Trace]) -> dict[str, np.ndarray]:
    """Return the columns ``LONG_FORM``: of each trace measure by measure, seed by seed."""
    parts = [_long(trace) for trace in traces]
    return {name: np.concatenate([_EMPTY[name], *(p[name] for p in parts)]) for name in LONG_FORM}


_EMPTY = {name: np.empty(0, dtype=object) for name in (*CELL, "measure")} | {
    "learning_rate": np.empty(0),
    "won": np.empty(0, dtype=bool),
    "seed": np.empty(0, dtype=np.int64),
    "step": np.empty(0, dtype=np.int64),
    "evaluations": np.empty(0),
    "value": np.empty(0),
}


def _long(trace: Trace) -> dict[str, np.ndarray]:
    measured = trace.measured
    records, seeds = trace.loss.shape
    rate = np.nan if trace.learning_rate is None else trace.learning_rate
    names = {name: _utf8(getattr(trace, name)) for name in CELL}
    own = {**names, "learning_rate": rate, "won": trace.won}
    size = len(measured) * seeds * records
    return {
        **{name: np.full(size, value, _EMPTY[name].dtype) for name, value in own.items()},
        "seed": np.tile(np.repeat(np.arange(seeds), records), len(measured)),
        "step": np.tile(trace.steps, len(measured) * seeds),
        "evaluations": np.tile(trace.evaluations.T.ravel(), len(measured)),
        "measure": np.repeat(np.array([*measured], dtype=object), seeds * records),
        "value": np.concatenate([values.T.ravel() for values in measured.values()]),
    }


def _utf8(text: str) -> str:
    """Return what UTF-8 can say of a text: the name of a file may be any bytes."""
    return text.encode("utf-8", "replace").decode()


def traces_of(columns: Mapping[str, np.ndarray]) -> list[Trace]:
    """Return the traces of a long form: the inverse of :func:`long_form`.

    Raises
    ------
    ValueError
        When it is not the long form of traces.
    """
    first = _starts(*(columns[name] for name in OF_A_TRACE))
    ends = [*first[1:], columns["value"].size] if first else []
    return [
        _trace({name: columns[name][start:end] for name in LONG_FORM})
        for start, end in zip(first, ends, strict=True)
    ]


def _starts(*columns: np.ndarray) -> list[int]:
    """Return where a row differs from the one before it; the first row does."""
    size = columns[0].size
    new = np.zeros(max(size - 1, 0), dtype=bool)
    for values in columns:
        unknown = values != values  # nan is not nan
        new |= (values[1:] != values[:-1]) & ~(unknown[1:] & unknown[:-1]).astype(bool)
    return [0, *(np.flatnonzero(new) + 1).tolist()] if size else []


def _trace(part: Mapping[str, np.ndarray]) -> Trace:
    """Return the trace that consecutive rows of a long form are."""
    names = [str(part["measure"][start]) for start in _starts(part["measure"])]
    seeds = int(part["seed"].max()) + 1
    records, left = divmod(part["value"].size, len(names) * seeds)
    if left:
        raise ValueError(f"a trace has {part['value'].size} values for {seeds} seeds")
    blocks = part["value"].reshape(len(names), seeds, records)
    measures = {name: block.T for name, block in zip(names, blocks, strict=True)}
    rate = float(part["learning_rate"][0])
    return Trace(
        problem=str(part["problem"][0]),
        instance=str(part["instance"][0]),
        instance_id=str(part["instance_id"][0]),
        parametrization=str(part["parametrization"][0]),
        optimizer=str(part["optimizer"][0]),
        steps=part["step"][:records],
        loss=measures.pop("loss"),
        log_gap=measures.pop("log_gap"),
        learning_rate=None if np.isnan(rate) else rate,
        won=bool(part["won"][0]),
        evaluations=part["evaluations"][: seeds * records].reshape(seeds, records).T,
        measures=measures,
    )
