"""``--watch`` runs again after each save, goes on after errors, and ends with Ctrl-C."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time

import pytest

from optbench.cli import main, watch
from optbench.errors import UserError

PLUGIN = """from optbench import Hyper, optimizer
@optimizer(reference="a test")
def mine(theta, grad, rate=Hyper(0.1, low=0.0)):
    for i in range(theta.size):
        theta[i] -= rate * grad[i]
"""
PATIENCE = 120.0  # seconds, on a machine that has other things to do


@pytest.fixture
def file(tmp_path):
    (tmp_path / "mine.py").write_text(PLUGIN)
    return tmp_path / "mine.py"


class Edits:
    """Runs that edit a file, and stop after the last edit as Ctrl-C would."""

    def __init__(self, *edits):
        self.edits = list(edits)
        self.runs = 0

    def __call__(self):
        self.runs += 1
        if not self.edits:
            raise KeyboardInterrupt
        result = self.edits.pop(0)()
        if isinstance(result, Exception):
            raise result
        return 0


def test_it_runs_again_after_each_save(file):
    beside = file.with_name("_helper.py")
    run = Edits(
        lambda: file.write_text(PLUGIN + "\n"),
        lambda: beside.write_text("x = 1\n"),  # a new file of the folder
        lambda: beside.unlink(),
        lambda: file.with_name("new.py").replace(file) if _wrote(file) else None,
    )
    with pytest.raises(KeyboardInterrupt):
        watch.repeat(run, True, [str(file)])
    assert run.runs == 5


def _wrote(file):
    """Save as editors do that put a new file in the old one's place."""
    file.with_name("new.py").write_text(PLUGIN + "# saved\n")
    return True


def test_an_error_is_told_and_watching_goes_on(file, capsys):
    def wrong():
        file.write_text("def wrong(:\n")
        return UserError(f"{file}:1: wrong")

    with pytest.raises(KeyboardInterrupt):
        watch.repeat(Edits(wrong), True, [str(file)])
    assert f"optbench: error: {file}:1: wrong\n" in capsys.readouterr().err


def test_an_interrupted_run_ends_it(file):
    assert watch.repeat(lambda: 130, True, [str(file)]) == 130


def test_without_watch_it_runs_once(file):
    assert watch.repeat(lambda: 1, False, [str(file)]) == 1
    with pytest.raises(UserError, match="wrong"):
        watch.repeat(Edits(lambda: UserError("wrong")), False, [])


@pytest.mark.parametrize("verb", [["check", "adam"], ["compare", "quadratic"]])
def test_there_must_be_something_to_watch(verb, capsys):
    assert main([*verb, "--watch"]) == 2
    assert "--plugin" in capsys.readouterr().err


def test_a_folder_that_is_not_there(capsys):
    assert main(["check", "no_such_folder/mine.py", "--watch"]) == 2
    assert "no_such_folder" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
def test_a_check_at_the_terminal(file):
    """The real command: a check, an error, a check of what was mended, Ctrl-C."""
    process = subprocess.Popen(
        [sys.executable, "-m", "optbench.cli", "check", str(file), "--watch"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # a shell that runs the tests in the background has them ignore it
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    lines: list[str] = []
    reader = threading.Thread(target=lambda: lines.extend(process.stdout), daemon=True)
    reader.start()

    def await_line(text, count=1):
        until = time.monotonic() + PATIENCE
        while sum(text in line for line in list(lines)) < count:
            assert process.poll() is None and time.monotonic() < until, "".join(lines)
            time.sleep(0.05)

    try:
        await_line("0 fail")
        file.write_text(PLUGIN.replace("theta[i] -= rate * grad[i]", "theta = theta - grad"))
        await_line(f"optbench: error: {file}:5: optimizer 'mine': `theta = theta - grad`")
        file.write_text(PLUGIN.replace("rate * grad", "2.0 * rate * grad"))
        await_line("0 fail", count=2)
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 130
    finally:
        process.kill()
        process.wait()
    reader.join(PATIENCE)
    assert not any("Traceback" in line for line in lines)
    process.stdout.close()
