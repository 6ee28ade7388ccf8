"""Data sets and truths for the tests of the reference solvers."""

from __future__ import annotations

import gzip
import io
import json
import os
from pathlib import Path

import numpy as np
import pytest
from scipy.io import loadmat
from sklearn import datasets

HERE = Path(__file__).parent
TRUTH = json.loads((HERE / "truth.json").read_text())["margins"]


def shared() -> Path:
    """The folder of shared data; skips the test where there is none."""
    default = HERE.parents[2] / "shared" / "data"
    folder = Path(os.environ.get("OPTBENCH_SHARED", default))
    if not (folder / "truth" / "margins.json").exists():
        pytest.skip(f"no shared data at {folder}: set OPTBENCH_SHARED")
    return folder


def _sklearn_set(name):
    base, _, classes = name.rpartition("_")
    if classes == "cancer":
        X, y = datasets.load_breast_cancer(return_X_y=True)
        return X, np.where(y == 1, 1.0, -1.0)
    X, y = getattr(datasets, f"load_{base}")(return_X_y=True)
    first, second = classes.split("v", 1)
    if second != "rest":
        chosen = (y == int(first)) | (y == int(second))
        X, y = X[chosen], y[chosen]
    return X, np.where(y == int(first), 1.0, -1.0)


def _shared_set(name):
    folder = shared() / "libsvm"
    if name == "colon":
        content = loadmat(folder / "colon.mat")
        arrays = [value for key, value in content.items() if not key.startswith("_")]
        X = next(value for value in arrays if value.shape == (62, 2000)).astype(float)
        y = next(value for value in arrays if value.size == 62).ravel()
    elif (folder / f"{name}.svm.gz").exists():
        text = gzip.decompress((folder / f"{name}.svm.gz").read_bytes())
        X, y = datasets.load_svmlight_file(io.BytesIO(text))
        X = X.toarray()
    else:
        text = gzip.decompress((folder / f"{name}.csv.gz").read_bytes()).decode()
        cells = np.array([line.split(",") for line in text.split()])
        X, y = cells[:, :-1].astype(float), cells[:, -1]
    return X, np.where(y == np.unique(y)[1], 1.0, -1.0)


def load_signed(key):
    """Rows y_i x_i of `NAME|PREP`; margins do not depend on which class is positive."""
    name, preparation = key.split("|")
    X, y = _sklearn_set(name[3:]) if name.startswith("sk:") else _shared_set(name)
    if preparation != "raw":
        X = X[:, np.ptp(X, axis=0) > 0]
        X = (X - X.mean(axis=0)) / X.std(axis=0)
    if preparation == "std1":
        X = np.column_stack([X, np.ones(len(X))])
    return y[:, None] * X


def six_by_twelve():
    """P4: six Gaussian points in twelve dimensions, where the references differ."""
    return np.random.Generator(np.random.PCG64(11)).standard_normal((6, 12))
