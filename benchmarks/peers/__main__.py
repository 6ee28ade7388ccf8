"""``python -m benchmarks.peers``: see README.md beside this file."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

from benchmarks.peers.contender import PEERS
from benchmarks.peers.harness import run_jobs
from benchmarks.peers.jobs import JOBS, chosen
from benchmarks.peers.table import to_json, to_markdown

OTHER_INTERPRETER = ("torch", "torch_optim", "jax", "optax")


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    names = ", ".join(job.name for job in JOBS)
    parser.add_argument("--jobs", default="all", help=f"names or letters of: {names}")
    parser.add_argument("--peers", default=",".join(list(PEERS)[1:]), help=", ".join(PEERS))
    parser.add_argument("--repeats", type=int, default=5, help="timed runs of each (default 5)")
    parser.add_argument("--threads", type=int, default=1, help="threads of each (default 1)")
    parser.add_argument(
        "--clock",
        choices=("wall", "processor"),
        default="wall",
        help="processor: one thread's time without that of other programs, on a shared machine",
    )
    parser.add_argument("--steps", type=int, help="at most so many steps, for a quick look")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the numbers as JSON")
    parser.add_argument(
        "--python",
        action="append",
        default=[],
        metavar="PEER=PATH",
        help="interpreter of one peer; $OPTBENCH_PEERS_PYTHON is that of torch and jax",
    )
    given = parser.parse_args(arguments)
    given.peers = ["optbench", *(p for p in given.peers.split(",") if p != "optbench")]
    given.pythons = dict(item.partition("=")[::2] for item in given.python)
    for name in [*given.peers, *given.pythons]:
        if name not in PEERS:
            parser.error(f"no peer {name!r}; peers: {', '.join(PEERS)}")
        if shutil.which(interpreter(name, given.pythons)) is None:
            parser.error(f"{name}: no interpreter {interpreter(name, given.pythons)}")
    if given.clock == "processor" and given.threads > 1:
        parser.error("--clock processor adds up all threads: it is for --threads 1")
    for name in ("repeats", "threads"):
        if getattr(given, name) < 1:
            parser.error(f"--{name} must be at least 1")
    try:
        given.jobs = chosen(given.jobs)
    except ValueError as error:
        parser.error(str(error))
    return given


def interpreter(peer: str, given: dict[str, str]) -> str:
    """Return the Python that runs a peer: the named one, or this one."""
    other = os.environ.get("OPTBENCH_PEERS_PYTHON") if peer in OTHER_INTERPRETER else None
    return given.get(peer) or other or sys.executable


def main(arguments: list[str] | None = None) -> None:
    """Measure, print the table, write JSON."""
    given = parse_arguments(arguments)
    pythons = {peer: interpreter(peer, given.pythons) for peer in given.peers}
    with tempfile.TemporaryDirectory() as empty:
        # Compile times are those of a first use, for optbench as for JAX and gcc.
        os.environ.setdefault("OPTBENCH_CACHE", empty)
        entries = run_jobs(
            given.jobs,
            pythons,
            given.repeats,
            given.threads,
            given.steps,
            lambda line: print(line, file=sys.stderr),
        )
    if given.json:
        given.json.write_text(to_json(entries, given.clock) + "\n")
    print(to_markdown(entries, given.clock, given.threads, given.repeats))


if __name__ == "__main__":
    main()
