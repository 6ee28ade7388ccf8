"""What the loop must know of optimizers: of one, and of several that run side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numba
import numpy as np

from optbench.contract import Optimizer, Sizes, Slot
from optbench.engine.bind import bind_probe, bind_update, bind_work
from optbench.engine.bind_penalty import bind_prox
from optbench.engine.compiler.calls import address_of
from optbench.engine.oracles.catalogue import ARGUMENTS, works_at_records, works_before
from optbench.engine.oracles.declared import FIRST_SLOT, PLACES
from optbench.engine.types import Rule
from optbench.instance import Instance
from optbench.parametrizations import Parametrization


def make_rule(instance: Instance, parametrization: Parametrization, optimizer: Optimizer) -> Rule:
    """Return the rule of one optimizer, compiled."""
    layers, needs = parametrization.layers, optimizer.needs
    kept = {name: argument for name, argument in ARGUMENTS.items() if name in needs}
    sizes = dict.fromkeys(ARGUMENTS, 0) | {
        name: argument.kept(instance, parametrization) for name, argument in kept.items()
    }
    degrees = dict.fromkeys(ARGUMENTS, 0) | {name: own.degree for name, own in kept.items()}
    slots = list(optimizer.slots.values())
    of = Sizes(parametrization.parameters, instance.features.shape[0], layers)
    parts = [0, *sizes.values(), *(slot.size(of) for slot in slots)]
    # a penalty has a unit of its own
    in_units = optimizer.homogeneous and instance.exponential_tail and instance.penalty is None
    kind = object if numba.config.DISABLE_JIT else np.uint64
    probe = 0 if optimizer.probe is None else address_of(bind_probe(optimizer))
    return Rule(
        updates=np.array([address_of(bind_update(optimizer))], dtype=kind),
        probes=np.array([probe], dtype=kind),
        offsets=np.cumsum(parts, dtype=np.int64)[None],
        degrees=np.array([[*degrees.values(), *(slot.degree for slot in slots)]], dtype=np.int64),
        hyper_degrees=np.array([[h.degree for h in optimizer.hypers.values()]], dtype=np.int64),
        rescale=np.array([in_units]),
        layers=layers,
        optimal_loss=instance.optimum if "optimal_loss" in needs else float("nan"),
        linear=parametrization.linear,
        every_step=optimizer.evaluates_iterates or (optimizer.samples and instance.stochastic),
        probing=optimizer.probe is not None,
        evaluating=optimizer.evaluates_probes,
        multiplying="hessian_vector" in needs,
        has_output="output" in needs,
        composite=instance.penalty is not None or "smooth_grad" in needs,
        prox=address_of(bind_prox(instance.prox)) if instance.prox and optimizer.projects else 0,
        before=np.array([address_of(bind_work(work)) for work in works_before(needs)], dtype=kind),
        at_records=np.array(
            [address_of(bind_work(work)) for work in works_at_records(needs)], dtype=kind
        ),
        stop=np.zeros(1, np.int64),
    )


def initial_state(rule: Rule, slots: Sequence[Slot], theta: np.ndarray) -> np.ndarray:
    """Return what runs keep before their first step, from where they start: float64 (K, s)."""
    places = rule.offsets[0]
    state = np.zeros((theta.shape[0], int(places[-1])))
    for name, argument in ARGUMENTS.items():
        start, end = places[PLACES[name]], places[PLACES[name] + 1]
        if argument.begins_as_theta and end > start:
            state[:, start:end] = theta
    own = places[FIRST_SLOT:]
    for slot, start, end in zip(slots, own[:-1], own[1:], strict=True):
        state[:, start:end] = slot.initial
    return state


def stack_rows(
    parts: Sequence[np.ndarray], mode: Literal["constant", "edge"] = "constant"
) -> np.ndarray:
    """Put matrices below one another; narrow ones are filled up with zeros or their last column."""
    width = max(part.shape[1] for part in parts)
    return np.concatenate(
        [np.pad(part, ((0, 0), (0, width - part.shape[1])), mode=mode) for part in parts]
    )


def _all_works(several: Sequence[np.ndarray]) -> np.ndarray:
    """Return what oracles do for any of some optimizers: those of a batch differ in one oracle."""
    longest = max(several, key=len)
    assert all(work in longest for works in several for work in works)
    return longest


def join_rules(rules: Sequence[Rule]) -> Rule:
    """Return the rule of several optimizers on one parametrization, a row each.

    Rows that are shorter than others end in slots of no size, and in hyperparameters of degree 0.
    """
    known = [rule.optimal_loss for rule in rules if not np.isnan(rule.optimal_loss)]
    return rules[0]._replace(
        updates=np.concatenate([rule.updates for rule in rules]),
        probes=np.concatenate([rule.probes for rule in rules]),
        offsets=stack_rows([rule.offsets for rule in rules], mode="edge"),
        degrees=stack_rows([rule.degrees for rule in rules]),
        hyper_degrees=stack_rows([rule.hyper_degrees for rule in rules]),
        rescale=np.concatenate([rule.rescale for rule in rules]),
        before=_all_works([rule.before for rule in rules]),
        at_records=_all_works([rule.at_records for rule in rules]),
        optimal_loss=known[0] if known else rules[0].optimal_loss,
    )
