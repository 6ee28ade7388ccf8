"""What tables and JSON say of an instance: who it is, its sizes, optimum and references."""

from __future__ import annotations

import math
from collections.abc import Mapping

from optbench.analysis.kinds import kind_of
from optbench.analysis.selection import separations
from optbench.analysis.statistics import finite
from optbench.columns import BEST, DECLARED, UNKNOWN, InstanceFacts, ReferenceFacts
from optbench.instance import Instance
from optbench.solutions import EXPONENTS, norm_grid, solved
from optbench.study import Cell

OWN = ("n", "d", "source")


def instance_id(instance: Instance) -> str:
    """Return 12 hexadecimal digits that are equal for equal instances only."""
    return instance.identity[:12]


def names_of(cell: Cell) -> dict[str, str]:
    """Return the names under which tables show a cell."""
    return {
        "problem": cell.instance.problem,
        "instance": cell.instance.name,
        "instance_id": instance_id(cell.instance),
        "parametrization": cell.parametrization.name,
        "optimizer": cell.choice.label,
    }


def describe(instance: Instance, best: Mapping[Instance, float]) -> InstanceFacts:
    """Return the facts of an instance.

    Parameters
    ----------
    instance : Instance
    best : mapping of Instance to float
        From :func:`optbench.analysis.optimum.best_losses`.
    """
    known = {k: v for k, v in instance.facts.items() if isinstance(v, str | bool | int | float)}
    return InstanceFacts(
        problem=instance.problem,
        instance=instance.name,
        instance_id=instance_id(instance),
        kind=kind_of(instance).name,
        n=int(known.get("n", instance.features.shape[0])),
        d=int(known.get("d", instance.dimension)),
        source=str(known.get("source", "")),
        infimum=finite(best.get(instance, instance.optimum)),
        infimum_from=_infimum_from(instance, best),
        infimum_certified=_infimum_certified(instance, best),
        references=tuple(
            ReferenceFacts(
                name=name,
                value=finite(reference.value),
                bound=finite(reference.bound),
                gap=finite(reference.gap),
                certified=reference.certified,
                unique=reference.unique,
            )
            for name, reference in solved(instance).items()
        ),
        missing_p=_missing(instance, "lp"),
        missing_schatten_p=_missing(instance, "schatten"),
        separation={k: finite(v) for k, v in separations(instance, solved(instance)).items()},
        separation_unit=kind_of(instance).unit,
        more={key: value for key, value in known.items() if key not in OWN},
    )


def _missing(instance: Instance, family: str) -> tuple[float, ...]:
    """Return the exponents whose references are not certified."""
    if family not in instance.parametric:
        return ()
    return tuple(p for p in EXPONENTS[family] if p not in norm_grid(instance, family))


def _infimum_from(instance: Instance, best: Mapping[Instance, float]) -> str:
    if instance in best:
        return UNKNOWN if math.isnan(best[instance]) else BEST
    return UNKNOWN if math.isnan(instance.optimum) else DECLARED


def _infimum_certified(instance: Instance, best: Mapping[Instance, float]) -> bool | None:
    """Return whether it is certified; None where no solution with a certificate says so."""
    if math.isnan(best.get(instance, 0.0)):
        return None
    found = [each.certified for each in solved(instance).values() if each.kind == "minimizer"]
    return all(found) if found and not math.isnan(instance.optimum) else None
