"""What a comparison found: its tables, the traces behind them, and where it was measured."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from optbench.column import REQUIRED, columns, fact
from optbench.columns import CELL, BiasRow, ConvergenceRow, Number, Numbers
from optbench.status import Status

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from matplotlib.figure import Figure

SCHEMA_VERSION = 1

DECLARED, BEST, UNKNOWN = "declared", "best loss of all rows", "unknown"


@dataclass(frozen=True, kw_only=True)
class ReferenceFacts:
    """A reference solution of an instance, between a primal and a dual value."""

    name: str = fact("what verdicts call it", default=REQUIRED)
    value: Number = fact("primal value: margin, norm or objective")
    bound: Number = fact("dual value")
    gap: Number = fact("relative duality gap")
    certified: bool = fact(
        "whether gap and residual are at most 1e-8; no verdict is based on one that is not",
        default=REQUIRED,
    )
    unique: bool | None = fact("whether it is the only solution; null: not decided")


@dataclass(frozen=True, kw_only=True)
class InstanceFacts:
    """What is known of an instance."""

    problem: str = fact("name of the problem family", default=REQUIRED)
    instance: str = fact("label of the instance: what the data is", default=REQUIRED)
    instance_id: str = fact("which instance it is: 12 hexadecimal digits", default=REQUIRED)
    kind: str = fact(
        "kind of problem, which decides what is measured: see `measures.md`", default=REQUIRED
    )
    n: int = fact("rows of the data", low=1, default=REQUIRED)
    d: int = fact("features: size of the predictor", low=1, default=REQUIRED)
    source: str = fact("where the data is from", default="")
    infimum: Number = fact("infimum of the loss", unit="loss")
    infimum_from: str = fact(
        f'where `infimum` is from: `"{DECLARED}"` by the problem, `"{BEST}"` (`optimal_value='
        f'"best"`), or `"{UNKNOWN}"`',
        default=UNKNOWN,
    )
    infimum_certified: bool | None = fact(
        "false when `infimum` is the value of a minimizer that is not certified"
    )
    references: tuple[ReferenceFacts, ...] = fact("reference solutions", default=())
    missing_p: tuple[float | None, ...] = fact(
        "exponents that the effective p cannot be, since their norm or margin is not certified",
        default=(),
    )
    missing_schatten_p: tuple[float | None, ...] = fact(
        "exponents that the effective Schatten p cannot be, for the same reason", default=()
    )
    separation: Numbers = fact(
        'distance of each pair of references (key `"l1-l2"`), in `separation_unit`', default={}
    )
    separation_unit: str = fact(
        '`"deg"`: angles in degrees; empty: distances relative to the second of the pair',
        default="",
    )
    more: Mapping[str, Any] = fact(
        "what the problem says of its instance (`separable`, `loss`, `strength`, ...): in JSON "
        "these are keys of the instance itself",
        default={},
    )

    @property
    def uncertified(self) -> dict[str, Number]:
        """The gap of each reference that is not certified."""
        return {each.name: each.gap for each in self.references if not each.certified}


@dataclass(frozen=True)
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


@dataclass(frozen=True)
class Comparison:
    """The result of :func:`optbench.compare`.

    Attributes
    ----------
    bias_rows, convergence_rows : sequence of BiasRow, ConvergenceRow
        One row per (instance, parametrization, optimizer), see :mod:`optbench.columns`.
    instances : sequence of InstanceFacts
        Sizes, source, references with value, bound and gap, separation.
    traces : sequence of Trace
    environment : dict
        Versions, machine, threads, seconds for compilation, references and runs.
    notes : list of str
        Lines a reader must see: broken plug-ins, interruption, edges of grids.
    """

    bias_rows: Sequence[BiasRow]
    convergence_rows: Sequence[ConvergenceRow]
    instances: Sequence[InstanceFacts]
    traces: Sequence[Trace]
    environment: dict[str, Any]
    notes: list[str] = field(default_factory=list)

    @property
    def bias(self) -> pd.DataFrame:
        """The implicit-bias table, one row per cell; measures in columns of their own."""
        return _frame(flat(row) for row in self.bias_rows)

    @property
    def convergence(self) -> pd.DataFrame:
        """The convergence table, one row per cell."""
        return _frame(flat(row) for row in self.convergence_rows)

    @property
    def learning_rates(self) -> pd.DataFrame:
        """Every learning rate that was given, or tried by the search: one row per cell and rate."""
        return _frame(
            {**{key: getattr(row, key) for key in CELL}, **flat(entry)}
            for row in self.convergence_rows
            for entry in row.learning_rates
        )

    def plot(
        self,
        kind: str = "loss",
        *,
        width: str = "two",
        against: str = "steps",
        instances: Sequence[str] = (),
        optimizers: Sequence[str] = (),
    ) -> Figure:
        """Return a figure: ``figure.savefig("loss.pdf")``; notebooks show it as it is.

        Parameters
        ----------
        kind : str
            One of those that ``optbench plot`` lists, see ``docs/figures.md``.
        width : {"one", "two"}
            Columns of a paper: 3.25 or 6.75 inches.
        against : {"steps", "evaluations", "seconds"}
            What progress is shown against, where a kind has a choice.
        instances, optimizers : sequence of str
            Those that are shown; default: all.

        Raises
        ------
        UserError
            For an unknown kind or name, or when there is nothing to show.
        """
        from optbench.plots import Asked, draw

        return draw(self, kind, Asked(width, against), instances, optimizers).figure

    @property
    def failed(self) -> bool:
        """Whether an optimizer that was asked for failed (CLI exit code 1)."""
        return any(row.status == Status.FAILED for row in self.convergence_rows)

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C ended it before its runs had ended (CLI exit code 130)."""
        return any(row.status == Status.INTERRUPTED for row in self.convergence_rows)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON document of ``docs/schema.md``, as mappings and sequences."""
        return {
            "schema_version": SCHEMA_VERSION,
            "environment": self.environment,
            "instances": [as_dict(facts) for facts in self.instances],
            "bias": [as_dict(row) for row in self.bias_rows],
            "convergence": [as_dict(row) for row in self.convergence_rows],
            "notes": self.notes,
        }


def as_dict(record: Any) -> dict[str, Any]:
    """Return a record as a mapping, records in it as well; ``more`` becomes keys of its own."""
    found = {each.name: _plain(getattr(record, each.name)) for each in columns(type(record))}
    return {**found.pop("more", {}), **found}


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return as_dict(value)
    if isinstance(value, Mapping):
        return dict(value)
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def flat(record: Any) -> dict[str, Any]:
    """Return a record with nothing nested: numbers by name are columns of their own."""
    found: dict[str, Any] = {}
    for each in columns(type(record)):
        value = getattr(record, each.name)
        if each.name == "learning_rates":
            continue  # rows of a table of their own
        if dataclasses.is_dataclass(value):
            found |= {f"{each.name}_{name}": part for name, part in flat(value).items()}
        elif each.prefix or each.name == "measures":
            found |= {f"{each.prefix}{name}": number for name, number in value.items()}
        else:
            found[each.name] = str(value) if isinstance(value, Status) else value
    return found


def _frame(rows: Iterable[dict[str, Any]]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(list(rows))
