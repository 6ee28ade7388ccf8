"""The command line: ``optbench compare|list|show|new|check|...``, one file per verb.

Nothing heavy is imported here: a verb imports what it needs when it runs.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence

from optbench.cli.app import app
from optbench.cli.output import INTERRUPTED
from optbench.errors import UserError

WRONG_INPUT = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        Default: those of this process.

    Returns
    -------
    int
        Exit code: 0 fine, 1 an optimizer or a check failed, 2 wrong input, 130 interrupted.
    """
    from typer import TyperException

    typed = sys.argv[1:] if arguments is None else arguments
    command = shlex.join(["optbench", *typed])
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    try:
        code = app(args=arguments, prog_name="optbench", standalone_mode=False, obj=command)
    except UserError as error:
        return wrong_input(str(error))
    except TyperException as error:
        return wrong_input(error.format_message())
    except KeyboardInterrupt:
        return INTERRUPTED
    return int(code or 0)


def wrong_input(message: str) -> int:
    """Say in one line what is wrong."""
    print(f"optbench: error: {' '.join(message.split())}", file=sys.stderr)
    return WRONG_INPUT


__all__ = ["app", "main"]
