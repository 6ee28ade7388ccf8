"""``optbench report``: a saved comparison as one HTML page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from optbench.cli.output import check_suffix, check_writable, write
from optbench.cli.parameters import Result, load_result

PAGE = Path("report.html")


def report(
    result: Result = None,
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where the page goes.")] = PAGE,
) -> None:
    """Write a comparison as one HTML page that needs no network.

    It has the summary, tables that can be sorted and filtered, figures, each run by itself, and
    what to cite.
    """
    from optbench.report import FORMATS
    from optbench.report.html import render_html

    check_writable(out)
    check_suffix(out, FORMATS["html"].suffixes)
    text = render_html(load_result(result))
    write(out, text)
    typer.echo(f"{out}: {len(text.encode()) / 1e6:.1f} MB, open it in a browser")
