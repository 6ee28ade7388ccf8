"""What the loop must know of optimizers: of one, and of several that run side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numba
import numpy as np

from optbench.contract import Optimizer, Sizes
from optbench.engine.bind import bind_update
from optbench.engine.compiler.calls import address_of
from optbench.engine.types import Rule
from optbench.parametrizations import Parametrization


def make_rule(
    optimizer: Optimizer,
    parametrization: Parametrization,
    rows: int,
    row: int,
    rescale: bool,
    optimal_loss: float,
) -> Rule:
    """Return the rule of one optimizer, compiled.

    Parameters
    ----------
    rows : int
        How many the data has.
    row : int
        The size of a drawn row, if any.
    """
    layers, parameters = parametrization.layers, parametrization.parameters
    natural = parameters if "natural_grad" in optimizer.needs else 0
    slots, of = list(optimizer.slots.values()), Sizes(parameters, rows, layers)
    sizes = [0, natural, row, *(slot.size(of) for slot in slots)]
    address = address_of(bind_update(optimizer))
    return Rule(
        updates=np.array([address], dtype=object if numba.config.DISABLE_JIT else np.uint64),
        offsets=np.cumsum(sizes, dtype=np.int64)[None],
        slot_degrees=np.array([[slot.degree for slot in slots]], dtype=np.int64),
        hyper_degrees=np.array([[h.degree for h in optimizer.hypers.values()]], dtype=np.int64),
        rescale=np.array([rescale]),
        layers=layers,
        optimal_loss=optimal_loss,
        linear=parametrization.linear,
        stop=np.zeros(1, np.int64),
    )


def stack_rows(
    parts: Sequence[np.ndarray], mode: Literal["constant", "edge"] = "constant"
) -> np.ndarray:
    """Put matrices below one another; narrow ones are filled up with zeros or their last column."""
    width = max(part.shape[1] for part in parts)
    return np.concatenate(
        [np.pad(part, ((0, 0), (0, width - part.shape[1])), mode=mode) for part in parts]
    )


def join_rules(rules: Sequence[Rule]) -> Rule:
    """Return the rule of several optimizers on one parametrization, a row each.

    Rows that are shorter than others end in slots of no size, and in hyperparameters of degree 0.
    """
    known = [rule.optimal_loss for rule in rules if not np.isnan(rule.optimal_loss)]
    return rules[0]._replace(
        updates=np.concatenate([rule.updates for rule in rules]),
        offsets=stack_rows([rule.offsets for rule in rules], mode="edge"),
        slot_degrees=stack_rows([rule.slot_degrees for rule in rules]),
        hyper_degrees=stack_rows([rule.hyper_degrees for rule in rules]),
        rescale=np.concatenate([rule.rescale for rule in rules]),
        optimal_loss=known[0] if known else rules[0].optimal_loss,
    )
