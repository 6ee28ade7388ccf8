"""The lines above a table: what the instance is and how far apart its references are."""

from __future__ import annotations

from collections.abc import Sequence

from optbench.analysis.kinds.partly_separable import PARTLY_SEPARABLE
from optbench.columns import BEST, UNKNOWN, ConvergenceRow, InstanceFacts, ReferenceFacts
from optbench.labels import instance_labels
from optbench.report.numbers import fixed, significant
from optbench.report.rows import DOUBTFUL

TOLD_ELSEWHERE = ("separable", "loss", "optimum", "dropped_columns")
UNKNOWN_OPTIMUM = "optimum unknown"


def title_of(instance: InstanceFacts, all_of_them: Sequence[InstanceFacts]) -> str:
    """Return what an instance is called beside all instances of its comparison."""
    return instance_labels([instance, *all_of_them])[instance.instance_id]


def shape(instance: InstanceFacts) -> str:
    """Return rows and features: the size of the predictor is that for each of its outputs."""
    outputs = instance.more.get("outputs", 1)
    features = instance.d // outputs if isinstance(outputs, int) else instance.d
    return f"{instance.n} x {features}"


def sizes(instance: InstanceFacts) -> str:
    """Return sizes, source, whether separable, loss and further short facts in one line."""
    more = instance.more
    parts = [shape(instance), instance.source]
    if more.get("separable") is not None:
        partly = "partly separable" if instance.kind == PARTLY_SEPARABLE.name else "not separable"
        parts.append("separable" if more["separable"] else partly)
    if more.get("loss"):
        parts.append(f"{more['loss']} loss")
    for key, value in more.items():
        if key not in TOLD_ELSEWHERE and isinstance(value, bool | int | float | str):
            shown = significant(value) if isinstance(value, float) else value
            parts.append(f"{key.replace('_', ' ')} {shown}")
    if more.get("optimum") is not None:
        parts.append(f"optimum {significant(more['optimum'], 6)}")
    return "; ".join(filter(None, parts))


def references(instance: InstanceFacts) -> str:
    """Return the reference solutions with their values and the largest duality gap."""
    if not instance.references:
        return "references: none"
    values = ", ".join(map(_reference, instance.references))
    gaps = [each.gap for each in instance.references if each.certified and each.gap is not None]
    gaps_text = f"; duality gaps at most {significant(max(gaps), 2)}" if gaps else ""
    return f"references: {values}{gaps_text}"


def _reference(reference: ReferenceFacts) -> str:
    text = f"{reference.name} {significant(reference.value, 4)}"
    if not reference.certified:
        text += f"{DOUBTFUL} (not certified: gap {significant(reference.gap, 2)})"
    return f"{text} (not unique)" if reference.unique is False else text


def separation(instance: InstanceFacts) -> str:
    """Return how far apart the references are: degrees on separable data, else distances."""
    pairs = {k: v for k, v in instance.separation.items() if v is not None}
    if not pairs:
        return ""
    if instance.separation_unit == "deg":
        shown = ", ".join(f"{k} {fixed(v)}" for k, v in pairs.items())
        return f"angles between references (degrees): {shown}"
    shown = ", ".join(f"{k} {significant(v)}" for k, v in pairs.items())
    return f"relative distances between references: {shown}"


def missing_p(instance: InstanceFacts) -> str:
    """Return which exponents the effective p leaves out."""
    missing = {
        "effective p": instance.missing_p,
        "effective Schatten p": instance.missing_schatten_p,
    }
    return "; ".join(
        f"{name} without {', '.join(map(significant, exponents))}{DOUBTFUL} (not certified)"
        for name, exponents in missing.items()
        if exponents
    )


def bias_facts(instance: InstanceFacts) -> tuple[str, ...]:
    """Return the lines above the implicit-bias table."""
    lines = (sizes(instance), references(instance), missing_p(instance), separation(instance))
    return tuple(filter(None, lines))


def convergence_facts(instance: InstanceFacts, rows: Sequence[ConvergenceRow]) -> tuple[str, ...]:
    """Return the lines above the convergence table."""
    parts = [shape(instance), _optimum(instance)]
    if instance.infimum_from != UNKNOWN:
        parts.append("targets: (loss - optimum) / (first loss - optimum)")
        targets = {row.success_target for row in rows if row.success_rate is not None}
        parts += [f"success: seeds that keep {target}" for target in _shared(targets)]
    baselines = sorted({row.baseline for row in rows if row.baseline is not None})
    if baselines:
        parts.append(f"costs relative to {' and '.join(baselines)}")
    parts += [f"timed {date}" for date in sorted({r.timed_on[:10] for r in rows if r.timed_on})]
    return ("; ".join(filter(None, parts)),)


def _shared(targets: set[str]) -> list[str]:
    return [target for target in targets if target] if len(targets) == 1 else []


def _optimum(instance: InstanceFacts) -> str:
    """Say what suboptimality is measured from, where that is not a certified optimum."""
    if instance.infimum_from == UNKNOWN:
        return UNKNOWN_OPTIMUM
    value = significant(instance.infimum, 6)
    if instance.infimum_from == BEST:
        return f"optimum: {BEST}, {value}{DOUBTFUL} (not certified)"
    return (
        ""
        if instance.infimum_certified is not False
        else f"optimum {value}{DOUBTFUL} (not certified)"
    )
