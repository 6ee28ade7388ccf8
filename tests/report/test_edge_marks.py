"""The mark of a learning rate at an end of those that were tried, and why the grid ends there."""

from __future__ import annotations

from dataclasses import replace

import pytest
from example_comparison import DIGITS, INSTANCES, NEVER, convergence

from optbench.analysis.kinds.classification import CLASSIFICATION
from optbench.analysis.kinds.regression import REGRESSION
from optbench.columns import LearningRate
from optbench.report.convergence_table import convergence_table
from optbench.status import Status

RATES = (0.01, 0.1, 1.0)
MEANT = "a grid that ends at the natural rate"
WIDER = "one beyond it may be better"


def swept(optimizer, best, searched=True):
    entries = [LearningRate(learning_rate=r, steps=10, status=Status.HORIZON) for r in RATES]
    at_edge = best in (RATES[0], RATES[-1])
    return convergence(
        DIGITS, optimizer, NEVER, best_learning_rate=best, at_edge=at_edge, searched=searched,
        learning_rates=tuple(entries),
    )  # fmt: skip


def notes(kind, *rows):
    table = convergence_table(replace(INSTANCES[0], kind=kind), rows)
    return [note for note in table.notes if note.startswith("*")]


@pytest.mark.parametrize(
    ("kind", "row", "words"),
    [
        (CLASSIFICATION, swept("adam", 1.0), [MEANT]),
        (CLASSIFICATION, swept("adam", 0.01), [WIDER]),
        (CLASSIFICATION, swept("adam", 1.0, searched=False), [WIDER]),
        (REGRESSION, swept("adam", 1.0), [WIDER]),
        (REGRESSION, swept("adam", 0.1), []),
    ],
)
def test_a_note_says_why_the_best_rate_is_at_an_end(kind, row, words):
    found = notes(kind.name, row)
    assert len(found) == len(words)
    assert all(word in note for word, note in zip(words, found, strict=True))


def test_rows_at_an_end_without_a_reason_are_named_beside_those_with_one():
    meant, other = notes(CLASSIFICATION.name, swept("adam", 1.0), swept("rmsprop", 0.01))
    assert MEANT in meant and "(rmsprop)" in other and "adam" not in other
