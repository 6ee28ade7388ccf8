"""What a comparison found: its tables, the traces behind them, and where it was measured."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optbench.columns import BiasRow, ConvergenceRow, InstanceFacts
from optbench.errors import UserError
from optbench.files import replace_file
from optbench.records import SCHEMA_VERSION, Record, as_dict, from_dict, plain
from optbench.report.document import render_json
from optbench.report.formats import View
from optbench.report.frames import TABLES, frame
from optbench.report.notebook import render_notebook
from optbench.report.numbers import counted_noun
from optbench.report.sections import first_screen
from optbench.status import Status
from optbench.store.saved import Solutions, as_parquet, damaged, foreign, latest, read_saved
from optbench.traces import Trace, Words, long_form

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

SUFFIXES = (".parquet", ".json")  # of files that hold a comparison
IN_PYTHON = {
    ".table(kind)": f"DataFrames: {', '.join(TABLES)}",
    ".plot(kind)": "figures",
    ".to_dataframe()": "along the runs",
    ".save(path)": "for later",
}


class Text(str):
    """A text of several lines that interpreters and notebooks show as it is."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


@dataclass(frozen=True, repr=False)
class Comparison:
    """The result of :func:`optbench.compare`.

    Attributes
    ----------
    bias_rows, convergence_rows : sequence of BiasRow, ConvergenceRow
        One row per (instance, parametrization, optimizer), see :mod:`optbench.columns`.
    instances : sequence of InstanceFacts
        Sizes, source, references with value, bound and gap, separation.
    traces : sequence of Trace
    environment : dict
        Versions, machine, threads, seconds for compilation, references and runs.
    notes : list of str
        Lines a reader must see: broken plug-ins, interruption, edges of grids.
    solutions : mapping of str to mapping of str to ndarray, float64 (d,)
        The reference solutions of each instance by its identity and their names; of an instance
        that a seed decides those of the first seed.
    """

    bias_rows: Sequence[BiasRow]
    convergence_rows: Sequence[ConvergenceRow]
    instances: Sequence[InstanceFacts]
    traces: Sequence[Trace]
    environment: dict[str, Any]
    notes: list[str] = field(default_factory=list)
    solutions: Solutions = field(default_factory=dict, compare=False)

    def __repr__(self) -> str:
        asked = [row for row in self.bias_rows if not row.as_theorem_asks]
        optimizers = len({row.optimizer for row in asked})
        parts = [
            f"{counted_noun(optimizers, 'optimizer')} on "
            f"{counted_noun(len(self.instances), 'instance')}",
            *(f"{row.horizon:,} steps" for row in self.bias_rows[:1]),
            *(counted_noun(row.seeds, "seed") for row in self.bias_rows[:1]),
        ]
        return f"<Comparison: {', '.join(parts)}>"

    def _repr_html_(self) -> str:
        return render_notebook(self)

    @property
    def bias(self) -> pd.DataFrame:
        """The implicit-bias table, one row per cell; measures in columns of their own."""
        return self.table("bias")

    @property
    def convergence(self) -> pd.DataFrame:
        """The convergence table, one row per cell."""
        return self.table("convergence")

    @property
    def learning_rates(self) -> pd.DataFrame:
        """Every learning rate that was given, or tried by the search: one row per cell and rate."""
        return self.table("learning_rates")

    def table(self, kind: str) -> pd.DataFrame:
        """Return a table.

        Parameters
        ----------
        kind : str
            ``bias``, ``convergence`` and ``learning_rates`` have a row per cell, or per cell and
            rate, with the columns of :mod:`optbench.columns`; ``instances`` has sizes, sources and
            what each problem says, ``references`` the certified solutions of each instance, and
            ``summary`` the cells of :meth:`summary`.

        Raises
        ------
        UserError
            For another kind.
        """
        return frame(self, kind)

    def summary(self, width: int = 100) -> Text:
        """Return which solutions were selected, how fast, and what was found: the first screen.

        Parameters
        ----------
        width : int
            Characters per line; at least 80 are used.
        """
        return Text(first_screen(self, View(width), IN_PYTHON, "until_verdict=True"))

    def plot(
        self,
        kind: str = "loss",
        *,
        width: str = "two",
        against: str = "steps",
        instances: Sequence[str] = (),
        optimizers: Sequence[str] = (),
    ) -> Figure:
        """Return a figure: ``figure.savefig("loss.pdf")``; notebooks show it as it is.

        Parameters
        ----------
        kind : str
            One of those that ``optbench plot`` lists, see ``docs/figures.md``.
        width : {"one", "two"}
            Columns of a paper: 3.25 or 6.75 inches.
        against : {"steps", "evaluations", "seconds"}
            What progress is shown against, where a kind has a choice.
        instances, optimizers : sequence of str
            Those that are shown; default: all.

        Raises
        ------
        UserError
            For an unknown kind or name, or when there is nothing to show.
        """
        from optbench.plots import Asked, draw

        return draw(self, kind, Asked(width, against), instances, optimizers).figure

    def to_dataframe(self) -> pd.DataFrame:
        """Return what was measured along the runs in long form: one row a seed, step and measure.

        Returns
        -------
        DataFrame
            With the columns ``problem``, ``instance``, ``instance_id``, ``parametrization``,
            ``optimizer``, ``learning_rate``, ``won``, ``seed``, ``step``, ``evaluations``,
            ``measure`` (``loss``, ``log_gap`` and those of the implicit-bias table) and ``value``.

        Raises
        ------
        UserError
            When there are no traces: JSON has none.
        """
        import pandas as pd

        columns = long_form(self.traced).items()
        return pd.DataFrame({n: c.texts if isinstance(c, Words) else c for n, c in columns})

    @property
    def traced(self) -> Sequence[Trace]:
        """The traces, for what cannot do without: a UserError where runs have none."""
        if not self.traces and any(row.status.ran for row in self.convergence_rows):
            raise UserError(
                "this comparison has no traces, since JSON holds none: save it as Parquet, "
                "`--out NAME.parquet`"
            )
        return self.traces

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a file that :func:`optbench.load` reads, whole or not at all.

        Parameters
        ----------
        path : str or path
            ``NAME.parquet`` holds all; pandas, polars or DuckDB read its table, which is that of
            :meth:`to_dataframe`.  ``NAME.json`` is the document of ``docs/schema.md``, without
            what was measured along the runs.

        Raises
        ------
        UserError
            For another suffix, or when it cannot be written.
        """
        file = Path(path)
        suffix = file.suffix.lower()
        if suffix not in SUFFIXES:
            raise UserError(f"save {file}: the name must end in {' or '.join(SUFFIXES)}")
        data = self.to_parquet() if suffix == ".parquet" else render_json(self).encode()
        try:
            replace_file(file, data)
        except OSError as error:
            raise UserError(f"save {file}: {error.strerror}") from None

    def to_parquet(self) -> bytes:
        """Return the content of the Parquet file that :meth:`save` writes."""
        document = json.dumps(plain(self.to_dict()), allow_nan=False)
        return as_parquet(document, self.traces, self.solutions)

    @property
    def failed(self) -> bool:
        """Whether an optimizer that was asked for failed (CLI exit code 1)."""
        return any(row.status == Status.FAILED for row in self.convergence_rows)

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C ended it before its runs had ended (CLI exit code 130)."""
        return any(row.status == Status.INTERRUPTED for row in self.convergence_rows)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON document of ``docs/schema.md``, as mappings and sequences."""
        return {
            "schema_version": SCHEMA_VERSION,
            "environment": self.environment,
            "instances": [as_dict(facts) for facts in self.instances],
            "bias": [as_dict(row) for row in self.bias_rows],
            "convergence": [as_dict(row) for row in self.convergence_rows],
            "notes": self.notes,
        }


def load(path: str | os.PathLike[str]) -> Comparison:
    """Read a comparison that was saved.

    Parameters
    ----------
    path : str or path
        What :meth:`Comparison.save` or ``optbench compare --out`` has written: ``NAME.parquet``,
        or ``NAME.json``, which has no traces.

    Raises
    ------
    UserError
        When it cannot be read, is damaged, of another version, or something else.
    """
    file = Path(path)
    document, traces, solutions = read_saved(file)
    if not isinstance(document, Mapping) or "schema_version" not in document:
        raise foreign(file)
    version = document["schema_version"]
    if version != SCHEMA_VERSION:
        raise UserError(
            f"{file} has schema_version {version!r}; this optbench reads {SCHEMA_VERSION}"
        )
    try:
        return Comparison(
            bias_rows=_records(BiasRow, document, "bias"),
            convergence_rows=_records(ConvergenceRow, document, "convergence"),
            instances=_records(InstanceFacts, document, "instances"),
            traces=traces,
            environment=dict(_part(document, "environment", Mapping)),
            notes=list(_part(document, "notes", list)),
            solutions=solutions,
        )
    except ValueError as error:
        raise damaged(file, str(error)) from None


def _records(kind: type[Record], document: Mapping[str, Any], key: str) -> list[Record]:
    """Return the records under a key of the document; what is wrong is said with its place."""
    found = []
    for index, told in enumerate(_part(document, key, list)):
        try:
            found.append(from_dict(kind, told))
        except ValueError as error:
            raise ValueError(f"{key}[{index}]: {error}") from None
    return found


def _part(document: Mapping[str, Any], key: str, kind: type) -> Any:
    if not isinstance(document.get(key), kind):
        raise ValueError(f"{key} is no {'list' if kind is list else 'object'}")
    return document[key]


def load_latest() -> Comparison:
    """Return the latest comparison of ``optbench compare``.

    Raises
    ------
    UserError
        When there is none.
    """
    if not latest().exists():
        raise UserError("there is no latest result: run `optbench compare`, or name a saved file")
    return load(latest())
