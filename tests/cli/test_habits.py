"""Habits of optax, PyTorch and JAX: one line with file, line and what to write, exit code 2."""

from __future__ import annotations

import inspect

import pytest

from optbench.cli import main
from optbench.contract.habits import advice, check_body
from optbench.plugin_files import load_file
from optbench.registry import load_registry

HEADER = "import math\nimport numpy as np\nfrom optbench import Hyper, Slot, optimizer\n"
DECLARED = '@optimizer(reference="a test")\n'
PLAIN = "    for i in range(theta.size):\n        theta[i] -= learning_rate * grad[i]\n"
# What stands in the kernel's body, and what the message tells to write.
BODIES = {
    "theta = theta - learning_rate * grad": "theta[i] = ...",
    "theta: np.ndarray = theta - learning_rate * grad": "theta[i] = ...",
    "m = 0.9 * m + grad": "m[i] = ...",
    "return theta - learning_rate * grad": "theta[i] -= learning_rate * grad[i]",
    "updates = grad; return updates": "theta[i] -= learning_rate * grad[i]",
    "history = []": "history=Slot(shape=10)",
    "total = sum(g * g for g in grad)": "history=Slot(shape=10)",
    "scaled = [learning_rate * g for g in grad]": "history=Slot(shape=10)",
    "state = {}": "m=Slot()",
    "state = {'m': 0.0}": "m=Slot()",
    "seen = {1.0, 2.0}": "m=Slot()",
    "print(grad[0])": "NUMBA_DISABLE_JIT=1",
    "text = f'{learning_rate}'": "leave it out",
    "global COUNT; COUNT = COUNT + 1": "COUNT=Slot(shape=1)",
    "optimizer.step()": "theta[i] -= learning_rate * grad[i]",
    "loss.backward()": "theta[i] -= learning_rate * grad[i]",
    "theta.add_(grad, alpha=-learning_rate)": "theta[i] -= learning_rate * grad[i]",
    "theta.data -= learning_rate * theta.grad": "grad[i]",
    "scale = jnp.sqrt(2.0)": "`math`",
    "scale = torch.sqrt(2.0)": "`math`",
    "noise = np.random.normal()": "rng",
    "half = grad.astype(np.float32)": "float64",
    "half = np.float32(grad)": "float64",
}
# The whole declaration, of a body that does nothing.
DECLARATIONS = {
    "@optimizer\ndef mine(theta, grad):\n": '@optimizer(reference="',
    "@optimizer()\ndef mine(theta, grad):\n": '@optimizer(reference="',
    DECLARED + "def mine(theta, grad, learning_rate=0.1):\n": "learning_rate=Hyper(0.1)",
    DECLARED + "def mine(theta, grad, nesterov=True):\n": "nesterov=Hyper(1.0)",
    DECLARED + "def mine(theta, grad, m=None):\n": "m=Slot()",
    DECLARED + "def mine(theta, grad, m=Slot):\n": "m=Slot()",
    DECLARED + "def mine(theta, grad, *, rate=Hyper(0.1)):\n": "leave the `*` out",
    DECLARED + "def mine(theta, grad, *args):\n": "one by one",
    DECLARED + "def mine(theta, grad, **options):\n": "one by one",
    DECLARED + "async def mine(theta, grad):\n": "`def name(theta, grad, ...):`",
    DECLARED + "class mine:\n    def step(self, theta):\n": "`def name(theta, grad, ...):`",
    DECLARED + "def mine(self, theta, grad):\n": "velocity=Slot()",
    DECLARED + "def mine(theta, gradient):\n": "did you mean grad?",
    DECLARED + "def mine(theta, gard):\n": "did you mean grad?",
    DECLARED + "def mine(params, grad):\n": "did you mean theta?",
    DECLARED + "def mine(theta, grad, lr):\n": 'did you mean learning_rate=Hyper(tune="log")?',
    DECLARED + "def mine(theta, grad, momentum):\n": "did you mean momentum=Hyper(0.9",
    DECLARED + "def mine(theta, grad, velocity):\n": "did you mean velocity=Slot()?",
    DECLARED + "def mine(theta, grad, velocty):\n": "did you mean velocity=Slot()?",
    DECLARED + "def mine(theta, grad, opt_state):\n": "such as m=Slot()",
}
GENERATOR = DECLARED + "def mine(theta, grad):\n    yield theta\n"
LAMBDA = "mine = optimizer(reference='a test')(lambda theta, grad: None)\n"


