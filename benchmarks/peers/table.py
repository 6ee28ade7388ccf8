"""The results as a Markdown table and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from benchmarks.peers.harness import Entry
from benchmarks.peers.jobs import JOBS
from optbench.environment import describe


def ratios(entries: Sequence[Entry], clock: str) -> dict[tuple[str, str], float]:
    """Return peer's time per step / optbench's, by job and peer, where both were timed."""
    timed = [e for e in entries if not e.reason]
    own = {e.job: e.us_per_step(clock) for e in timed if e.peer == "optbench"}
    return {(e.job, e.peer): e.us_per_step(clock) / own[e.job] for e in timed if e.job in own}


def to_json(entries: Sequence[Entry], clock: str) -> str:
    """Return one object for each job and peer; a cell without a number has its reason."""
    ratio = ratios(entries, clock)
    rows: list[dict[str, Any]] = [
        {
            "job": e.job,
            "peer": e.peer,
            "threads": e.threads,
            "steps": e.steps,
            "median_s": None if e.reason else e.median(clock),
            "us_per_step": None if e.reason else e.us_per_step(clock),
            "ratio_to_optbench": ratio.get((e.job, e.peer)),
            "compile_s": e.compile_s,
            "repeats": len(e.seconds),
            "seconds": e.seconds,
            "processor_seconds": e.processor_seconds,
            "reason": e.reason or None,
            "versions": dict(e.versions),
        }
        for e in entries
    ]
    return json.dumps(rows, indent=1)


def to_markdown(entries: Sequence[Entry], clock: str, threads: int, repeats: int) -> str:
    """Return medians and ratios, compile times, reasons and the machine."""
    ratio = ratios(entries, clock)
    peers = list(dict.fromkeys(e.peer for e in entries))
    titles = {job.name: job.title for job in JOBS}
    cells = {(e.job, e.peer): e for e in entries}
    jobs = list(dict.fromkeys(e.job for e in entries))
    notes: list[str] = []

    def time_cell(job: str, peer: str) -> str:
        entry = cells[job, peer]
        if entry.reason:
            notes.append(f"{job}, {peer}: {entry.reason}")
            return "ERROR" if "MISMATCH" in entry.reason else "-"
        quotient = f" (**{ratio[job, peer]:.2f}**)" if peer != "optbench" and ratio else ""
        if entry.steps < max(cells[job, other].steps for other in peers):
            notes.append(f"{job}, {peer}: timed on {entry.steps:,} steps")
        if entry.threads < threads:
            notes.append(f"{job}, {peer}: uses {entry.threads} thread")
        return f"{entry.us_per_step(clock):.4g}{quotient}"

    def compile_cell(job: str, peer: str) -> str:
        seconds = cells[job, peer].compile_s
        return "-" if seconds is None else f"{seconds:.2f}"

    blocks = [
        f"Microseconds per step ({clock} clock), median of {repeats} alternating repeats, "
        f"{threads} thread(s); in brackets the peer's time / optbench's:\n",
        *_rows(jobs, peers, titles, time_cell),
        "\nSeconds to compile, trace or load, never inside the times above:\n",
        *_rows(jobs, peers, titles, compile_cell),
        *(["\nNotes:\n"] if notes else []),
        *(f"- {note}" for note in notes),
        "\n" + machine(entries, threads),
    ]
    return "\n".join(blocks)


def _rows(jobs: list[str], peers: list[str], titles: dict[str, str], cell: Any) -> list[str]:
    head = ["| job | " + " | ".join(peers) + " |", "|---|" + "---:|" * len(peers)]
    return head + [
        f"| {job}: {titles[job]} | " + " | ".join(cell(job, peer) for peer in peers) + " |"
        for job in jobs
    ]


def machine(entries: Sequence[Entry], threads: int) -> str:
    """Return one paragraph on the machine and the contenders' versions."""
    facts = describe(threads)
    used = dict.fromkeys(f"{k} {v}" for entry in entries for k, v in entry.versions.items())
    versions = ", ".join(used)
    return (
        f"Machine: {facts['processor']}, {facts['cores']} cores, {facts['platform']}, "
        f"Python {facts['python']}, {versions}; {facts['date']}."
    )
