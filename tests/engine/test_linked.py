"""What kernels call by a symbol: never compiled into them, found again in another process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from optbench.engine.bind import bind_update
from optbench.registry import load_registry

AGAIN = """
from optbench.engine.bind import bind_update
from optbench.engine.compiler import cache
from optbench.registry import load_registry
bind_update(load_registry().optimizers["spectral_descent"])
assert cache.compiled == [], cache.compiled
assert "optbench_linked_polar_CC" in cache.SYMBOLS
print("loaded")
"""


def test_a_kernel_is_loaded_with_what_it_calls() -> None:
    """LLVM ends a process that loads a call of what nobody has made known."""
    bind_update(load_registry().optimizers["spectral_descent"])
    told = subprocess.run(
        [sys.executable, "-c", AGAIN], capture_output=True, text=True, env=os.environ, check=False
    )
    assert (told.returncode, told.stdout) == (0, "loaded\n"), told.stderr


def test_each_is_compiled_once_for_all_kernels_that_call_it(tmp_path: Path) -> None:
    program = """
from optbench.engine.bind import bind_update
from optbench.engine.compiler import cache
from optbench.registry import load_registry
for name in ("spectral_descent", "normalized_spectral_descent"):
    bind_update(load_registry().optimizers[name])
print(cache.compiled.count("polar"))
"""
    told = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env={**os.environ, "OPTBENCH_CACHE": str(tmp_path)},
        check=True,
    )
    assert told.stdout == "1\n"


def test_what_is_compiled_anew_finds_beside_it_what_it_calls(tmp_path: Path) -> None:
    """A renewed folder of kernels holds all of them, whoever compiled a part before."""
    program = """
from optbench.engine.bind import bind_update
from optbench.engine.compiler import cache
from optbench.registry import load_registry
rule = load_registry().optimizers["spectral_descent"]
bind_update(rule)
with cache.renewing():
    bind_update(rule)
"""
    environment = {**os.environ, "OPTBENCH_CACHE": str(tmp_path)}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)
    told = subprocess.run(
        [sys.executable, "-c", AGAIN], capture_output=True, text=True, env=environment, check=False
    )
    assert (told.returncode, told.stdout) == (0, "loaded\n"), told.stderr
