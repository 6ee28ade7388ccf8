"""Threads inside one run: the rows of large dense data are split into segments.

How many segments there are depends on the data alone, and their results are added in their order:
a run has the same bits on any number of threads.  One thread runs the loop; the others wait for
its tickets, evaluate their share of the segments, and hand the tickets back.
"""

from __future__ import annotations

import functools
import math
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types as numba_types
from numba.core import cgutils
from numba.extending import intrinsic

from optbench.engine import types
from optbench.engine.compiler.cache import compile_kernel
from optbench.engine.compiler.calls import entry_point
from optbench.engine.compiler.overloads import called, inlined, when_compiled
from optbench.engine.data.dense import (
    Totals,
    block_of_bands,
    block_of_panels,
    evaluate_bands,
    evaluate_block,
    evaluate_panels,
)
from optbench.engine.data.layouts import block_panels, in_bands
from optbench.engine.data.outputs import evaluate_bands_of_outputs, evaluate_panels_of_outputs
from optbench.engine.types import Data, Kernels, Runs, Scratch

SEGMENT_NUMBERS = 2**16  # half a megabyte: a step takes far longer than handing out a ticket
MOST_SEGMENTS = 16
TICKET, WANT_LOSS = 0, 1  # columns of the board; its rows are threads
OVER = -1  # the ticket of a thread that evaluates no more


