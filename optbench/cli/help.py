"""How a verb explains itself: options in groups, and no types of Python."""

from __future__ import annotations

import re
from typing import Any

from typer.core import TyperCommand

_TYPE = re.compile(r" <[^<>]*>$")  # of an argument, as Typer adds it


class Verb(TyperCommand):
    """A command whose help shows its options by the groups that they name as their panels."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the arguments, then each group of options."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for each in self.get_params(ctx):
            record = each.get_help_record(ctx)
            if record is None:
                continue
            argument = each.param_type_name == "argument"
            group = getattr(each, "rich_help_panel", None) or "Options"
            shown = _TYPE.sub("", record[0]), record[1]
            groups.setdefault("Arguments" if argument else group, []).append(shown)
        groups["Options"] = groups.pop("Options")  # what is in no group comes last
        for title, records in groups.items():
            with formatter.section(title):
                formatter.write_dl(records)
