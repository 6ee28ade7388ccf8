"""Bind plug-ins in another process and say what it had to compile: nothing, if the cache works."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

SCRIPT = """
import json, sys
from pathlib import Path
from optbench.rehearsal.quadratic import instance
from optbench.engine.compiler.cache import compiled
from optbench.engine.bind_instance import bind_instance
from optbench.engine.ensemble import bind
from optbench.parametrizations import parametrization
from optbench.plugin_files import load_file
for file, name, options in json.loads(sys.argv[1]):
    declared = vars(load_file(Path(file))).values()
    plugin = next(value for value in declared if getattr(value, "name", "") == name)
    if options is not None:
        bind_instance(plugin.build(**options))
    else:
        problem = instance(plugin)
        bind(problem, parametrization("linear", problem.dimension), plugin)
print(json.dumps(compiled))
"""


def compiled_by_second_process(
    plugins: Sequence[tuple[str, str, Mapping[str, Any] | None]],
) -> list[str]:
    """Return the names of the functions that a fresh process compiles for these plug-ins.

    Parameters
    ----------
    plugins : sequence of (str, str, mapping or None)
        File and name of each; options of an instance for a problem, None for an optimizer.

    Raises
    ------
    RuntimeError
        When the process fails; the message is its last line.
    """
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    finished = subprocess.run(
        [sys.executable, "-c", SCRIPT, json.dumps(list(plugins))],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    if finished.returncode:
        raise RuntimeError((finished.stderr.strip().splitlines() or ["no message"])[-1])
    names: list[str] = json.loads(finished.stdout.splitlines()[-1])
    return names
