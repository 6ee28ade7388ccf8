"""A plain function that a kernel calls is compiled with it, wherever it stands, as it is now."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit
from small_instances import data, one_chunk, python, regression

from optbench import UserError
from optbench.engine.compiler.bounds import needs_bounds_checks
from optbench.plugin_files import load_file

FEATURES, TARGETS = data(9, 4), data(9, 1, 1)[:, 0]
INSTANCE = regression(FEATURES, TARGETS)
RATE = 0.1
HEAD = '"""A test."""\nfrom optbench import Hyper, Slot, optimizer\n'
KERNEL = """
@optimizer(reference="a test")
def mine(theta, grad, rate=Hyper(0.1)):
    for i in range(theta.size):
        theta[i] -= STEP
"""
# What stands in front of the kernel, its step, a file beside it, and NumPy's step of a gradient.
HELPERS = {
    "same file": ("def half(x):\n    return 0.5 * x", "half(rate * grad[i])", "", lambda g: g / 2),
    "other file": (
        "from beside import twice",
        "twice(rate * grad[i])",
        "def twice(x):\n    return 2.0 * x",
        lambda g: 2 * g,
    ),
    "attribute": (
        "import beside",
        "beside.twice(rate * grad[i])",
        "def twice(x):\n    return 2.0 * x",
        lambda g: 2 * g,
    ),
    "nested": (
        "from beside import third\ndef outer(x):\n    return third(x) + third(-2.0 * x)",
        "outer(rate * grad[i])",
        "def inner(x, by=3.0):\n    return x / by\ndef third(x):\n    return inner(x)",
        lambda g: -g / 3,
    ),
    "mathematics": (
        "import math\nfrom optbench.elementwise import sigmoid\n"
        "def gate(x):\n    return sigmoid(x) * math.sqrt(abs(x))",
        "rate * gate(grad[i])",
        "",
        lambda g: expit(g) * np.sqrt(np.abs(g)),
    ),
    "constants": (
        "WEIGHTS, SCALE = (0.5, 0.25), 2.0\ndef mix(x):\n    return (WEIGHTS[0] + WEIGHTS[1]) * x",
        "rate * SCALE * mix(grad[i])",
        "",
        lambda g: 1.5 * g,
    ),
    "lambda": ("clip = lambda x: min(max(x, -0.1), 0.1)", "rate * clip(grad[i])", "",
               lambda g: np.clip(g, -0.1, 0.1)),
    "array": (
        "import math\ndef norm(x):\n    total = 0.0\n    for j in range(x.size):\n"
        "        total += x[j] * x[j]\n    return math.sqrt(total)",
        "rate * grad[i] / norm(grad)",
        "",
        lambda g: g / np.linalg.norm(g),
    ),
    "of numpy": ("import numpy as np\ndef root(x):\n    return np.sqrt(np.abs(x))",
                 "rate * root(grad[i])", "", lambda g: np.sqrt(np.abs(g))),
    "no zero division": ("def inverse(x):\n    return 1.0 / x", "rate * inverse(1.0 + step * 0.0)",
                         "", np.ones_like),
}  # fmt: skip


def plugin(folder: Path, front: str, step: str, beside: str = "") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    kernel = KERNEL.replace("STEP", step)
    if "step" in step:
        kernel = kernel.replace("grad, ", "grad, step, ")
    (folder / "mine.py").write_text(f"{HEAD}{front}\n{kernel}")
    if beside:
        (folder / "beside.py").write_text(beside + "\n")
    return folder / "mine.py"


def path(rule, steps: int = 5) -> np.ndarray:
    chunk = one_chunk(INSTANCE, rule, [RATE])
    chunk.advance(steps)
    return chunk.runs.theta[0].copy()


def in_numpy(of_gradient, steps: int = 5) -> np.ndarray:
    theta = np.zeros(FEATURES.shape[1])
    for _ in range(steps):
        gradient = FEATURES.T @ (FEATURES @ theta - TARGETS) / len(TARGETS)
        theta = theta - RATE * of_gradient(gradient)
    return theta


@pytest.mark.parametrize("case", HELPERS)
def test_a_helper_is_compiled_with_the_kernel(case: str, tmp_path: Path) -> None:
    front, step, beside, of_gradient = HELPERS[case]
    rule = load_file(plugin(tmp_path, front, step, beside)).mine
    np.testing.assert_allclose(path(rule), in_numpy(of_gradient), rtol=1e-12)


def test_a_closure_is_compiled_with_the_kernel(tmp_path: Path) -> None:
    made = "\n".join(
        (
            "def make(factor):",
            "    def scaled(x):",
            "        return factor * x",
            textwrap.indent(KERNEL.replace("STEP", "scaled(rate * grad[i])"), "    "),
            "    return mine",
            "one, other = make(3.0), make(0.5)",
        )
    )
    (tmp_path / "mine.py").write_text(f"{HEAD}{made}\n")
    module = load_file(tmp_path / "mine.py")
    for rule, factor in ((module.one, 3.0), (module.other, 0.5)):
        expected = in_numpy(lambda g, factor=factor: factor * g)
        np.testing.assert_allclose(path(rule), expected, rtol=1e-12)


@pytest.mark.parametrize("edited", ["mine.py", "beside.py"])
def test_an_edited_helper_is_seen(edited: str, tmp_path: Path) -> None:
    front = "from beside import outer\ndef inner(x):\n    return 2.0 * x"
    file = plugin(
        tmp_path, front, "inner(outer(rate * grad[i]))", "def outer(x):\n    return 2.0 * x"
    )
    before = load_file(file).mine
    first = path(before)
    text = (tmp_path / edited).read_text()
    (tmp_path / edited).write_text(text.replace("2.0 * x", "0.5 * x"))
    after = load_file(file).mine
    assert after.identity != before.identity
    np.testing.assert_allclose(path(after), in_numpy(lambda g: g), rtol=1e-12)
    np.testing.assert_allclose(first, in_numpy(lambda g: 4 * g), rtol=1e-12)


def test_folders_with_files_of_one_name_do_not_mix(tmp_path: Path) -> None:
    rules = [
        load_file(
            plugin(
                tmp_path / str(factor),
                "from beside import scaled",
                "scaled(rate * grad[i])",
                f"def scaled(x):\n    return {factor} * x",
            )
        ).mine
        for factor in (0.5, 2.0)
    ]
    for rule, factor in zip(rules, (0.5, 2.0), strict=True):
        expected = in_numpy(lambda g, factor=factor: factor * g)
        np.testing.assert_allclose(path(rule), expected, rtol=1e-12)


def test_a_helper_that_indexes_or_raises_is_checked(tmp_path: Path) -> None:
    """It may leave a table, which would read other memory, or raise."""
    table = "TABLE = (1.0, 2.0)\ndef look(k):\n    return TABLE[k]"
    rule = load_file(plugin(tmp_path, table, "look(int(step)) + 0.0 * grad[i]")).mine
    assert needs_bounds_checks(rule, rule.kernel)
    chunk = one_chunk(INSTANCE, rule, [RATE])
    chunk.advance(5)
    assert chunk.status == ["failed"] and chunk.runs.stopped[0] == 2


def test_an_error_names_the_helpers_line(tmp_path: Path) -> None:
    front = "import numpy as np\ndef wrong(x):\n    y = np.zeros(3)\n    return y[0] + x"
    file = plugin(tmp_path, front, "rate * wrong(grad[i])")
    with pytest.raises(UserError) as error:
        path(load_file(file).mine)
    line = HEAD.count("\n") + 3
    message = str(error.value)
    assert message.startswith(f"{file}:{line}: optimizer 'mine' does not compile at `y = np.zeros")
    assert "buffer=Slot()" in message and "\n" not in message


def test_a_row_loss_may_call_a_helper() -> None:
    def squared(x):
        return x * x

    def row(prediction, target):
        return 0.5 * squared(prediction - target), prediction - target

    instance = regression(FEATURES, TARGETS)
    object.__setattr__(instance, "row", row)
    chunk = one_chunk(instance, "gradient_descent", [RATE])
    chunk.advance(5)
    theta = in_numpy(lambda g: g)
    np.testing.assert_allclose(chunk.runs.theta[0], theta, rtol=1e-12)
    loss = 0.5 * np.mean((FEATURES @ theta - TARGETS) ** 2)
    np.testing.assert_allclose(np.exp(chunk.records.log_loss[-1, 0]), loss, rtol=1e-12)


SCRIPT = """
import json, sys
from pathlib import Path
from optbench.engine.bind import bind_update
from optbench.engine.compiler.cache import compiled
from optbench.registry import load_registry
known = load_registry((sys.argv[1],)).optimizers
for name in ("one", "other"):
    bind_update(known[name])
print(json.dumps(compiled))
"""


def test_an_edit_compiles_that_plug_in_only(tmp_path: Path) -> None:
    """Of a folder of plug-ins that share a file, and of whose functions each calls its own."""
    folder = tmp_path / "plugins"
    for name in ("one", "other"):
        file = plugin(folder, f"from _shared import {name}_step", f"{name}_step(rate * grad[i])")
        file.rename(folder / f"{name}.py").write_text(
            file.with_name(f"{name}.py").read_text().replace("def mine", f"def {name}")
        )
    shared = folder / "_shared.py"
    shared.write_text(
        "def one_step(x):\n    return 1.0 * x\ndef other_step(x):\n    return 2.0 * x\n"
    )

    def compiled() -> list[str]:
        printed = python(SCRIPT, str(folder), OPTBENCH_CACHE=str(tmp_path / "cache"))
        names: list[str] = json.loads(printed.splitlines()[-1])
        return names

    assert len(compiled()) == 2
    assert compiled() == []
    shared.write_text(shared.read_text().replace("2.0", "3.0"))
    assert compiled() == ["update-other"]
    one = folder / "one.py"
    one.write_text(one.read_text().replace("rate * grad", "0.5 * rate * grad"))
    assert compiled() == ["update-one"]
