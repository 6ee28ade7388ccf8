"""The cache sees every edit, and a second process compiles nothing."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path

import numba
import numpy as np
import pytest
from small_instances import data, one_chunk, python, regression

from optbench import losses
from optbench.engine.compiler import cache

PLUGIN = '''"""theta <- theta - rate g."""
from optbench import Hyper, optimizer


@optimizer(reference="a test")
def edited(theta, grad, rate=Hyper(0.1)):
    for i in range(theta.size):
        theta[i] -= FACTOR * rate * grad[i]
'''
SCRIPT = """
import json, sys
from pathlib import Path
from small_instances import data, one_chunk, regression
from optbench.engine.compiler.cache import compiled
from optbench.plugin_files import load_file
rule = load_file(Path(sys.argv[1])).edited
chunk = one_chunk(regression(data(5, 3), data(5, 1)[:, 0]), rule, [0.1])
chunk.advance(1)
print(json.dumps([compiled, chunk.runs.theta[0].tolist()]))
"""


@pytest.fixture
def own_cache(tmp_path: Path) -> Path:
    """A cache that holds the engine only, so that nothing of an earlier session is found."""
    instance = regression(data(5, 3), data(5, 1)[:, 0])
    one_chunk(instance, "gradient_descent", [0.1])
    root = tmp_path / "cache"
    own = cache.kernel_id(losses.squared_error, instance.kernel_identity)
    row_losses = cache.cache_directory(own)
    for folder in (cache.cache_directory(), row_losses):
        shutil.copytree(folder, root / "kernels" / folder.name)
    return root


def run(file: Path, root: Path, **environment: str):
    printed = python(SCRIPT, str(file), OPTBENCH_CACHE=str(root), **environment)
    return json.loads(printed.splitlines()[-1])


def test_an_edited_plugin_is_seen_and_a_second_process_compiles_nothing(
    own_cache: Path, tmp_path: Path
) -> None:
    file = tmp_path / "plugins" / "edited.py"
    file.parent.mkdir()
    file.write_text(PLUGIN.replace("FACTOR", "1.0"))
    compiled, theta = run(file, own_cache)
    assert len(compiled) == 1 and compiled[0].startswith("update-edited")
    compiled, again = run(file, own_cache)
    assert compiled == [] and again == theta
    file.write_text(PLUGIN.replace("FACTOR", "2.0"))  # same bytecode, other constant
    compiled, doubled = run(file, own_cache)
    assert len(compiled) == 1
    np.testing.assert_allclose(doubled, 2.0 * np.array(theta), rtol=1e-15)


def test_an_edited_file_beside_a_plugin_is_seen(own_cache: Path, tmp_path: Path) -> None:
    folder = tmp_path / "plugins"
    folder.mkdir()
    helper = folder / "helper.py"
    helper.write_text("FACTOR = 1.0\n")
    file = folder / "edited.py"
    found = f"import sys\nsys.path.insert(0, {str(folder)!r})\nfrom helper import FACTOR\n"
    file.write_text(found + PLUGIN)
    _, theta = run(file, own_cache)
    helper.write_text("FACTOR = 3.0\n")
    compiled, tripled = run(file, own_cache)
    assert len(compiled) == 1
    np.testing.assert_allclose(tripled, 3.0 * np.array(theta), rtol=1e-15)


def test_a_moved_plugin_is_compiled_again(own_cache: Path, tmp_path: Path) -> None:
    """Compiled code names its module, and that name depends on the path."""
    found = []
    for name in ("here", "there", "here"):
        file = tmp_path / name / "edited.py"
        file.parent.mkdir(exist_ok=True)
        file.write_text(PLUGIN.replace("FACTOR", "1.0"))
        found.append(run(file, own_cache))
    assert [len(compiled) for compiled, _ in found] == [1, 1, 0]
    assert found[0][1] == found[1][1] == found[2][1]


def test_the_users_own_numba_cache_stays_empty(own_cache: Path, tmp_path: Path) -> None:
    users = tmp_path / "users_numba_cache"
    users.mkdir()
    file = tmp_path / "edited.py"
    file.write_text(PLUGIN.replace("FACTOR", "1.0"))
    run(file, own_cache, NUMBA_CACHE_DIR=str(users))
    assert list(users.iterdir()) == []
    assert [path for path in tmp_path.rglob("*.nb?") if own_cache not in path.parents] == []


def test_binding_leaves_numbas_configuration_as_it_is() -> None:
    def settings():
        return [getattr(numba.config, name) for name in ("CACHE_DIR", "BOUNDSCHECK")]

    before = settings()
    one_chunk(regression(data(5, 3), data(5, 1)[:, 0]), "coordinate_descent", [0.1])
    assert settings() == before


@pytest.mark.parametrize(
    "edited", ["engine/data/tail.py", "parametrizations/diagonal.py", "random.py"]
)
def test_an_edited_engine_has_another_directory(
    edited: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "optbench"
    shutil.copytree(cache.PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    here = [path.relative_to(cache.PACKAGE) for path in cache.KERNEL_FOLDERS]
    files = [path.relative_to(cache.PACKAGE) for path in cache.KERNEL_FILES]
    original = cache.cache_directory()
    monkeypatch.setattr(cache, "KERNEL_FOLDERS", tuple(copy / path for path in here))
    monkeypatch.setattr(cache, "KERNEL_FILES", tuple(copy / path for path in files))
    monkeypatch.setattr(cache, "engine_hash", cache.engine_hash.__wrapped__)
    assert cache.cache_directory() == original
    before = (copy / edited).stat()
    with (copy / edited).open("a") as file:
        file.write("# an edit\n")
    assert cache.cache_directory() != original
    os.utime(copy / edited, (before.st_atime, before.st_mtime))  # as if made before this process
    assert cache.cache_directory() != original


def test_sources_edited_after_this_process_began_are_of_this_process_alone(tmp_path: Path) -> None:
    """What it imported was perhaps the content before: nobody may find what it compiles."""
    file = tmp_path / "source.py"
    file.write_text("x = 1\n")
    os.utime(file, (0.0, 0.0))
    told = "from optbench.engine.compiler.cache import sources_hash\n"
    told += "from pathlib import Path; import sys\nprint(sources_hash(Path(sys.argv[1])))"
    assert python(told, str(file)).strip() == cache.sources_hash(file)
    os.utime(file, (2.0**33, 2.0**33))
    assert python(told, str(file)).strip() != cache.sources_hash(file)


def test_equal_names_in_one_folder_are_different_kernels(tmp_path: Path) -> None:
    """Two files of one folder may both call their loss ``row``; so may two closures."""
    made = []
    for factor in (1.0, 2.0):
        file = tmp_path / f"problem_{factor:.0f}.py"
        file.write_text(
            "def row(prediction, target):\n"
            "    residual = prediction - target\n"
            f"    return {factor / 2} * residual * residual, {factor} * residual\n"
        )
        names: dict = {}
        exec(compile(file.read_text(), str(file), "exec"), names)
        made.append(names["row"])

    def scaled(factor):
        def row(prediction, target):
            return factor * prediction, factor

        return row

    made += [scaled(3.0), scaled(5.0)]
    slopes = []
    for row in made:
        instance = regression(np.ones((1, 1)), np.array([-1.0]))
        object.__setattr__(instance, "row", row)
        chunk = one_chunk(instance, "gradient_descent", [0.1])
        chunk.advance(0)
        slopes.append(chunk.runs.gradient[0, 0])
    assert slopes == [1.0, 2.0, 3.0, 5.0]


def test_without_jit_the_same_numbers() -> None:
    script = """