def count_segments(shape: tuple[int, int, int]) -> int:
    """Return the number of segments of dense data: a power of two, 1 for small data."""
    blocks = -(-shape[0] // block_panels(shape))
    limit = min(math.prod(shape) // SEGMENT_NUMBERS, blocks, MOST_SEGMENTS)
    return 2 ** (max(limit, 1).bit_length() - 1)


def make_board(threads: int) -> np.ndarray:
    """Return the board on which threads meet, int64 (threads, 8): a cache line for each."""
    return np.zeros((threads, 8), np.int64)


def dense_objective(want_loss, kernels: Kernels, data: Data, scratch: Scratch, runs: Runs):
    """Evaluate dense data in panels."""
    evaluate(block_of_panels, evaluate_panels, want_loss, kernels, data, scratch, runs)


def wide_objective(want_loss, kernels: Kernels, data: Data, scratch: Scratch, runs: Runs):
    """Evaluate dense data in bands."""
    evaluate(block_of_bands, evaluate_bands, want_loss, kernels, data, scratch, runs)


def dense_outputs_objective(want_loss, kernels: Kernels, data: Data, scratch: Scratch, runs: Runs):
    """Evaluate several outputs on dense data in panels."""
    evaluate_outputs(evaluate_panels_of_outputs, want_loss, kernels, data, scratch, runs)


def wide_outputs_objective(want_loss, kernels: Kernels, data: Data, scratch: Scratch, runs: Runs):
    """Evaluate several outputs on dense data in bands."""
    evaluate_outputs(evaluate_bands_of_outputs, want_loss, kernels, data, scratch, runs)


@inlined
def evaluate(
    block_of_one,
    evaluate_rows,
    want_loss,
    kernels: Kernels,
    data: Data,
    scratch: Scratch,
    runs: Runs,
):
    """Evaluate dense data: in one piece, or segment by segment."""
    panels = data.panels.shape[0]
    if scratch.gradients.shape[0] > 0:
        evaluate_segments(evaluate_rows, want_loss, kernels, data, scratch, runs)
    elif runs.w.shape[0] == 1 and panels <= block_panels(data.panels.shape):
        totals = Totals(runs.loss, runs.lowest, runs.gradient_w)
        evaluate_block(block_of_one, want_loss, kernels, data, scratch, runs, totals)
    else:
        totals = Totals(runs.loss, runs.lowest, runs.gradient_w)
        evaluate_rows(0, panels, want_loss, kernels, data, scratch, runs, totals)


@inlined
def evaluate_outputs(
    evaluate_rows, want_loss, kernels: Kernels, data: Data, scratch: Scratch, runs: Runs
):
    """Evaluate several outputs: in one piece, or segment by segment."""
    if scratch.gradients.shape[0] > 0:
        evaluate_segments(evaluate_rows, want_loss, kernels, data, scratch, runs)
    else:
        totals = Totals(runs.loss, runs.lowest, runs.gradient_w)
        panels = data.panels.shape[0]
        evaluate_rows(0, panels, want_loss, kernels, data, scratch, runs, totals)


@called
def evaluate_segments(
    evaluate_rows, want_loss, kernels: Kernels, data: Data, scratch: Scratch, runs: Runs
):
    """Evaluate this thread's share of the segments, wait for the others, and add them all."""
    board = scratch.board
    ticket = board[0, TICKET] + 1
    board[0, WANT_LOSS] = want_loss
    publish(board, 0, ticket)
    evaluate_share(evaluate_rows, 0, want_loss, kernels, data, scratch, runs)
    whole = True
    for thread in range(1, board.shape[0]):
        done = read(board, thread)
        while done != ticket and done != OVER:
            give_way()
            done = read(board, thread)
        whole = whole and done == ticket
    add_segments(scratch, runs)
    if not whole:  # the error of the thread is raised when the loop returns
        runs.loss[:] = np.nan
        runs.gradient_w[:, :] = np.nan


@called
def evaluate_share(
    evaluate_rows, thread, want_loss, kernels: Kernels, data: Data, scratch: Scratch, runs: Runs
):
    """Evaluate every segment that belongs to a thread."""
    panels, block = data.panels.shape[0], block_panels(data.panels.shape)
    blocks = -(-panels // block)
    segments = scratch.gradients.shape[0]
    for segment in range(thread, segments, scratch.board.shape[0]):
        begin = segment * blocks // segments * block
        end = min((segment + 1) * blocks // segments * block, panels)
        loss, lowest = scratch.losses[2 * segment], scratch.losses[2 * segment + 1]
        totals = Totals(loss, lowest, scratch.gradients[segment])
        evaluate_rows(begin, end, want_loss, kernels, data, scratch, runs, totals)


@called
def add_segments(scratch: Scratch, runs: Runs):
    """Add the segments' losses and gradients, first to last."""
    for run in range(runs.w.shape[0]):
        loss, lowest = 0.0, np.inf
        gradient = runs.gradient_w[run]
        gradient[:] = 0.0
        for segment in range(scratch.gradients.shape[0]):
            loss += scratch.losses[2 * segment, run]
            lowest = min(lowest, scratch.losses[2 * segment + 1, run])
            part = scratch.gradients[segment, run]
            for j in range(gradient.size):
                gradient[j] += part[j]
        runs.loss[run], runs.lowest[run] = loss, lowest


@intrinsic
def _read(_context: Any, board: Any, thread: Any) -> Any:
    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.load_atomic(_place(context, builder, sig, args), "acquire", 8)

    return numba_types.int64(board, numba_types.int64), codegen


@intrinsic
def _publish(_context: Any, board: Any, thread: Any, ticket: Any) -> Any:
    integer = numba_types.int64

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        builder.store_atomic(args[2], _place(context, builder, sig, args), "release", 8)
        return context.get_dummy_value()

    return numba_types.void(board, integer, integer), codegen


@intrinsic
def _give_way(_context: Any) -> Any:
    def codegen(context: Any, builder: Any, _sig: Any, _args: Any) -> Any:
        if hasattr(os, "sched_yield"):
            kind = ir.FunctionType(ir.IntType(32), [])
            builder.call(cgutils.get_or_insert_function(builder.module, kind, "sched_yield"), [])
        return context.get_dummy_value()

    return numba_types.void(), codegen


def _place(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    """Return the address of a thread's ticket."""
    board = context.make_array(sig.args[0])(context, builder, args[0])
    row = builder.mul(args[1], builder.extract_value(board.shape, 1))
    return builder.gep(board.data, [row])


def read(board: np.ndarray, thread: int) -> int:
    """Return a thread's ticket, and see all that was written before it."""
    return int(board[thread, TICKET])


def publish(board: np.ndarray, thread: int, ticket: int) -> None:
    """Write a thread's ticket after all that was written before."""
    board[thread, TICKET] = ticket


def give_way() -> None:
    """Let another thread run: there may be more of them than cores."""
    time.sleep(0.0)


when_compiled(read, _read)
when_compiled(publish, _publish)
when_compiled(give_way, _give_way)


def assistant(evaluate_rows: Callable[..., Any], kind: str) -> Callable[..., None]:
    """Return what evaluates a thread's share of the rows for every ticket."""

    def assist(thread, kernels: Kernels, data: Data, scratch: Scratch, runs: Runs):
        serve(evaluate_rows, thread, kernels, data, scratch, runs)

    assist.__qualname__ = f"assist-{kind}"
    return assist


ASSISTANTS = {
    "dense": evaluate_panels,
    "wide": evaluate_bands,
    "dense_outputs": evaluate_panels_of_outputs,
    "wide_outputs": evaluate_bands_of_outputs,
}


def dense_kind(data: Data) -> str:
    """Return what evaluates dense data: a key of ``ASSISTANTS``."""
    return ("wide" if in_bands(data.panels) else "dense") + "_outputs" * (data.several)


@inlined
def serve(evaluate_rows, thread, kernels: Kernels, data: Data, scratch: Scratch, runs: Runs):
    """Evaluate a thread's share for every ticket, until the loop is over."""
    board, done = scratch.board, 0
    ticket = read(board, 0)
    while ticket != OVER:
        if ticket == done:
            give_way()
        else:
            want_loss = board[0, WANT_LOSS] != 0
            evaluate_share(evaluate_rows, thread, want_loss, kernels, data, scratch, runs)
            done = ticket
            publish(board, thread, ticket)
        ticket = read(board, 0)


assist_s = numba_types.void(types.i8, types.kernels_t, types.data_t, types.scratch_t, types.runs_t)


@functools.cache
def bind_assistant(kind: str) -> Any:
    """Compile what the other threads of a run do: a key of ``ASSISTANTS``."""
    return entry_point(compile_kernel(assistant(ASSISTANTS[kind], kind), assist_s))


@contextmanager
def assistants(
    kernels: Kernels, data: Data, scratches: Sequence[Scratch], runs: Runs
) -> Iterator[None]:
    """Have one more thread for every scratch, all on one board, while the loop runs.

    Raises
    ------
    Exception
        The first error of a thread, when the loop has returned.
    """
    errors: list[Exception] = []

    def work(thread: int, scratch: Scratch) -> None:
        try:
            bind_assistant(dense_kind(data))(thread, kernels, data, scratch, runs)
        except Exception as error:
            errors.append(error)
            scratch.board[thread, TICKET] = OVER

    threads = [
        threading.Thread(target=work, args=numbered, daemon=True)
        for numbered in enumerate(scratches, start=1)
    ]
    try:
        for thread in threads:
            thread.start()
        yield
    finally:
        if threads:
            scratches[0].board[0, TICKET] = OVER
        for thread in threads:
            if thread.ident is not None:
                thread.join()
    if errors:
        raise errors[0]
