"""Cells run in portions: what has ended is kept when time is up."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from optbench.engine.stop import StopSignal
from optbench.executors.cells import portions, run_cells


@dataclass
class OfInstance:
    """What a portion looks at: which instances a cell has."""

    instances: str

    @property
    def cell(self):
        return self


@pytest.mark.parametrize(
    ("cells", "enough", "expected"),
    [
        ("aaabbbccc", 3, ["aaa", "bbb", "ccc"]),
        ("aaabbbccc", 4, ["aaabbb", "ccc"]),
        ("abcdefg", 4, ["abcd", "efg"]),
        ("aaaaaa", 2, ["aaaaaa"]),
        ("", 4, []),
    ],
)
def test_portions_are_whole_instances(cells, enough, expected):
    cut = portions([OfInstance(instance) for instance in cells], enough)
    assert ["".join(cell.instances for cell in portion) for portion in cut] == expected


def test_nothing_to_run():
    assert run_cells([], 2, StopSignal()) == []