import json
import numba
from small_instances import data, one_chunk, regression, separable
found = []
for instance, name, parameters in (
    (regression(data(9, 4), data(9, 1)[:, 0]), "adam", "linear"),
    (regression(data(9, 4), data(9, 1)[:, 0]), "heavy_ball", "diagonal:depth=3,scale=0.5"),
    (separable(), "p_norm_mirror_descent", "linear"),
    (separable(), "coordinate_descent", "linear"),
):
    chunk = one_chunk(instance, name, [0.05, 0.1, 0.2, 0.3, 0.4], parameters=parameters)
    chunk.advance(20)
    found.append([chunk.runs.theta.tolist(), chunk.runs.loss.tolist(), chunk.status])
print(json.dumps([bool(numba.config.DISABLE_JIT), found]))
"""
    jitted, plain = (
        json.loads(python(script, NUMBA_DISABLE_JIT=disabled).splitlines()[-1])
        for disabled in ("0", "1")
    )
    assert (jitted[0], plain[0]) == (False, True)
    for (theta, loss, status), (plain_theta, plain_loss, plain_status) in zip(
        jitted[1], plain[1], strict=True
    ):
        # 20 steps, sums in another order
        np.testing.assert_allclose(theta, plain_theta, rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(loss, plain_loss, rtol=1e-12)
        assert status == plain_status


def test_folders_that_nobody_has_used_for_a_month_are_removed_when_one_is_made(
    own_cache: Path, tmp_path: Path
) -> None:
    kernels, now = own_cache / "kernels", time.time()
    used = [folder.name for folder in kernels.iterdir()]
    for name, days in (("recent", 29.0), ("old", 31.0), ("old.7.removed", 31.0)):
        (kernels / name).mkdir()
        (kernels / name / "kernel.nbi").write_bytes(b"index")
        os.utime(kernels / name, (now, now - 86_400.0 * days))
    for name in used:  # this run uses the engine's folder, whenever it was made
        os.utime(kernels / name, (now, now - 86_400.0 * 100.0))
    file = tmp_path / "plugins" / "edited.py"
    file.parent.mkdir()
    file.write_text(PLUGIN.replace("FACTOR", "1.0"))
    run(file, own_cache)
    left = {folder.name for folder in kernels.iterdir()}
    assert {"recent", cache.cache_directory().name} <= left
    assert not left & {"old", "old.7.removed"} and not any("removed" in name for name in left)
    assert time.time() - (kernels / cache.cache_directory().name).stat().st_mtime < 3600.0


def test_unused_folders_are_left_where_nothing_may_be_removed(tmp_path: Path) -> None:
    cache.remove_unused(tmp_path / "missing")
    (tmp_path / "file").write_text("no folder")
    cache.remove_unused(tmp_path / "file")
    assert (tmp_path / "file").read_text() == "no folder"
