"""K runs of one optimizer on one instance: learning rates x seeds, advanced together.

Runs are cut into chunks of a fixed size, whatever the number of threads, and a run's arithmetic
does not depend on its neighbours: the same bits for one thread or two, alone or in a batch.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from optbench.contract import Optimizer
from optbench.engine import types
from optbench.engine.bind import bind_loop, bind_parametrization
from optbench.engine.bind_hessians import bind_second_derivatives, product_addresses
from optbench.engine.bind_instance import (
    bind_instance,
    bind_samples_of,
    bind_tail_of,
    objective_kind,
)
from optbench.engine.bind_penalty import bind_penalty, bind_prox
from optbench.engine.chunk import Chunk, Combination
from optbench.engine.compiler.calls import address_of, entry_point
from optbench.engine.compiler.vectors import LANES
from optbench.engine.compiler.views import read_only
from optbench.engine.data.layouts import arrange, repeat_targets
from optbench.engine.data.panels import BLOCK_ROWS, GROUP
from optbench.engine.data.products import bind_product
from optbench.engine.data.segments import bind_assistant, count_segments
from optbench.engine.data.slices import no_slices, split
from optbench.engine.oracles.catalogue import make_memories, missing_oracle
from optbench.engine.oracles.features import product_for
from optbench.engine.records import Records, Snapshots
from optbench.engine.rules import make_rule
from optbench.errors import UserError
from optbench.instance import Instance
from optbench.parameters import pack
from optbench.parametrizations import Parametrization, as_typed, parametrization

CHUNK_RUNS = 32
BOUND_PAYS = 16  # features a row, up to which a distance of w costs less than losses of rows
_DATA: WeakKeyDictionary[Instance, types.Data] = WeakKeyDictionary()


def data_of(instance: Instance) -> types.Data:
    """Return an instance's numbers as the objective reads them: the same as long as it lives."""
    data = _DATA.get(instance)
    return data if data is not None else _DATA.setdefault(instance, make_data(instance))


