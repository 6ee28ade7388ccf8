"""Comparisons in files: the JSON document, and the long form of the traces where it is Parquet.

A saved comparison is one Parquet file.  Its table is the long form of :mod:`optbench.traces`, which
pandas, polars or DuckDB read as it is; its key-value metadata has the document of
``docs/schema.md``, the last predictors of the traces with the reference solutions, a hash of both,
and the version of this layout.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from optbench.engine.compiler.cache import cache_root
from optbench.errors import UserError
from optbench.files import replace_file
from optbench.traces import LONG_FORM, TEXTS, TYPES, Column, Trace, Words, long_form, traces_of

if TYPE_CHECKING:
    import pyarrow as pa

# Of each instance, by its identity: each reference solution by its name.
Solutions: TypeAlias = Mapping[str, Mapping[str, np.ndarray]]
DOCUMENT, PREDICTORS = b"optbench.document", b"optbench.predictors"
DIGEST, LAYOUT = b"optbench.sha256", b"optbench.layout"
VERSION = b"1"  # of the layout of the Parquet file: the document has one of its own
MAGIC = b"PAR1"  # how Parquet begins


def as_parquet(document: str, traces: Sequence[Trace], solutions: Solutions) -> bytes:
    """Return the content of a file that has a document and the traces beside it."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table({name: _as_arrow(each) for name, each in long_form(traces).items()})
    stream = pa.BufferOutputStream()
    with pq.ParquetWriter(
        stream, table.schema, compression="zstd", write_page_checksum=True, store_schema=False
    ) as writer:
        writer.write_table(table)
        told = {DOCUMENT: document.encode(), PREDICTORS: _vectors(traces, solutions)}
        writer.add_key_value_metadata({**told, DIGEST: _digest(told), LAYOUT: VERSION})
    return bytes(stream.getvalue())


def _as_arrow(column: Column) -> pa.Array:
    import pyarrow as pa

    if isinstance(column, Words):
        known = pa.array(column.known, pa.string())
        return pa.DictionaryArray.from_arrays(pa.array(column.codes), known)
    return pa.array(column)


def _of_arrow(table: pa.Table) -> dict[str, Column]:
    """Return the columns of a long form.

    Raises
    ------
    ValueError
        When they are not those that were written.
    """
    import pyarrow as pa

    text = pa.dictionary(pa.int32(), pa.string())
    types = [text if name in TEXTS else pa.from_numpy_dtype(TYPES[name]) for name in LONG_FORM]
    if not table.schema.equals(pa.schema(list(zip(LONG_FORM, types, strict=True)))):
        raise ValueError("its columns are not those that were written")
    found: dict[str, Column] = {}
    for name in LONG_FORM:
        array = table[name].unify_dictionaries().combine_chunks()
        array = array.chunk(0) if isinstance(array, pa.ChunkedArray) else array
        if name in TEXTS:
            codes = array.indices.to_numpy(zero_copy_only=False)
            found[name] = Words(codes, array.dictionary.to_pylist())
        else:
            found[name] = array.to_numpy(zero_copy_only=False)
    return found


def _vectors(traces: Sequence[Trace], solutions: Solutions) -> bytes:
    """Return last predictors and reference solutions as NumPy's archive.

    Predictors are under the place of their trace, solutions under ``INSTANCE_ID/NAME``.
    """
    given = {str(place): trace.w for place, trace in enumerate(traces) if trace.w is not None}
    given |= {f"{key}/{name}": w for key, own in solutions.items() for name, w in own.items()}
    stream = io.BytesIO()
    np.savez_compressed(stream, allow_pickle=False, **given)
    return base64.b64encode(stream.getvalue())  # Parquet's metadata are text, as Polars insists


def _with_vectors(
    traces: Sequence[Trace], archive: bytes
) -> tuple[list[Trace], dict[str, dict[str, np.ndarray]]]:
    found = np.load(io.BytesIO(base64.b64decode(archive)), allow_pickle=False)
    solutions: dict[str, dict[str, np.ndarray]] = {}
    for label in found:
        key, solution, name = label.partition("/")
        if solution:
            solutions.setdefault(key, {})[name] = found[label]
    return [replace(t, w=found.get(str(place))) for place, t in enumerate(traces)], solutions


def _digest(told: Mapping[bytes, bytes]) -> bytes:
    return hashlib.sha256(told[DOCUMENT] + told[PREDICTORS]).hexdigest().encode()


def read_saved(file: Path) -> tuple[Any, list[Trace], Solutions]:
    """Return the document of a file, its traces and its solutions; JSON has none of these.

    Raises
    ------
    UserError
        When it cannot be read, is damaged, or is something else.
    """
    try:
        data = file.read_bytes()
    except OSError as error:
        raise UserError(f"{file}: {error.strerror}") from None
    if data.startswith(MAGIC):
        return _of_parquet(data, file)
    try:
        return json.loads(data), [], {}
    except (ValueError, RecursionError):
        raise foreign(file) from None


def foreign(file: Path) -> UserError:
    """Return what to say of a file that holds something else."""
    return UserError(
        f"{file} holds no comparison: what can be read is what Comparison.save, `optbench compare "
        "--out NAME.parquet` or `--out NAME.json` has written"
    )


def damaged(file: Path, reason: str) -> UserError:
    """Return what to say of a file that is not as it was written."""
    return UserError(f"{file} is damaged: {reason}; run and save the comparison again")


def _of_parquet(data: bytes, file: Path) -> tuple[Any, list[Trace], Solutions]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    stream = pa.BufferReader(data)
    broken = (pa.ArrowException, OSError, KeyError, ValueError, IndexError)
    try:
        told = pq.read_metadata(stream).metadata or {}
    except broken:
        raise damaged(file, "its end is missing or overwritten") from None
    if LAYOUT not in told:
        raise foreign(file)
    if told[LAYOUT] != VERSION:
        raise UserError(f"{file} is of another version of optbench, whose files differ from ours")
    try:
        if told[DIGEST] != _digest(told):
            raise ValueError("its metadata is not what was written")
        table = pq.ParquetFile(
            stream, page_checksum_verification=True, read_dictionary=list(TEXTS)
        ).read()
        document = json.loads(told[DOCUMENT])
        return document, *_with_vectors(traces_of(_of_arrow(table)), told[PREDICTORS])
    except broken:
        raise damaged(file, "it does not hold what was written") from None


def keep_latest(data: bytes) -> None:
    """Keep the content of a file as that of the latest comparison, where that can be kept."""
    with contextlib.suppress(OSError):
        latest().parent.mkdir(parents=True, exist_ok=True)
        replace_file(latest(), data)


def latest() -> Path:
    """Return the file that has the latest comparison of the command line."""
    return cache_root() / "latest" / "comparison.parquet"
