"""What a comparison found: its tables, the traces behind them, and where it was measured."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

SCHEMA_VERSION = 1
CELL = ("problem", "instance", "parametrization", "optimizer")


@dataclass(frozen=True)
class Trace:
    """The winning runs of one cell: one column a seed.

    Also where several learning rates were given: of the others ``learning_rates`` keeps the ends.

    Attributes
    ----------
    steps : ndarray, int64 (R,)
    log_gap : ndarray, float64 (R, S)
        Natural logarithm of loss minus the certified optimum.
    distance : dict of str to ndarray (R, S)
        What the implicit-bias table measures, along the run.
    """

    problem: str
    instance: str
    parametrization: str
    optimizer: str
    steps: np.ndarray
    log_gap: np.ndarray
    distance: dict[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True)
class Comparison:
    """The result of :func:`optbench.compare`.

    Attributes
    ----------
    bias_rows, convergence_rows : list of dict
        One object per (problem, instance, parametrization, optimizer), as ``docs/schema.md`` says.
        A cell is a number, or null with a ``reason`` in its row.
    instances : list of dict
        Facts of each instance: sizes, source, references with value, bound and gap, separation.
    traces : list of Trace
    environment : dict
        Versions, machine, threads, seconds for compilation, references and runs.
    notes : list of str
        Lines a reader must see: broken plug-ins, interruption, edges of grids.
    """

    bias_rows: list[dict[str, Any]]
    convergence_rows: list[dict[str, Any]]
    instances: list[dict[str, Any]]
    traces: list[Trace]
    environment: dict[str, Any]
    notes: list[str] = field(default_factory=list)

    @property
    def bias(self) -> pd.DataFrame:
        """The implicit-bias table, one row per cell; measures in columns of their own."""
        return _frame(self.bias_rows, ("measures",))

    @property
    def convergence(self) -> pd.DataFrame:
        """The convergence table, one row per cell."""
        rows = [{**row} for row in self.convergence_rows]
        for row in rows:
            del row["learning_rates"]
        return _frame(rows, ("steps_to", "seconds_to", "rate"))

    @property
    def learning_rates(self) -> pd.DataFrame:
        """Every learning rate that was given, one row per cell and rate; empty after a search."""
        rows = [
            {**{key: row[key] for key in CELL}, **entry}
            for row in self.convergence_rows
            for entry in row["learning_rates"]
        ]
        return _frame(rows, ("steps_to",))

    @property
    def failed(self) -> bool:
        """Whether an optimizer that was asked for failed (CLI exit code 1)."""
        return any(row["status"] == "failed" for row in self.convergence_rows)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON document of ``docs/schema.md``."""
        return {
            "schema_version": SCHEMA_VERSION,
            "environment": self.environment,
            "instances": self.instances,
            "bias": self.bias_rows,
            "convergence": self.convergence_rows,
            "notes": self.notes,
        }


def _frame(rows: list[dict[str, Any]], nested: tuple[str, ...]) -> pd.DataFrame:
    import pandas as pd

    flat = []
    for row in rows:
        plain = {key: value for key, value in row.items() if key not in nested}
        for key in nested:
            prefix = "" if key == "measures" else f"{key}_"
            plain.update({f"{prefix}{name}": value for name, value in (row[key] or {}).items()})
        flat.append(plain)
    return pd.DataFrame(flat)
