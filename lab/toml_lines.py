"""Yields where the statements of a TOML file stand, and its lines with a number put in: all else stays as it is."""

import json
import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

Keys = tuple[str, ...]
"""Where a value is: the names of the tables that it is in, and its own."""

_PART: Final = r"""[ \t]*(?:[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*')[ \t]*"""
_KEYS: Final = re.compile(rf"({_PART}(?:\.{_PART})*)=[ \t]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A header, or a key with its value, which begins at column `value`: a header has none, and 0 there."""

    line: int
    table: Keys
    path: Keys
    value: int


def statements(lines: Sequence[str]) -> Iterator[Statement]:
    """The statements of a file that is TOML. tomllib says where each ends: it can be read alone, and its begin not."""
    table: Keys = ()
    first = 0
    while first < len(lines):
        ends = range(first + 1, len(lines) + 1)
        read = ((end, _loaded("\n".join([*lines[first:end], ""]))) for end in ends)
        end, found = next(((end, found) for end, found in read if found is not None), (len(lines), {}))
        if found and (match := _KEYS.match(lines[first])):
            path = (*table, *_chain(_loaded(f"{match[1]} = 0")))
            yield Statement(line=first, table=table, path=path, value=match.end())
        elif found:
            table = _chain(found)
            yield Statement(line=first, table=table, path=table, value=0)
        first = end


def _loaded(text: str) -> dict[str, Any] | None:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError):
        return None


def _chain(found: Any) -> Keys:
    path = []
    while isinstance(found, dict) and found:
        ((key, found),) = found.items()
        path.append(key)
    return tuple(path)


def put(lines: list[str], at: Keys, value: int, *, carriage: str) -> None:
    """Changes the value where there is one, or adds it to its table, or adds the table, in the form that it has."""
    known = list(statements(lines))
    for each in known:
        if each.value and at[: len(each.path)] == each.path:
            lines[each.line] = _changed(lines[each.line], each.value, within=at[len(each.path) :], value=value)
            return
    if own := [each for each in known if each.path[: len(at) - 1] == at[:-1]]:
        last = own[-1]
        key = ".".join(map(key_text, at[len(last.table) :]))
        lines.insert(last.line + 1, f"{key} = {value}{carriage}")
        return
    while lines and not lines[-1].strip():
        lines.pop()
    head = ".".join(map(key_text, at[:-1]))
    lines += [carriage] * bool(lines) + [f"[{head}]{carriage}", f"{key_text(at[-1])} = {value}{carriage}", ""]


def _changed(line: str, start: int, *, within: Keys, value: int) -> str:
    """A line whose value begins at `start`, with another number: in place of it, or `within` its inline table."""
    if not within:
        return line[:start] + re.sub(r"[^\s#]+", str(value), line[start:], count=1)
    ends = (match.end() for match in re.compile("}").finditer(line, start))
    end, found = next((end, found) for end in ends if (found := _loaded(f"table = {line[start:end]}")))
    inner = found["table"]
    for key in within[:-1]:
        inner = inner.setdefault(key, {})
    inner[within[-1]] = value
    return line[:start] + _inline(found["table"]) + line[end:]


def _inline(value: Any) -> str:
    if not isinstance(value, dict):
        return str(value)
    inner = ", ".join(f"{key_text(key)} = {_inline(own)}" for key, own in value.items())
    return f"{{ {inner} }}" if inner else "{}"


def key_text(name: str) -> str:
    """A key as TOML writes it: on one line, whatever is in it."""
    is_bare = re.fullmatch(r"[A-Za-z0-9_-]+", name)
    return name if is_bare else json.dumps(name, ensure_ascii=False).replace("\x7f", "\\u007f")
