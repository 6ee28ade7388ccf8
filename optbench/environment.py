"""Where a result was measured: versions and machine, stored with it."""

from __future__ import annotations

import os
import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

LIBRARIES = ("optbench", "numba", "llvmlite", "numpy", "scipy", "highspy", "clarabel")


def describe(threads: int) -> dict[str, Any]:
    """Return versions, processor, cores and the date (UTC)."""
    versions = {}
    for name in LIBRARIES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = "not installed"
    return {
        "python": sys.version.split()[0],
        "versions": versions,
        "platform": platform.platform(),
        "processor": processor(),
        "cores": os.cpu_count(),
        "threads": threads,
        "date": now(),
    }


def now() -> str:
    """Return the date and time: UTC, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def processor() -> str:
    """Return the processor's name."""
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
