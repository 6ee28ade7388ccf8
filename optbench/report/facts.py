"""The lines above a table: what the instance is and how far apart its references are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from optbench.report.numbers import fixed, significant

Instance = Mapping[str, Any]

TOLD_ELSEWHERE = {
    "problem", "instance", "n", "d", "source", "separable", "loss", "optimum", "references",
    "separation",
}  # fmt: skip


def sizes(instance: Instance) -> str:
    """Return sizes, source, whether separable, loss and further short facts in one line."""
    parts = [f"{instance['n']} x {instance['d']}", str(instance.get("source") or "")]
    if instance.get("separable") is not None:
        parts.append("separable" if instance["separable"] else "not separable")
    if instance.get("loss"):
        parts.append(f"{instance['loss']} loss")
    for key, value in instance.items():
        if key not in TOLD_ELSEWHERE and isinstance(value, bool | int | float | str):
            shown = significant(value) if isinstance(value, float) else value
            parts.append(f"{key.replace('_', ' ')} {shown}")
    if instance.get("optimum") is not None:
        parts.append(f"optimum {significant(instance['optimum'], 6)}")
    return "; ".join(filter(None, parts))


def references(instance: Instance) -> str:
    """Return the reference solutions with their values and the largest duality gap."""
    found = instance.get("references") or []
    if not found:
        return "references: none"
    values = ", ".join(
        f"{entry['name']} {significant(entry.get('value'), 4)}"
        + (" (not unique)" if entry.get("unique") is False else "")
        + (" (not certified: it decides nothing)" if entry.get("certified") is False else "")
        for entry in found
    )
    gaps = [entry["gap"] for entry in found if entry.get("gap") is not None]
    certified = f"; duality gaps at most {significant(max(gaps), 2)}" if gaps else ""
    return f"references: {values}{certified}"


def separation(instance: Instance) -> str:
    """Return how far apart the references are: degrees on separable data, else distances."""
    pairs = {k: v for k, v in (instance.get("separation") or {}).items() if v is not None}
    if not pairs:
        return ""
    if instance.get("separable"):
        shown = ", ".join(f"{k} {fixed(v)}" for k, v in pairs.items())
        return f"angles between references (degrees): {shown}"
    shown = ", ".join(f"{k} {significant(v)}" for k, v in pairs.items())
    return f"relative distances between references: {shown}"


def bias_facts(instance: Instance) -> tuple[str, ...]:
    """Return the lines above the implicit-bias table."""
    return tuple(filter(None, (sizes(instance), references(instance), separation(instance))))


def convergence_facts(instance: Instance, success_target: str | None) -> str:
    """Return the line above the convergence table."""
    success = f"; success: seeds that reach {success_target}" if success_target else ""
    return (
        f"{instance['n']} x {instance['d']}; "
        f"targets: (loss - optimum) / (first loss - optimum){success}"
    )
