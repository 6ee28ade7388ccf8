"""Python objects in the user's cache folder, found by the hash of what they depend on."""

from __future__ import annotations

import contextlib
import hashlib
import pickle
from pathlib import Path
from typing import Any

from optbench.engine.compiler.cache import cache_root, may_read, renewed
from optbench.files import replace_file


def _path(kind: str, key: str) -> Path:
    return cache_root() / kind / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.pickle"


def read(kind: str, key: str) -> Any:
    """Return the object stored under a key; None when there is none that can be read."""
    path = _path(kind, key)
    if not may_read(path):
        return None
    try:
        return pickle.loads(path.read_bytes())  # noqa: S301 - our own cache folder
    except (OSError, pickle.UnpicklingError, EOFError, AttributeError, ImportError, ValueError):
        return None  # not there, cut short, or written by another version


def write(kind: str, key: str, value: Any) -> None:
    """Store an object, whole or not at all; a folder that cannot be written is not an error."""
    path = _path(kind, key)
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, pickle.dumps(value))
        renewed(path)
