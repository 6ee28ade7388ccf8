"""What a user waits for before anything runs; each sample is a process of its own."""

from __future__ import annotations

from benchmarks.names import named

COMMAND = """
subprocess.run(
    [sys.executable, "-m", "optbench.cli", *"{arguments}".split()],
    check=True, stdout=subprocess.DEVNULL,
)
"""
# The loop and one kernel of each kind: what the smallest comparison needs.
BIND = """
from optbench.engine.ensemble import bind
from optbench.parametrizations import parametrization
from optbench.registry import load_registry
registry = load_registry()
instance = registry.problem("linear_regression").build(data="gaussian")
bind(instance, parametrization("linear", instance.dimension), registry.optimizer("adam"))
"""


class Startup:
    """Import, the quick verbs, and the compiler."""

    number = 1
    repeat = (3, 10, 5.0)
    rounds = 1
    warmup_time = 0

    @named("import optbench")
    def timeraw_import_optbench(self) -> str:
        return "import optbench"

    @named("optbench --help")
    def timeraw_help(self) -> tuple[str, str]:
        return COMMAND.format(arguments="--help"), "import subprocess, sys"

    @named("optbench list optimizers")
    def timeraw_list(self) -> tuple[str, str]:
        return COMMAND.format(arguments="list optimizers"), "import subprocess, sys"

    @named("Import of the engine, with Numba")
    def timeraw_import_engine(self) -> str:
        return "import optbench.engine.ensemble"

    @named("Kernels of one comparison, from the cache")
    def timeraw_warm_kernels(self) -> tuple[str, str]:
        return BIND, "import optbench.api"


class Cold:
    """Kernels of one combination, from an empty cache."""

    number = 1
    repeat = 2
    rounds = 1
    warmup_time = 0

    @named("Kernels of one comparison, compiled")
    def timeraw_cold_kernels(self) -> tuple[str, str]:
        empty = (
            "import os, tempfile\n"
            "folder = tempfile.TemporaryDirectory()\n"
            "os.environ['OPTBENCH_CACHE'] = folder.name\n"
            "import optbench.api\n"
        )
        return BIND, empty
