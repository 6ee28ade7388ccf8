"""The lines above the tables."""

from __future__ import annotations

from example_comparison import INSTANCES

from optbench.report.facts import references


def test_a_reference_without_certificate_is_marked():
    entries = [
        {"name": "vertex", "value": -464.753, "gap": 1e-15, "certified": True},
        {"name": "entropic", "value": -452.0, "gap": 0.397, "certified": False},
    ]
    line = references({**INSTANCES[0], "references": entries})
    vertex, _, rest = line.partition(", entropic")
    assert "certified" not in vertex
    assert "not certified" in rest and "0.397" not in vertex
