"""What is known of an instance and of its reference solutions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from optbench.column import REQUIRED, fact
from optbench.columns.row import Number, Numbers

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
