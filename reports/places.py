"""Yields where a value of the findings stands in their file, as a JSON pointer (RFC 6901). It reads no file."""

from collections.abc import Mapping, Sequence


def places(values: Sequence[object], *, of: str, file: str = "") -> Mapping[int, str]:
    """The pointer of each value in the list `of`, as in "/cells/3", by `id`: equal values may stand in two places.

    `file` names the one where the list stands if that is not findings.json: "load.json#/cells/3".
    """
    start = f"{file}#" if file else ""
    return {id(value): f"{start}/{of}/{number}" for number, value in enumerate(values)}
