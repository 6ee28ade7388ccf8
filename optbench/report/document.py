"""The JSON document of ``docs/schema.md``: no NaN or Infinity literals, plain types only."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from optbench.records import plain

if TYPE_CHECKING:
    from optbench.result import Comparison


def render_json(comparison: Comparison, counted: str = "steps") -> str:
    """Return the comparison as JSON text that validates against ``schema.json``."""
    from optbench.report.profile_table import profiles

    profile = [told._asdict() for told in profiles(comparison, counted)]
    document = {**comparison.to_dict(), "profile": profile}
    return json.dumps(plain(document), indent=2, allow_nan=False) + "\n"