def told(file, capsys, verb=("check",)):
    """The one line on stderr, after the file's name."""
    assert main([*verb, str(file)]) == 2
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err.count("\n") == 1
    front = f"optbench: error: {file}:"
    assert printed.err.startswith(front)
    line, _, what = printed.err.removeprefix(front).partition(": ")
    return int(line), what


@pytest.mark.parametrize("statement", BODIES)
def test_a_statement(statement, tmp_path, capsys):
    file = tmp_path / "mine.py"
    arguments = 'theta, grad, loss, m=Slot(), learning_rate=Hyper(tune="log")'
    head = f"{HEADER}{DECLARED}def mine({arguments}):\n    # a comment\n"
    file.write_text(f"{head}    {statement}\n{PLAIN}")
    line, what = told(file, capsys)
    assert line == head.count("\n") + 1
    assert what.startswith("optimizer 'mine': `") and BODIES[statement] in what
    name = ("compare", "quadratic", "-o", "mine", "--plugin")
    assert told(file, capsys, name) == (line, what)


@pytest.mark.parametrize("text", [*DECLARATIONS, GENERATOR, LAMBDA])
def test_a_declaration(text, tmp_path, capsys):
    file = tmp_path / "mine.py"
    file.write_text(HEADER + text + ("        pass\n" if text.endswith(":\n") else ""))
    line, what = told(file, capsys)
    # Python counts a function from its first decorator on
    assert line == HEADER.count("\n") + 1
    assert DECLARATIONS.get(text, "`def name(theta, grad, ...):`") in what


@pytest.mark.parametrize(
    "text, says",
    [
        ("@problem\ndef mine(n=3):\n    pass\n", '@problem(reference="'),
        ("@problem(reference='a')\ndef mine(**options):\n    pass\n", "such as n=20"),
        ("@problem(reference='a')\nclass mine:\n    n = 3\n", "`def name(n=20, seed=0):`"),
    ],
)
def test_a_problem(text, says, tmp_path, capsys):
    file = tmp_path / "mine.py"
    file.write_text(f"from optbench import problem\n{text}")
    line, what = told(file, capsys)
    assert line == 2 and says in what


@pytest.mark.parametrize(
    "body",
    [
        "rate: float = learning_rate",  # a local name with a type
        "learning_rate = learning_rate / step",  # a number for this step
        "m[:] = 0.0",
        "return",
        "if step == 1:\n        return None",
        "rounded = np.float32(grad[0])",  # a study of low precision
    ],
)
def test_what_is_no_mistake(body, tmp_path):
    file = tmp_path / "mine.py"
    arguments = 'theta, grad, step, m=Slot(), learning_rate=Hyper(tune="log")'
    file.write_text(f"{HEADER}{DECLARED}def mine({arguments}) -> None:\n    {body}\n{PLAIN}")
    assert load_file(file).mine.name == "mine"


def test_with_plain_python_one_may_print(tmp_path, monkeypatch):
    file = tmp_path / "mine.py"
    file.write_text(f"{HEADER}{DECLARED}def mine(theta, grad):\n    print(grad)\n")
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    assert load_file(file).mine.name == "mine"


def test_the_built_in_ones_have_none_of_these_habits():
    """They are not read at each start, which would take a tenth of a second."""
    for name, optimizer in load_registry().optimizers.items():
        assert inspect.getsource(optimizer.kernel)
        check_body(name, optimizer.kernel, optimizer.slots)


@pytest.mark.parametrize(
    "statement, says",
    [
        ("n = np.linalg.norm(grad)", "total += grad[i] ** 2"),
        ("buffer = np.zeros_like(theta)", "buffer=Slot()"),
        ("HISTORY.append(loss)", "history=Slot(shape=10)"),
        ("x = theta.copy()", "history=Slot(shape=10)"),
        ("for x in [1.0, 2.0]:", "history=Slot(shape=10)"),
        ("with open(path) as file:", "in front of the kernel"),
        ("y = x + 1.0", ""),
        ("y = (x +", ""),
    ],
)
def test_advice_on_what_does_not_compile(statement, says):
    assert says in advice(statement) if says else advice(statement) == ""
