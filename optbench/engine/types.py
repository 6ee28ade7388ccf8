"""The fixed signatures by which plug-ins and the loop meet, and the arrays they pass.

Every kernel is compiled once for one of these signatures and called by address, so the loop
itself is compiled once for all optimizers and problems.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import types

from optbench.engine.compiler.calls import caller
from optbench.engine.compiler.pointers import PointerTo
from optbench.status import Status

f8, i8, b1 = types.float64, types.int64, types.boolean
vector, matrix, cube = f8[::1], f8[:, ::1], f8[:, :, ::1]
integers, integer_matrix = i8[::1], i8[:, ::1]


class Slices(NamedTuple):
    """Rows of a sparse matrix, eight side by side (see :mod:`optbench.engine.data.slices`)."""

    values: np.ndarray
    indices: np.ndarray  # uint32
    starts: np.ndarray  # int64 (slices + 1,)


class Data(NamedTuple):
    """An instance's numbers as the objective reads them.

    ``panels`` holds dense data (:mod:`optbench.engine.data.layouts`), the dense columns of sparse
    data in panels and, for an objective of the plug-in's own, its raw matrix (1, n, d).  Rows of
    CSR data are drawn from ``values``, ``columns`` and ``starts``; whole gradients come from
    slices, in an order of rows and columns of their own.  ``targets`` is in that order and padded
    to whole blocks by its last number; ``row_targets`` is in the order of the data; ``repeated``
    has those of dense data as a group of runs needs them.  Targets of several numbers lie eight
    rows side by side in ``targets``, number by number.
    """

    panels: np.ndarray
    values: np.ndarray
    columns: np.ndarray
    starts: np.ndarray
    by_row: Slices
    by_column: Slices
    columns_order: np.ndarray  # uint32 (d,): dense columns first
    targets: np.ndarray
    row_targets: np.ndarray
    repeated: np.ndarray
    rows: int
    scale: float
    numbers: np.ndarray  # parameters of the plug-in's own objective (see optbench.parameters)
    integers: np.ndarray
    outputs: int  # predictions of a row
    target_size: int  # numbers of a target: 1, or as many as outputs
    several: bool  # the row loss takes all outputs of a row at once
    cost: np.ndarray  # (d,): that of a linear program, or nothing


class Kernels(NamedTuple):
    """Addresses of an instance's and a parametrization's functions."""

    objective: int
    forward: int
    pull_back: int
    slopes: int
    tail_slopes: int
    losses: int
    tail_losses: int
    hessian: int  # with a probe: 0 where nobody asks
    curvatures: int
    tail_curvatures: int
    penalty: int  # 0 where there is none
    product: int  # with the data matrix: 0 where no optimizer asks
    sampled: int  # an objective of the plug-in's own on some rows: 0 where no optimizer asks


class Pairs(NamedTuple):
    """Theta and a probe of each run, as if they were two outputs of a run, and what comes of it."""

    w: np.ndarray  # (K, 2 d): theta, then the probe
    gradient_w: np.ndarray  # (K, 2 d): zeros, then the Hessian times the probe
    exponents: np.ndarray  # int64 (K,)
    needs_loss: np.ndarray  # bool (K,): nobody's
    loss: np.ndarray  # (K,)
    lowest: np.ndarray  # (K,)


class Scratch(NamedTuple):
    """Working memory of one chunk of runs, allocated once."""

    sums: np.ndarray  # (K, dense features padded to 8, 8): lane sums; of bands, (K, d / 8, 8): sums
    predictions: np.ndarray  # (8 * 128,): of a block of rows, run after run
    targets: np.ndarray  # (128,): those of drawn rows
    slopes: np.ndarray  # (8 * 128,)
    lanes: np.ndarray  # slopes of all rows of sparse data, eight runs side by side or one; a zero
    weights: np.ndarray  # w in the same way; a zero
    dense: np.ndarray  # (8, dense columns padded to 8): w of those, run by run
    losses: np.ndarray  # (2 S, K): losses and lowest margins of S segments (0 when there is one)
    gradients: np.ndarray  # (S, K, d)
    board: np.ndarray  # int64 (threads, 8): where threads of one run meet
    pullback: np.ndarray  # (K, s): what a parametrization needs
    rng: np.ndarray  # uint64 (K, 2): that of the runs, for objectives that draw samples
    own: np.ndarray  # (s,): what the plug-in's own objective needs for itself
    pairs: Pairs  # of no size where nobody asks for Hessian-vector products


class Runs(NamedTuple):
    """The full state of K runs; a longer horizon continues from it bit for bit."""

    optimizer: np.ndarray  # int64 (K,): which row of the rule is the run's
    needs_loss: np.ndarray  # bool (K,): whether somebody reads the loss at every step
    theta: np.ndarray  # (K, p)
    w: np.ndarray  # (K, d); theta itself for the linear parametrization
    state: np.ndarray  # (K, s): what the run keeps of its oracles, and the optimizer's slots
    hypers: np.ndarray  # (K, h)
    scaled_hypers: np.ndarray  # (K, h): in the run's unit
    exponents: np.ndarray  # int64 (K,): loss and gradient are in units of 2**-exponent
    status: np.ndarray  # int64 (K,)
    horizon: np.ndarray  # int64 (K,): how many steps the run takes in all, for schedules
    stopped: np.ndarray  # int64 (K,): the step at which the run ended
    probed: np.ndarray  # int64 (K,): how many probes were evaluated
    rng: np.ndarray  # uint64 (K, 2)
    loss: np.ndarray  # (K,)
    lowest: np.ndarray  # (K,): smallest margin
    gradient_w: np.ndarray  # (K, d)
    gradient: np.ndarray  # (K, p); gradient_w itself for the linear parametrization
    # which targets the run is at, see `engine/passages.py`
    optimum: np.ndarray  # (K,): nan where passages are not kept
    goals: np.ndarray  # (K, T): losses that are targets, falling, in units of 2**-goals_unit
    goals_unit: np.ndarray  # int64 (K,)
    band: np.ndarray  # (K, 2): the goals on both sides of the loss, in the run's unit
    reach: np.ndarray  # (K,): change of log loss per distance of w at most; 0: no bound is used
    smoothness: np.ndarray  # (K,): of the loss in w, in the plain unit; inf: unknown
    room: np.ndarray  # (K,): distance of w from the anchor within which no goal is passed
    anchor: np.ndarray  # (K, d): w where the loss was evaluated last; d = 0 without bounds
    level: np.ndarray  # int64 (K,): how many goals the loss is at or below
    reached: np.ndarray  # int64 (K, T): first step at a goal or below; -1: none
    above: np.ndarray  # int64 (K, T): last step above a goal, for those that it is at now


class Rule(NamedTuple):
    """What the loop must know of its optimizers, a row each, and of what all of them share."""

    updates: np.ndarray  # uint64 (O,): addresses
    probes: np.ndarray  # uint64 (O,): those of the kernels that write probes
    offsets: np.ndarray  # int64 (O, parts + 1): where the parts of a run's state are
    degrees: np.ndarray  # int64 (O, parts): a part for each oracle argument, one for each slot
    hyper_degrees: np.ndarray  # int64 (O, hypers)
    rescale: np.ndarray  # bool (O,): homogeneous, and the objective has an exponential tail
    layers: np.ndarray  # int64 (L, 3)
    optimal_loss: float
    linear: bool
    every_step: bool  # the objective is evaluated at every iterate, not at records only
    probing: bool  # they ask at other points too
    evaluating: bool  # for the objective and its gradient there
    multiplying: bool  # for the Hessian at theta times these
    has_output: bool  # what is measured is not theta
    composite: bool  # there is a penalty, or somebody asks for the gradient without it
    prox: int  # the address of its prox; 0 where nobody asks
    before: np.ndarray  # uint64 (W,): addresses of what oracles do before an update
    at_records: np.ndarray  # uint64 (W,): and where a record is written
    stop: np.ndarray  # int64 (1,): not 0 when the host asks the loop to return


indices = types.uint32[::1]
slices_t = types.NamedTuple([vector, indices, integers], Slices)
data_t = PointerTo(
    types.NamedTuple(
        [
            cube,
            vector,
            indices,
            integers,
            slices_t,
            slices_t,
            indices,
            vector,
            vector,
            vector,
            i8,
            f8,
            vector,
            integers,
            i8,
            i8,
            b1,
            vector,
        ],
        Data,
    )
)
kernels_t = PointerTo(types.NamedTuple([types.uint64] * len(Kernels._fields), Kernels))
states = types.uint64[:, ::1]
pairs_t = types.NamedTuple([matrix, matrix, integers, b1[::1], vector, vector], Pairs)
scratch_t = PointerTo(
    types.NamedTuple(
        [
            cube,
            vector,
            vector,
            vector,
            vector,
            vector,
            matrix,
            matrix,
            cube,
            integer_matrix,
            matrix,
            states,
            vector,
            pairs_t,
        ],
        Scratch,
    )
)
runs_t = PointerTo(
    types.NamedTuple(
        [
            integers,
            b1[::1],
            matrix,
            matrix,
            matrix,
            matrix,
            matrix,
            integers,
            integers,
            integers,
            integers,
            integers,
            states,
            vector,
            vector,
            matrix,
            matrix,
            vector,
            matrix,
            integers,
            matrix,
            vector,
            vector,
            vector,
            matrix,
            integers,
            integer_matrix,
            integer_matrix,
        ],
        Runs,
    )
)
rule_t = PointerTo(
    types.NamedTuple(
        [
            types.uint64[::1],
            types.uint64[::1],
            integer_matrix,
            integer_matrix,
            integer_matrix,
            b1[::1],
            integer_matrix,
            f8,
            b1,
            b1,
            b1,
            b1,
            b1,
            b1,
            b1,
            types.uint64,
            types.uint64[::1],
            types.uint64[::1],
            integers,
        ],
        Rule,
    )
)

# slopes(predictions, targets, log_unit, slopes): the derivative of each row's loss; of several
# outputs the rows of one lie after those of another
slopes_s = types.void(vector, vector, f8, vector)
# losses(predictions, targets, log_unit) -> sum of the rows' losses
losses_s = f8(vector, vector, f8)
# objective(want_loss, kernels, data, scratch, runs)
objective_s = types.void(b1, kernels_t, data_t, scratch_t, runs_t)
# product(kernels, data, scratch): of the Hessians at theta with the probes in ``scratch.pairs``
# sampled(run, features, targets, data, scratch, runs): the gradient on the rows that it is given
sampled_s = types.void(i8, matrix, vector, data_t, scratch_t, runs_t)
hessian_s = types.void(kernels_t, data_t, scratch_t)
# penalty(w, grad) -> its value, its gradient added to grad
penalty_s = f8(vector, vector)
# prox(point, step_size)
prox_s = types.void(vector, f8)
# forward(theta, layers, scratch, w)
forward_s = types.void(matrix, integer_matrix, matrix, matrix)
# pull_back(theta, layers, scratch, gradient_w, gradient)
pull_back_s = types.void(matrix, integer_matrix, matrix, matrix, matrix)
# update(step, run, kernels, data, scratch, runs, rule)
update_s = types.void(i8, i8, kernels_t, data_t, scratch_t, runs_t, rule_t)
# probe(step, trial, run, kernels, data, scratch, runs, rule) -> 1: it wrote a point, 0: it has
# enough
probe_s = i8(i8, i8, i8, kernels_t, data_t, scratch_t, runs_t, rule_t)
# product(which, data, scratch, given, out): see `data/products.py`
product_s = types.void(i8, data_t, scratch_t, vector.copy(readonly=True), vector)

call_sampled = caller(sampled_s)
call_slopes, call_losses = caller(slopes_s), caller(losses_s)
call_objective, call_update, call_probe = caller(objective_s), caller(update_s), caller(probe_s)
call_hessian, call_penalty, call_prox = caller(hessian_s), caller(penalty_s), caller(prox_s)
call_forward, call_pull_back = caller(forward_s), caller(pull_back_s)
call_product = caller(product_s)

RUNNING, CONVERGED, DIVERGED, STALLED, FAILED = range(5)
STATUSES = (  # by code
    Status.HORIZON,
    Status.CONVERGED,
    Status.DIVERGED,
    Status.STALLED,
    Status.FAILED,
)
