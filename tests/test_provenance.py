"""The call that a result stores is Python that repeats it."""

import numpy as np
import pytest

from optbench.provenance import call_text


def compare(problems=(), optimizers=(), *, horizon=None, learning_rates="auto", progress=False):
    """Take what a comparison takes, and return it."""
    return problems, optimizers, horizon, learning_rates


def told(*given, **named):
    """Return the text of a call."""
    arguments = dict(zip(("problems", "optimizers"), given, strict=False)) | named
    defaults = {"problems": (), "optimizers": (), "horizon": None, "learning_rates": "auto",
                "progress": False}  # fmt: skip
    return call_text("compare", {**defaults, **arguments}, compare)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ((), {}),
        (("linear_regression",), {}),
        ((["lasso", "linear_program:data='x y'"], ("adam[eps=0]",)), {"horizon": 10}),
        ((), {"optimizers": "adam"}),
        ((), {"learning_rates": [0.1, 1e-3], "horizon": np.int64(7)}),
    ],
)
def test_the_text_evaluates_to_the_call(given, named):
    assert eval(told(*given, **named)) == compare(*given, **named)


def test_data_and_objects_are_named_and_callbacks_left_out():
    assert (
        told((np.eye(3), np.arange(3.0)), progress=print) == "compare((<array 3 x 3>, <array 3>))"
    )
