"""What a cell is, and what every row of the implicit-bias and the convergence table says first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from optbench.column import REQUIRED, column
from optbench.status import Status

Number = float | None  # None: unknown or not reached
Interval = tuple[float, float] | None
Window = tuple[int, int] | None
Numbers = Mapping[str, float | None]
Intervals = Mapping[str, tuple[float, float] | None]
Names = tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Row:
    """What every row of the implicit-bias and the convergence table says first."""

    problem: str = column("name of the problem family", default=REQUIRED)
    instance: str = column("label of the instance: what the data is", default=REQUIRED)
    instance_id: str = column(
        "which instance it is: 12 hexadecimal digits of the hash of all that it depends on; rows "
        "belong together when these are equal, whatever the labels are",
        default=REQUIRED,
    )
    parametrization: str = column(
        "the map from trained parameters to the predictor, with its options",
        header="parame-\ntrization",
        default=REQUIRED,
    )
    optimizer: str = column(
        "name, with the hyperparameters that the user fixed: `adam[eps=0]`",
        header="optimizer",
        default=REQUIRED,
    )
    hyperparameters: Numbers = column(
        "all hyperparameters of the winning run by name; empty when nothing ran",
        note=True,
        default={},
    )
    schedule: str = column(
        "by which schedule the learning rate changes: `constant`, `cosine`, ...",
        default="constant",
    )
    as_theorem_asks: bool = column(
        "whether this is the row beside the one as used, with the hyperparameters that the "
        "optimizer's theorem asks for; `(theorem)` in its name",
        default=False,
    )
    seeds: int = column("number of seeds behind every median", low=1, default=REQUIRED)
    horizon: int = column(
        "number of steps that a run may take", unit="steps", low=1, default=REQUIRED
    )
    status: Status = column(
        "how the runs ended; the worst of all seeds", header="status", default=REQUIRED
    )
    reason: str | None = column(
        "why it is skipped, failed, diverged, stopped or INCONCLUSIVE, or why numbers are missing; "
        "null when there is nothing to explain",
        note=True,
    )


STATE = ("seeds", "horizon", "status", "reason")
CELL = ("problem", "instance", "instance_id", "parametrization", "optimizer")
