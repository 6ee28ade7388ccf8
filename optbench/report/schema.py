"""The JSON Schema of a comparison's document, from the records that it is made of."""

from __future__ import annotations

import typing
from collections.abc import Mapping
from typing import Any

from optbench.column import Column, columns
from optbench.columns import (
    BiasRow,
    ConvergenceRow,
    InstanceFacts,
    Interval,
    LearningRate,
    RateLaw,
    ReferenceFacts,
)
from optbench.records import SCHEMA_VERSION
from optbench.status import Status

RECORDS: Mapping[type, str] = {
    RateLaw: "rate",
    ReferenceFacts: "reference",
    InstanceFacts: "instance",
    LearningRate: "learning_rate",
    BiasRow: "bias_row",
    ConvergenceRow: "convergence_row",
}
NUMBER = {
    "oneOf": [{"type": ["number", "null"]}, {"enum": ["inf", "-inf"]}],
    "description": "A number; null when unknown or not reached; infinities as text, because JSON "
    "has none.",
}
INTERVAL = {
    "oneOf": [
        {"type": "null"},
        {"type": "array", "items": {"$ref": "#/$defs/number"}, "minItems": 2, "maxItems": 2},
    ],
    "description": "[low, high], or null.",
}
TEXTS = {"type": "array", "items": {"type": "string"}}
PROFILE = {
    "type": "array",
    "description": "What is said of each optimizer over several instances; empty with one.",
    "items": {
        "type": "object",
        "required": ["optimizer", "shares", "slower_than", "slower_p"],
        "properties": {
            "optimizer": {"type": "string"},
            "shares": {
                "type": "object",
                "additionalProperties": {"type": "number", "minimum": 0, "maximum": 1},
                "description": "Of the pairs of an instance and a target those that it reaches: "
                "reached, within_2x, in_1000_steps, ...",
            },
            "slower_than": {
                **TEXTS,
                "description": "Optimizers that are significantly faster over instances.",
            },
            "slower_p": {
                "$ref": "#/$defs/number",
                "description": "Smallest p-value of being slower than another one, corrected for "
                "the number of pairs; null where there are too few instances.",
            },
        },
    },
}
ENVIRONMENT = {
    "type": "object",
    "properties": {
        "python": {"type": "string"},
        "versions": {"type": "object", "additionalProperties": {"type": "string"}},
        "platform": {"type": "string"},
        "processor": {"type": "string"},
        "cores": {"type": ["integer", "null"]},
        "threads": {"type": "integer", "minimum": 1},
        "date": {"type": "string", "description": "UTC, ISO 8601."},
        "seconds": {
            "type": "object",
            "additionalProperties": {"type": "number", "minimum": 0},
            "description": "Wall-clock seconds: references, compile, runs, total.",
        },
        "compiled": {
            "type": "integer",
            "minimum": 0,
            "description": "Kernels that this process compiled rather than loaded.",
        },
        "command": {"type": "string", "description": "The command or call that repeats it."},
        "papers": {
            "type": "object",
            "additionalProperties": {"type": "string"},
            "description": "The references of the optimizers and problems, by name.",
        },
    },
}


def schema() -> dict[str, Any]:
    """Return the schema, draft 2020-12."""

    def rows(name: str) -> dict[str, Any]:
        return {"type": "array", "items": {"$ref": f"#/$defs/{name}"}}

    properties = {
        "schema_version": {"const": SCHEMA_VERSION},
        "environment": {"$ref": "#/$defs/environment"},
        "instances": rows("instance"),
        "bias": rows("bias_row"),
        "convergence": rows("convergence_row"),
        "profile": PROFILE,
        "notes": {**TEXTS, "description": "Lines a reader must see: plug-ins left out, ..."},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"https://optbench.invalid/schema/{SCHEMA_VERSION}",
        "title": "optbench comparison",
        "description": "What `optbench compare --format json` writes. Objects may gain keys within "
        "one schema_version; none is removed or changes its meaning.",
        "type": "object",
        "required": [name for name in properties if name != "profile"],
        "properties": properties,
        "$defs": {
            "number": NUMBER,
            "interval": INTERVAL,
            "environment": ENVIRONMENT,
            **{name: _record(record) for record, name in RECORDS.items()},
        },
    }


def _record(record: type) -> dict[str, Any]:
    """Return the schema of a record: every column is there, with its meaning."""
    hints = typing.get_type_hints(record)
    known = [each for each in columns(record) if each.name != "more"]
    return {
        "type": "object",
        "description": (record.__doc__ or "").split("\n")[0],
        "required": [each.name for each in known],
        "properties": {each.name: _property(each, hints[each.name]) for each in known},
    }


def _property(column: Column, hint: Any) -> dict[str, Any]:
    found = _type(hint)
    if column.low is not None or column.high is not None:
        ends = {"minimum": column.low, "maximum": column.high}
        number = {"type": "integer"} if hint is int else {"type": ["number", "null"]}
        found = number | {key: end for key, end in ends.items() if end is not None}
    text = f"{column.meaning[0].upper()}{column.meaning[1:]}."
    return {**found, "description": text}


def _type(hint: Any) -> dict[str, Any]:
    """Return the JSON Schema of the values of a column."""
    simple: dict[Any, dict[str, Any]] = {
        str: {"type": "string"},
        str | None: {"type": ["string", "null"]},
        bool: {"type": "boolean"},
        bool | None: {"type": ["boolean", "null"]},
        int: {"type": "integer"},
        float: {"type": "number"},
        float | None: {"$ref": "#/$defs/number"},
        Interval: {"$ref": "#/$defs/interval"},
        tuple[int, int] | None: {"$ref": "#/$defs/interval"},
        tuple[str, ...]: TEXTS,
        Status: {"enum": [status.value for status in Status]},
    }
    if hint in simple:
        return simple[hint]
    if hint in RECORDS:
        return {"$ref": f"#/$defs/{RECORDS[hint]}"}
    (*_, inner) = (part for part in typing.get_args(hint) if part is not Ellipsis)
    if typing.get_origin(hint) is tuple:
        return {"type": "array", "items": _type(inner)}
    return {"type": "object", "additionalProperties": _type(inner)}
