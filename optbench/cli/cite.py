"""``optbench cite``: what a comparison has to cite, as BibTeX."""

from __future__ import annotations

from optbench.cli.output import check_suffix, check_writable, deliver
from optbench.cli.parameters import Out, Result, load_result


def cite(result: Result = None, out: Out = None) -> None:
    """Print BibTeX entries: of optbench, and of the papers of all that a comparison used.

    These are the papers of its optimizers, its problems and its data.
    """
    from optbench.report.citations.bibtex import bibtex

    if out is not None:
        check_writable(out)
        check_suffix(out, (".bib",))
    deliver(bibtex(load_result(result)), out)
