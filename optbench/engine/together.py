"""Runs of several optimizers side by side: whoever trains on the same data shares its products.

Four runs on dense data cost about as much as two and a half alone, whatever their optimizers, and
a run has the same bits in a batch as alone.
"""

from __future__ import annotations

import copy
from collections.abc import Hashable, Sequence

import numpy as np

from optbench.engine.chunk import Chunk, Combination
from optbench.engine.compiler.vectors import LANES
from optbench.engine.data.panels import GROUP
from optbench.engine.meters import Meters
from optbench.engine.oracles.catalogue import join_memories
from optbench.engine.records import Records
from optbench.engine.rules import join_rules, stack_rows
from optbench.engine.state import share_predictor
from optbench.engine.stop import StopSignal
from optbench.engine.types import Runs

PADDED = ("state", "hypers", "scaled_hypers")  # as wide as the optimizer needs


def batch_key(chunk: Chunk) -> Hashable:
    """Return what chunks must have in common to be joined.

    Samples are drawn for one optimizer: it keeps to itself.  Optimizers that probe, or whose output
    is measured, go with their like: nobody else waits for the evaluations of these.
    """
    used = chunk.combination
    rule = used.rule
    return (
        id(used.data),
        used.kernels,
        (rule.linear, rule.every_step, rule.probing, rule.has_output),
        (rule.evaluating, rule.multiplying, rule.composite, rule.prox),
        rule.layers.tobytes(),
        chunk.runs.theta.shape[1],
        rule.updates[0] if used.memories.sampled_gradient.wanted else None,
        chunk.step,
        chunk.records.steps.tobytes(),
        chunk.records.asked,  # which predictors are kept
    )


def evaluated_together(chunk: Chunk) -> int:
    """Return how many runs share one product with the data."""
    data = chunk.combination.data
    if data.starts.size > 0:
        return LANES
    return GROUP if data.repeated.size > 0 else 1


def join(chunks: Sequence[Chunk]) -> Chunk:
    """Return the runs of chunks of one batch as one chunk."""
    # The same update is the same optimizer, whose rows would all be the same.
    unlike = {chunk.combination.rule.updates[0]: chunk.combination for chunk in chunks}
    whole = copy.copy(chunks[0])
    whole.combination = joined_combination(list(unlike.values()))
    rows = {update: row for row, update in enumerate(unlike)}
    owners = [rows[chunk.combination.rule.updates[0]] for chunk in chunks]
    counts = [len(chunk.status) for chunk in chunks]
    owner = np.repeat(np.array(owners, np.int64), counts)
    linear = whole.combination.rule.linear
    beside = chunks[0].aside is not chunks[0].runs
    whole.runs = stacked([chunk.runs for chunk in chunks], owner, linear)
    whole.aside = stacked([c.aside for c in chunks], owner, linear) if beside else whole.runs
    whole.previous = np.concatenate([chunk.previous for chunk in chunks])
    whole.previous_state = stack_rows([chunk.previous_state for chunk in chunks])
    whole.seeded = np.concatenate([chunk.seeded for chunk in chunks])
    whole.records = Records.side_by_side([chunk.records for chunk in chunks])
    whole.meters = Meters.side_by_side([chunk.meters for chunk in chunks])
    return whole


def stacked(runs: Sequence[Runs], owner: np.ndarray, linear: bool) -> Runs:
    """Return runs below one another, as wide as the widest."""
    arrays = [
        stack_rows(parts) if name in PADDED else np.concatenate(parts)
        for name, parts in zip(Runs._fields, zip(*runs, strict=True), strict=True)
    ]
    return share_predictor(Runs(*arrays)._replace(optimizer=owner), linear)


def joined_combination(combinations: Sequence[Combination]) -> Combination:
    """Return what the loop needs of several optimizers."""
    first = combinations[0]
    if len(combinations) == 1:
        return first
    return first._replace(
        rule=join_rules([used.rule for used in combinations]),
        repeats=np.concatenate([used.repeats for used in combinations]),
        evaluations=np.concatenate([used.evaluations for used in combinations]),
        memories=join_memories([used.memories for used in combinations]),
    )


def part(whole: Chunk, chunks: Sequence[Chunk]) -> list[Chunk]:
    """Return the runs of joined chunks as chunks of their own again."""
    parts, first = [], 0
    for chunk in chunks:
        count = len(chunk.status)
        own = whole.subset(np.arange(first, first + count))
        cut = {
            name: getattr(own.runs, name)[:, : getattr(chunk.runs, name).shape[1]].copy()
            for name in PADDED
        }
        beside = own.aside is not own.runs
        own.runs = own.runs._replace(optimizer=chunk.runs.optimizer, **cut)
        if not beside:
            own.aside = own.runs
        own.previous_state = own.previous_state[:, : cut["state"].shape[1]]
        own.combination, own.meters = chunk.combination, chunk.meters
        own.records.along = {name: own.records.along[name] for name in chunk.records.along}
        parts.append(own)
        first += count
    return parts


def advance_together(
    chunks: Sequence[Chunk], horizon: int, stop: StopSignal, threads: int = 1
) -> list[Chunk]:
    """Continue chunks of one batch to ``horizon`` steps, as one batch on so many threads."""
    whole = join(chunks)
    whole.advance(horizon, stop=stop, threads=threads)
    return part(whole, chunks)
