"""The folder of shared data, which is not part of the repository, and damage to files."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def shared() -> Path:
    folder = Path(os.environ.get("OPTBENCH_SHARED", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no shared data at {folder}; set OPTBENCH_SHARED to their folder")
    return folder


@pytest.fixture(scope="session")
def damaged() -> Callable[[bytes, random.Random], bytes]:
    """Change, copy, move or cut some bytes of a file; one byte is left at least."""

    def damaged(content: bytes, generator: random.Random) -> bytes:
        changed = bytearray(content)
        for _ in range(generator.randint(1, 4)):
            place = generator.randrange(len(changed))
            match generator.randrange(5):
                case 0:
                    changed[place] = generator.randrange(256)
                case 1:
                    changed[place] ^= 1 << generator.randrange(8)
                case 2:
                    changed[place : place + 8] = generator.randbytes(8)
                case 3:
                    other = generator.randrange(len(changed))
                    changed[place:place] = changed[other : other + 8]
                case 4 if place:
                    del changed[place : place + generator.choice((1, 4, 8, 64))]
        return bytes(changed)

    return damaged
