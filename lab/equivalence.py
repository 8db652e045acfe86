"""Yields the first difference between two answers, as a path and two values, and how many values one has.

It sends no request.
"""

import json
from dataclasses import fields, is_dataclass
from typing import Any


def first_difference(reference: Any, answer: Any, *, path: str = "answer") -> str:
    """Where `answer` first differs from `reference`, as `answer.items[3].price: '12.00' != '13.00'`, or "".

    Types must be the same, not only values: 1 is not True and "1" is not 1.
    """
    if type(reference) is not type(answer):
        return f"{path}: {_short(reference)} != {_short(answer)} ({type(reference).__name__}, {type(answer).__name__})"
    if is_dataclass(reference):
        parts = [(f"{path}.{f.name}", getattr(reference, f.name), getattr(answer, f.name)) for f in fields(reference)]
    elif isinstance(reference, dict):
        if lone := next((key for key in (*reference, *answer) if (key in reference) != (key in answer)), None):
            return f"{path}: only {'the first' if lone in reference else 'the second'} has {lone!r}"
        parts = [(f"{path}.{key}", value, answer[key]) for key, value in reference.items()]
    elif isinstance(reference, (tuple, list)):
        if len(reference) != len(answer):
            return f"{path}: {len(reference)} entries != {len(answer)} entries"
        parts = [(f"{path}[{i}]", a, b) for i, (a, b) in enumerate(zip(reference, answer, strict=True))]
    else:
        return "" if reference == answer else f"{path}: {_short(reference)} != {_short(answer)}"
    return next(filter(None, (first_difference(a, b, path=name) for name, a, b in parts)), "")


def values_in(body: bytes) -> int:
    """How many values a body of JSON has, however they are named and nested; 0 for one that is none."""
    try:
        return _values(json.loads(body))
    except ValueError:
        return 0


def _values(value: Any) -> int:
    if isinstance(value, dict):
        return sum(map(_values, value.values()))
    return sum(map(_values, value)) if isinstance(value, list) else 1


def _short(value: Any) -> str:
    text = repr(value)
    limit = 80
    return text if len(text) <= limit else f"{text[:limit]}..."