def make_data(instance: Instance) -> types.Data:
    """Arrange an instance's numbers; kernels never write to them."""
    rows = instance.features.shape[0]
    panels, values, repeated = np.zeros((0, 0, 0)), np.zeros(0), np.zeros(0)
    columns, starts = np.zeros(0, np.uint32), np.zeros(0, np.int64)
    by_row, by_column = no_slices(), no_slices()
    order, columns_order = np.arange(rows), np.zeros(0, np.uint32)
    if instance.loss_and_grad is not None:
        panels = read_only(np.ascontiguousarray(instance.features, dtype=float))[None]
    elif instance.sparse:
        values = np.ascontiguousarray(instance.features.data, dtype=float)
        columns = np.ascontiguousarray(instance.features.indices, dtype=np.uint32)
        starts = np.ascontiguousarray(instance.features.indptr, dtype=np.int64)
        order, columns_order, panels, by_row, by_column = split(instance.features)
    else:
        panels = arrange(np.asarray(instance.features, dtype=float))
    numbers, integers = pack(instance.parameters)
    targets = np.zeros((-(-rows // BLOCK_ROWS) * BLOCK_ROWS, *instance.targets.shape[1:]))
    targets[:rows] = instance.targets[order]
    targets[rows:] = targets[rows - 1]  # a row loss may know no other than real ones
    if targets.ndim > 1:
        targets = targets.reshape(-1, LANES, instance.outputs).transpose(0, 2, 1).ravel()
    if (
        not instance.several
        and panels.shape[0] > 0
        and instance.loss_and_grad is None
        and not instance.sparse
    ):
        repeated = repeat_targets(targets, panels)
    return types.Data(
        panels=panels,
        values=values,
        columns=columns,
        starts=starts,
        by_row=by_row,
        by_column=by_column,
        columns_order=columns_order,
        targets=targets,
        row_targets=np.array(instance.targets, dtype=float).ravel(),
        repeated=repeated,
        rows=rows,
        scale=float(instance.scale),
        numbers=numbers,
        integers=integers,
        outputs=instance.outputs,
        target_size=instance.outputs if instance.targets.ndim > 1 else 1,
        several=instance.several,
        cost=np.zeros(0) if instance.cost is None else np.array(instance.cost, dtype=float),
    )


def bind(
    instance: Instance, parametrization: Parametrization, optimizer: Optimizer, threads: int = 1
) -> Combination:
    """Compile (or load) everything one combination needs; nothing is compiled later.

    Parameters
    ----------
    threads : int
        More than one: what shares a step among them is compiled too.

    Raises
    ------
    UserError
        When a kernel does not compile, or the optimizer asks for what there is not.
    """
    if reason := missing_oracle(instance, parametrization, optimizer):
        raise UserError(f"optimizer {optimizer.name!r} {reason}")
    if parametrization.linear and parametrization.parameters != instance.dimension:
        raise UserError(
            f"{instance.problem}:{instance.name}: its predictor has {instance.dimension} numbers, "
            f"the {parametrization.name} parametrization {parametrization.parameters}"
        )
    again = Recipe(instance, parametrization, optimizer)
    kind = objective_kind(instance)
    parametrization = with_layers(instance, parametrization)
    objective, slopes, losses = bind_instance(instance)
    tail = bind_tail_of(instance)
    forward, pull_back = bind_parametrization(parametrization)
    kernels = types.Kernels(
        objective=address_of(objective),
        forward=address_of(forward),
        pull_back=address_of(pull_back),
        slopes=address_of(slopes),
        tail_slopes=address_of(tail[0]),
        losses=address_of(losses),
        tail_losses=address_of(tail[1]),
        **product_addresses(instance, optimizer),
        penalty=address_of(bind_penalty(instance.penalty)) if instance.penalty else 0,
        product=product_for(optimizer, kind),
        sampled=_sampled_for(instance, optimizer),
    )
    rule = make_rule(instance, parametrization, optimizer)
    data = data_of(instance)
    dense = instance.loss_and_grad is None and not instance.sparse
    # a run that only fills up a group would be mapped too
    grouped = dense and not instance.several and rule.linear and (rule.every_step or rule.probing)
    used = Combination(
        again=again,
        advance=entry_point(bind_loop()),
        kernels=kernels,
        data=data,
        rule=rule,
        slots=list(optimizer.slots.values()),
        needs_loss="loss" in optimizer.needs,
        needs_probe_loss="probe_loss" in optimizer.needs,
        repeats=np.array([optimizer.repeats]),
        evaluations=np.array([float(rule.every_step or "features" in optimizer.needs)]),
        memories=make_memories(instance, parametrization, optimizer),
        segments=count_segments(data.panels.shape) if dense else 1,
        group=GROUP if grouped else 1,
        scratch=int(instance.scratch),
    )
    if threads > 1 and used.segments > 1 and used.shares_steps:
        bind_assistant(kind)
    return used


def _sampled_for(instance: Instance, optimizer: Optimizer) -> Any:
    own = bind_samples_of(instance) if optimizer.samples else None
    return address_of(own) if own is not None else 0


def bind_all(instance: Instance) -> None:
    """Compile all that any optimizer may ask of an instance, on one thread or several."""
    bind_instance(instance)
    bind_tail_of(instance)
    if not instance.several:
        bind_product(objective_kind(instance))
    bind_second_derivatives(instance)
    bind_samples_of(instance)
    if instance.penalty is not None:
        bind_penalty(instance.penalty)
    if instance.prox is not None:
        bind_prox(instance.prox)
    if instance.loss_and_grad is None and not instance.sparse:
        bind_assistant(objective_kind(instance))


@dataclasses.dataclass(frozen=True)
class Recipe:
    """What a combination is made of: names, numbers and identities when it travels."""

    instance: Instance
    parametrization: Parametrization
    optimizer: Optimizer

    def __call__(self) -> Combination:
        """Make the combination in this process."""
        return bind(self.instance, self.parametrization, self.optimizer)

    def __reduce__(self) -> tuple[Any, ...]:
        """Send the parametrization as it is typed."""
        typed = as_typed(self.parametrization, self.instance.dimension)
        return _recipe, (self.instance, typed, self.optimizer)


def _recipe(instance: Instance, typed: str, optimizer: Optimizer) -> Recipe:
    return Recipe(instance, parametrization(typed, instance.dimension), optimizer)


def with_layers(instance: Instance, parametrization: Parametrization) -> Parametrization:
    """Return the parametrization with the weight matrices of the predictor where that is theta."""
    if instance.layers is None or parametrization.name != "linear":
        return parametrization
    return dataclasses.replace(parametrization, layers=instance.layers)


def make_chunks(
    instance: Instance,
    parametrization: Parametrization,
    optimizer: Optimizer,
    hypers: np.ndarray,
    seeds: Sequence[int],
    perturbation: float = 0.0,
    snapshots: Snapshots = "all",
    starts: Sequence[np.ndarray] | None = None,
    passages: bool = False,
    horizons: Sequence[int] | None = None,
) -> list[Chunk]:
    """Prepare runs for every row of ``hypers`` (K, H), each with its own seed.

    Parameters
    ----------
    hypers : ndarray, float64 (K, H)
        Hyperparameters in the order of the optimizer's signature.
    seeds : sequence of int
        One seed a run: its initialization and its random numbers.
    perturbation : float
        Seeds other than 0 add this much Gaussian noise (standard deviation) to theta at the start.
    snapshots
        See :class:`Chunk`.
    starts : sequence of ndarray, float64 (p,), optional
        Where each run starts; by default where the parametrization does.
    passages : bool
        Whether the loop keeps when they pass relative targets: not where the objective is a sample
        or is evaluated at records only.
    horizons : sequence of int, optional
        How many steps each of them is to take in all, for optimizers that ask.

    Raises
    ------
    UserError
        When a kernel does not compile.
    """
    if hypers.shape != (len(seeds), len(optimizer.hypers)):
        raise UserError(
            f"optimizer {optimizer.name!r}: hyperparameters of shape {hypers.shape} for "
            f"{len(seeds)} runs of {len(optimizer.hypers)} hyperparameters"
        )
    kernels = bind(instance, parametrization, optimizer)
    theta = np.empty((len(seeds), parametrization.parameters))
    for row, seed in enumerate(seeds):
        generator = np.random.Generator(np.random.PCG64([seed, 0x0B]))
        if starts is not None:
            theta[row] = starts[row]
        else:
            theta[row] = parametrization.initial(instance.start, generator)
        if seed and perturbation:
            noise = perturbation * generator.standard_normal(parametrization.parameters)
            theta[row] = theta[row] * np.exp(noise) if instance.positive else theta[row] + noise
    kept = passages and kernels.keeps_passages and not instance.stochastic
    optimum = instance.optimum if kept else float("nan")
    pays = instance.dimension <= BOUND_PAYS * instance.features.shape[0]
    reach = instance.reach if kept and pays else 0.0
    # where the optimum is 0 the logarithm of the loss has the better bound, far from it and near
    known = reach > 0.0 and optimum > 0.0 and instance.curvature > 0.0
    smoothness = instance.curvature if known else math.inf
    chunks = []
    for start in range(0, len(seeds), CHUNK_RUNS):
        rows = slice(start, min(start + CHUNK_RUNS, len(seeds)))
        chunks.append(
            Chunk(
                kernels,
                parametrization,
                theta[rows],
                hypers[rows],
                list(seeds)[rows],
                instance.dimension,
                snapshots,
                optimum,
                reach,
                smoothness,
                None if horizons is None else horizons[rows],
            )
        )
    return chunks


def side_by_side(chunks: Sequence[Chunk]) -> Records:
    """Return the records of all chunks, run after run."""
    return Records.side_by_side([chunk.records for chunk in chunks])
