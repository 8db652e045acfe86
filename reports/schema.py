"""Yields the JSON schema of `findings.json`, from the dataclasses that write it. It checks no file."""

from typing import Any, Final

import msgspec

from lab.findings import SCHEMA_VERSION, Findings

NAME: Final = f"findings-{SCHEMA_VERSION}.json"
"""The file in docs/schema/ that holds it, so that other programs can rely on a version."""


def findings_schema() -> str:
    """The schema (JSON Schema 2020-12) as indented JSON. The same dataclasses give the same text."""
    schema: dict[str, Any] = msgspec.json.schema(Findings)
    found = schema["$defs"][Findings.__name__]
    found["properties"]["schema_version"] = {"const": SCHEMA_VERSION}
    # A file without its version is refused, though a value in memory has the newest.
    found["required"] = [*found["required"], "schema_version"]
    whole = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Findings of a Windtunnel run, version {SCHEMA_VERSION}",
        **schema,
    }
    return msgspec.json.format(msgspec.json.encode(whole), indent=2).decode() + "\n"
