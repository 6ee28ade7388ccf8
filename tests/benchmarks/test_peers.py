"""The peers do the same work as optbench, and the harness says so when one does not."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from benchmarks.peers import c_peer, harness, jobs, numpy_loop, optbench_peer, task
from benchmarks.peers.__main__ import main

needs_gcc = pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")
# (c), (e) and the Netlib program differ in kind: a batch, CSR data, exponentiated gradient
NAMES = ("a-gd", "a-sign", "a-adam", "c", "d", "f-deep", "f-diagonal", "g-dense", "g-netlib", "h",
         "i-1", "i-16", "j")  # fmt: skip


def small(name: str, steps: int = 20) -> task.Task:
    (job,) = [job for job in jobs.JOBS if job.name == name]
    return jobs.with_steps(jobs.make_task(job), steps)


@pytest.mark.parametrize("name", NAMES)
def test_numpy_ends_where_optbench_ends(name: str) -> None:
    given = small(name)
    expected = optbench_peer.prepare(given, 1)()()
    iterate = numpy_loop.prepare(given, 1)()()
    # 20 steps of sums of at most 1,000 terms: rounding is far below the harness's tolerance
    assert harness.difference(iterate, expected) <= 1e-12
    assert harness.difference(given.theta, expected) > 1e-6


@needs_gcc
@pytest.mark.parametrize(
    ("name", "threads"),
    [("a-sign", 1), ("a-adam", 2), ("c", 2), ("d", 1), ("g-dense", 1), ("g-netlib", 2)],
)
def test_c_ends_where_numpy_ends(name: str, threads: int) -> None:
    given = small(name)
    iterate = c_peer.prepare(given, threads)()()
    assert harness.difference(iterate, numpy_loop.prepare(given, 1)()()) <= 1e-12


def test_each_fresh_run_starts_again() -> None:
    given = small("a-adam")
    for peer in (numpy_loop, optbench_peer):
        fresh = peer.prepare(given, 1)
        first = fresh()().copy()
        assert np.array_equal(first, fresh()())


def test_task_survives_its_file(tmp_path: Path) -> None:
    given = small("f-deep")
    task.save_task(given, tmp_path / "task.npz")
    read = task.load_task(tmp_path / "task.npz")
    for field in dataclasses.fields(task.Task):
        assert np.array_equal(getattr(read, field.name), getattr(given, field.name))


def test_difference_sees_the_worst_run_and_broken_numbers() -> None:
    expected = np.array([[1.0, 2.0], [100.0, 0.0]])
    assert harness.difference(expected * [[1.0], [1.0 + 1e-6]], expected) == pytest.approx(1e-6)
    assert harness.difference(np.full((2, 2), np.nan), expected) == float("inf")
    assert harness.difference(expected[:1], expected) == float("inf")


def test_unknown_names_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (
        ["--jobs", "z"],
        ["--peers", "fortran"],
        ["--repeats", "0"],
        ["--python", "jax=/none"],
    ):
        with pytest.raises(SystemExit):
            main(arguments)
        assert "error:" in capsys.readouterr().err


def test_the_whole_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "peers.json"
    arguments = ["--jobs", "h", "--peers", "numpy,torch_optim", "--repeats", "2", "--steps", "50"]
    main([*arguments, "--json", str(file), "--python", "torch_optim=/bin/false"])
    table = capsys.readouterr().out
    rows = {row["peer"]: row for row in json.loads(file.read_text())}
    fields = {"job", "peer", "threads", "median_s", "us_per_step", "ratio_to_optbench"}
    assert all(fields | {"compile_s", "repeats"} <= set(row) for row in rows.values())
    assert rows["numpy"]["repeats"] == 2 and rows["numpy"]["median_s"] > 0.0
    quotient = rows["numpy"]["us_per_step"] / rows["optbench"]["us_per_step"]
    assert rows["numpy"]["ratio_to_optbench"] == pytest.approx(quotient)
    assert rows["torch_optim"]["median_s"] is None and rows["torch_optim"]["reason"]
    assert "| h: tiny 10x3, logistic, GD |" in table and "Machine:" in table


def test_another_answer_is_an_error_and_is_not_timed(tmp_path: Path) -> None:
    class Wrong:
        """A contender that answers at once."""

        versions: ClassVar[dict[str, str]] = {}

        def ask(self, request: str, argument: str | None = None) -> dict[str, float]:
            if request == "final":
                assert argument is not None
                np.save(argument, np.ones((1, 3)) + (self is contenders["numpy"]))
            return {"seconds": 1.0, "processor_seconds": 1.0, "threads": 1}

    contenders = {"optbench": Wrong(), "numpy": Wrong()}
    (job,) = jobs.chosen("h")
    entries = harness.Round(job, contenders, {}, tmp_path, 1, 10).run(2, lambda line: None)
    assert "MISMATCH" in entries[1].reason and entries[1].seconds == []
    assert len(entries[0].seconds) == 2
