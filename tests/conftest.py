"""One cache of compiled kernels for all tests, kept between sessions, apart from the user's."""

from __future__ import annotations

import os
import tempfile

import pytest


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Name the cache before any test imports the engine; a caller's own choice stands."""
    kept = getattr(config, "cache", None)
    folder = kept.mkdir("optbench_kernels") if kept else tempfile.mkdtemp(prefix="optbench")
    os.environ.setdefault("OPTBENCH_CACHE", str(folder))
