"""``optbench warmup``: compile every kernel now, so that no later command has to."""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from optbench.cli.parameters import Plugins, Quiet, positive
from optbench.errors import UserError

if TYPE_CHECKING:
    from optbench.contract import Problem
    from optbench.instance import Instance
    from optbench.registry import Registry

ENGINE = ("loop", "sparse", "dense", "wide", "tail")
DIMENSION = 16  # of the parametrizations; their kernels do not depend on it


class Kernels(NamedTuple):
    """Kernels that are compiled together: of a part of the engine or of one plug-in."""

    kind: str
    name: str


class Done(NamedTuple):
    """What a process had to compile, and why it could not."""

    compiled: tuple[str, ...]
    failure: str | None


def warmup(
    jobs: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            parser=positive,
            help="How many processes compile. [default: one per core]",
        ),
    ] = None,
    plugin: Plugins = None,
    quiet: Quiet = False,
) -> None:
    """Compile all kernels ahead: in a Docker image, in CI, before a demonstration.

    Engine, optimizers, problems (their default instances and choices) and parametrizations;
    kept in $OPTBENCH_CACHE or the user's cache folder.

    Exit code: 0 fine, 1 a plug-in does not load or compile, 2 wrong input.
    """
    from optbench.executors.local import default_threads
    from optbench.parametrizations import PARAMETRIZATIONS
    from optbench.registry import load_registry

    began = time.perf_counter()
    cache = writable_cache()
    registry = load_registry(tuple(plugin or ()))
    kinds = {
        "problem": sorted(registry.problems),
        "optimizer": sorted(registry.optimizers),
        "parametrization": list(PARAMETRIZATIONS),
    }
    work = [Kernels("engine", name) for name in ENGINE]  # first: they take longest
    work += [Kernels(kind, name) for kind, names in kinds.items() for name in names]
    processes = min(jobs or default_threads(), len(work))
    results = compile_all(work, processes, tuple(plugin or ()), quiet)
    compiled = sum(len(result.compiled) for result in results)
    counts = [f"{len(names)} {kind}{'s' * (len(names) != 1)}" for kind, names in kinds.items()]
    what = f"{', '.join(counts[:-1])} and {counts[-1]}"
    seconds = f"{time.perf_counter() - began:.1f} s"
    if compiled:
        typer.echo(f"compiled {compiled} functions of {what} in {seconds}; kept in {cache}")
    else:
        typer.echo(f"nothing to do: {what} are compiled already; found in {cache} in {seconds}")
    failures = [result.failure for result in results if result.failure]
    for reason in [*(entry.reason for entry in registry.broken), *failures]:
        typer.echo(f"optbench: {reason}", err=True)
    raise typer.Exit(1 if failures or registry.broken else 0)


def writable_cache() -> str:
    """Return the cache folder.

    Raises
    ------
    UserError
        When nothing can be kept there, or nothing is compiled at all.
    """
    from optbench.engine.compiler.cache import cache_root, kernels_are_compiled, writable_root

    if not kernels_are_compiled():
        raise UserError("NUMBA_DISABLE_JIT is set, so that nothing is compiled; unset it")
    try:
        return str(writable_root())
    except OSError as error:
        raise UserError(
            f"the cache folder {cache_root()} cannot be written ({error.strerror}); "
            "name another one in OPTBENCH_CACHE"
        ) from None


def compile_all(
    work: list[Kernels], processes: int, plugins: tuple[str, ...], quiet: bool
) -> list[Done]:
    """Compile in processes of their own: Numba compiles in one thread at a time."""
    from optbench.executors.processes import map_in_processes
    from optbench.progress import is_watched, progress_of

    results = []
    task = functools.partial(compile_one, plugins=plugins)
    with progress_of(is_watched(quiet)) as report:
        for result in map_in_processes(task, work, processes):
            results.append(result)
            report(len(results), len(work), f"compiled {work[len(results) - 1].name}")
    return results


def compile_one(kernels: Kernels, plugins: tuple[str, ...]) -> Done:
    """Compile, or load, and say what was compiled."""
    import warnings

    from optbench.engine.compiler import cache
    from optbench.registry import load_registry

    before = len(cache.compiled)
    failure = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # performance hints for authors of kernels
        try:
            bind(kernels, load_registry(plugins))
        except UserError as error:
            failure = str(error)
    return Done(tuple(cache.compiled[before:]), failure)


def bind(kernels: Kernels, registry: Registry) -> None:
    """Bind one entry of the work, as a comparison would."""
    from optbench.engine import bind as engine
    from optbench.engine import bind_instance, ensemble
    from optbench.parametrizations import parametrization

    kind, name = kernels
    if kind == "optimizer":
        engine.bind_optimizer(registry.optimizer(name))
    elif kind == "parametrization":
        engine.bind_parametrization(parametrization(name, DIMENSION))
    elif kind == "problem":
        for instance in instances(registry.problem(name), registry):
            ensemble.bind_all(instance)
    elif name == "loop":
        engine.bind_loop()
    elif name == "tail":
        bind_instance.bind_tail()
    else:
        bind_instance.bind_engine_objective(name)


def instances(problem: Problem, registry: Registry) -> Iterator[Instance]:
    """Build the default instances of a problem, then one for each choice of its options."""
    from optbench.options import option_text
    from optbench.study import build_instances

    yield from (built[0] for built in build_instances(registry, problem.name, seeds=1))
    specifications = []
    for key, option in problem.options.items():
        others = [choice for choice in option.choices if choice != option.default]
        needed = "".join(f",{k}={option_text(v[0])}" for k, v in option.needs.items())
        specifications += [f"{problem.name}:{key}={choice}{needed}" for choice in others]
    for text in specifications:
        with contextlib.suppress(UserError):  # choices of how a file is read
            yield from (built[0] for built in build_instances(registry, text, seeds=1))
