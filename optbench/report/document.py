"""The JSON document of ``docs/schema.md``: no NaN or Infinity literals, plain types only."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from optbench.result import Comparison


def render_json(comparison: Comparison, counted: str = "steps") -> str:
    """Return the comparison as JSON text that validates against ``schema.json``."""
    from optbench.report.profile_table import profiles

    profile = [told._asdict() for told in profiles(comparison, counted)]
    document = {**comparison.to_dict(), "profile": profile}
    return json.dumps(plain(document), indent=2, allow_nan=False) + "\n"


def plain(value: Any) -> Any:
    """Return ``value`` in JSON's types: nan becomes null, infinities ``"inf"`` and ``"-inf"``."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else ("inf" if value > 0 else "-inf")
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
