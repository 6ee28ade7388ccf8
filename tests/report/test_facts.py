"""The lines above the tables."""

from __future__ import annotations

from dataclasses import replace

from example_comparison import INSTANCES

from optbench.report.facts import references
from optbench.result import ReferenceFacts


def test_a_reference_without_certificate_is_marked():
    entries = (
        ReferenceFacts(name="vertex", value=-464.753, gap=1e-15, certified=True),
        ReferenceFacts(name="entropic", value=-452.0, gap=0.397, certified=False),
    )
    line = references(replace(INSTANCES[0], references=entries))
    vertex, _, rest = line.partition(", entropic")
    assert "certified" not in vertex
    assert "not certified" in rest and "0.397" not in vertex
