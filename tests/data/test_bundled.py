"""Bundled sets against scikit-learn's own loaders and against the truth file."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import sklearn.datasets

from optbench.data import Dataset, bundled_names, load, load_bundled, prepare
from optbench.errors import UserError


def digest(dataset: Dataset, sign: float = 1.0) -> str:
    """Recipe of the truth file: shape, features and targets as raw bytes."""
    features = np.ascontiguousarray(dataset.features)
    parts = (np.array(features.shape), features, sign * dataset.targets)
    return hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest()


@pytest.mark.parametrize("name", ["digits", "iris", "wine"])
def test_whole_sets_are_those_of_scikit_learn(name: str) -> None:
    features, targets = getattr(sklearn.datasets, f"load_{name}")(return_X_y=True)
    dataset = load_bundled(name)
    assert np.array_equal(dataset.features, features)
    assert np.array_equal(dataset.targets, targets)


def test_breast_cancer_is_that_of_scikit_learn() -> None:
    features, targets = sklearn.datasets.load_breast_cancer(return_X_y=True)
    dataset = load_bundled("breast_cancer")
    assert np.array_equal(dataset.features, features)
    assert np.array_equal(dataset.targets, 2 * targets - 1)


def test_diabetes_is_the_unscaled_one_of_scikit_learn() -> None:
    features, targets = sklearn.datasets.load_diabetes(return_X_y=True, scaled=False)
    dataset = load_bundled("diabetes")
    assert np.array_equal(dataset.features, features)
    assert np.array_equal(dataset.targets, targets)
    # scikit-learn's scaled version differs from the standardized one by 1/sqrt(n) only.
    scaled = sklearn.datasets.load_diabetes().data * np.sqrt(len(features))
    assert np.allclose(prepare(dataset).features, scaled, rtol=0, atol=1e-12)


@pytest.mark.parametrize("column, name", [(0, "weight"), (1, "waist"), (2, "pulse")])
def test_linnerud_is_that_of_scikit_learn(column: int, name: str) -> None:
    features, targets = sklearn.datasets.load_linnerud(return_X_y=True)
    dataset = load_bundled(f"linnerud_{name}")
    assert np.array_equal(dataset.features, features)
    assert np.array_equal(dataset.targets, targets[:, column])


def test_class_a_is_positive() -> None:
    features, targets = sklearn.datasets.load_digits(return_X_y=True)
    rows = (targets == 3) | (targets == 8)
    dataset = load_bundled("digits_3v8")
    assert np.array_equal(dataset.features, features[rows])
    assert np.array_equal(dataset.targets == 1, targets[rows] == 3)
    assert np.array_equal(load_bundled("digits_8v3").targets, -dataset.targets)
    assert np.array_equal(load_bundled("digits_3vrest").targets == 1, targets == 3)


def test_every_name_loads() -> None:
    for name in bundled_names():
        dataset = load_bundled(name)
        assert dataset.name == name
        assert "BSD-3" in dataset.source
    assert len(set(bundled_names())) == len(bundled_names())


@pytest.mark.parametrize("name", ["digit", "digits_3v3", "digits_3v12", "iris_v", "iris_3vrest"])
def test_unknown_name_is_one_line(name: str) -> None:
    with pytest.raises(UserError, match=f"no bundled data set '{name}'.*digits_3v8") as error:
        load_bundled(name)
    assert "\n" not in str(error.value)


def test_loading_imports_neither_scikit_learn_nor_scipy() -> None:
    code = (
        "import sys, optbench.data as data; data.load_bundled('digits_3v8'); data.bundled_names();"
        "print(*{'sklearn', 'scipy', 'pandas', 'highspy'} & set(sys.modules))"
    )
    root = Path(__file__).resolve().parents[2]
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == ""


def test_digests_of_the_truth_file(shared: Path) -> None:
    truth = json.loads((shared / "truth" / "margins.json").read_text())
    names = [key[3:-4] for key in truth if key.startswith("sk:") and key.endswith("|raw")]
    assert len(names) >= 15
    for name in names:
        raw = load_bundled(name)
        # For NAME_AvB the truth file has class B as +1: margins do not depend on the sign.
        sign = 1.0 if name.endswith("rest") or name == "breast_cancer" else -1.0
        prepared = {"raw": raw, "std": prepare(raw), "std1": prepare(raw, intercept=True)}
        for preparation, dataset in prepared.items():
            expected = truth[f"sk:{name}|{preparation}"]
            assert dataset.features.shape == (expected["n"], expected["d"])
            assert digest(dataset, sign) == expected["sha256_prep"], f"{name}|{preparation}"


def test_missing_files_are_not_called_an_unknown_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise UserError("scikit-learn's file is missing")

    monkeypatch.setattr(load, "load_bundled", missing)
    with pytest.raises(UserError, match="file is missing"):
        load.load_dataset("breast_cancer")
    with pytest.raises(UserError, match="unknown data set 'brest_cancer'"):
        load.load_dataset("brest_cancer")
