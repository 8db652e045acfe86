"""Yields the words of which an experiment on a service of your own is written: docs/your-own-api.md.

A word that cannot be meant raises LabError where it stands, and the lab adds the file and the line. Nothing is started.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote, urlsplit

from lab.asked import budget_seconds
from lab.errors import LabError
from lab.experiment import Experiment, Knob, Server
from lab.own_target import FACE, TARGET, OwnKnob, OwnOperation, OwnServer, OwnTarget

__all__ = ["boot", "environment_knob", "experiment", "header_knob", "request", "running"]

NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,59}")
TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""What methods and names of headers are made of (RFC 9110, 5.6.2)."""

VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
NOT_SET: Final = "not set"
MOST_VALUES: Final = 50
MOST_ARMS: Final = 16

Level = str | int | None


def boot(
    command: str, *, name: str = TARGET, ready: str = "/", folder: str = ".", prepare: str = "",
    environment: Mapping[str, str] | None = None,
) -> OwnServer:  # fmt: skip
    """A server that the lab boots anew in every block, by a command with `{port}` in it, and with no shell.

    `{python}` is the Python that runs the lab. `folder` is where it runs, seen from the experiment's file. It gets
    PATH, HOME and their like, and `environment`. It is ready once it answers to the path `ready`, with less than a 500.
    """
    _named(name, what="server")
    if "{port}" not in command:
        raise LabError(
            f"the command {command!r} has no {{port}}", hint="say where the port goes, as in 127.0.0.1:{port}"
        )
    _path(ready, what="ready")
    pairs = tuple((environment or {}).items())
    for variable, value in pairs:
        _variable(variable)
        if not isinstance(value, str):
            raise LabError(f"the environment's {variable} is {value!r}", hint="give a text")
    return OwnServer(
        name=name, command=command, folder=str(folder), prepare=prepare, ready=ready, environment=pairs
    )  # fmt: skip


def running(url: str, *, name: str = TARGET) -> OwnServer:
    """A service that runs already, at `http://host:port`: the lab cannot boot it anew."""
    _named(name, what="server")
    try:
        parts = urlsplit(url)
        is_whole = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        is_whole = False
    if not is_whole or parts.username or parts.path.strip("/") or parts.query or parts.fragment:
        raise LabError(f"{url!r} is no address of a server", hint="as in http://127.0.0.1:8000; paths go into requests")
    return OwnServer(name=name, url=url.rstrip("/"))


def header_knob(header: str, *, levels: Sequence[Level]) -> OwnKnob:
    """A knob that requests turn: each level is the header's value, None sends none. The first is the reference."""
    if not TOKEN.fullmatch(header):
        raise LabError(f"{header!r} is no name of a header", hint="as in X-Loading")
    for level in levels:
        if not _is_sendable(str(level)):
            raise LabError(f"{level!r} is no value of a header", hint="give printable ASCII")
    return _knob(header, levels=levels, is_header=True)


def environment_knob(variable: str, *, levels: Sequence[Level]) -> OwnKnob:
    """A knob that a boot turns: each level is the variable's value, None sets none. The first is the reference."""
    _variable(variable)
    return _knob(variable, levels=levels, is_header=False)


def request(
    name: str, path: str, *, values: Sequence[object] = (), method: str = "GET",
    headers: Mapping[str, str] | None = None, body: object = None, status: int = 200, answers: str = "equal",
) -> OwnOperation:  # fmt: skip
    """An operation: one request, with `{value}` of its path taken from `values` in turn.

    A `body` that is neither text nor bytes is sent as JSON. Every answer must have `status`, and unless
    answers="may differ" all arms must answer alike: the same JSON, or where it is none the same bytes.
    """
    _named(name, what="operation")
    _path(path, what="path")
    if answers not in {"equal", "may differ"}:
        raise LabError(f"answers={answers!r} is neither", hint='give answers="equal" or answers="may differ"')
    if ("{value}" in path) != bool(values):
        raise LabError(f"{name}: {{value}} in the path and values=[...] belong together", hint="give both, or neither")
    if len(values) > MOST_VALUES:
        raise LabError(f"{name} has {len(values)} values", hint=f"give at most {MOST_VALUES}")
    if not TOKEN.fullmatch(method):
        raise LabError(f"{method!r} is no method", hint='as in method="POST"')
    if not 200 <= status <= 599 or 300 <= status < 400:
        raise LabError(
            f"status={status} cannot be measured", hint="give 200 to 299 or 400 to 599; ask what it leads to"
        )
    sent = {header: str(text) for header, text in (headers or {}).items()}
    for header, text in sent.items():
        if not TOKEN.fullmatch(header) or not _is_sendable(text):
            raise LabError(f"{header}: {text!r} is no header", hint='as in {"Accept": "application/json"}')
    if body is not None and not isinstance(body, str | bytes):
        sent.setdefault("Content-Type", "application/json")
    return OwnOperation(
        name=name, method=method.upper(), headers=tuple(sent.items()), body=_bytes(body, name=name), status=status,
        paths=tuple(dict.fromkeys(path.replace("{value}", quote(str(value), safe="")) for value in values)) or (path,),
        may_differ=answers == "may differ",
    )  # fmt: skip


def experiment(
    *, name: str, question: str, servers: Sequence[OwnServer], operations: Sequence[OwnOperation],
    knobs: Sequence[OwnKnob] = (), budget: str = "60s", blocks: int = 8,
) -> Experiment:  # fmt: skip
    """The experiment that a file gives as EXPERIMENT.

    One server with one knob: its first level against each other one. One server with several knobs of two levels: what
    each does, alone and together. Several servers, and no knob: the first against each other one.
    """
    _named(name, what="experiment")
    _each(servers, kind=OwnServer, what="servers", hint="as in servers=[boot(...)]")
    _each(operations, kind=OwnOperation, what="operations", hint="as in operations=[request(...)]")
    _each(knobs, kind=OwnKnob, what="knobs", hint="as in knobs=[header_knob(...)]", may_be_empty=True)
    for what, names in (("servers", servers), ("operations", operations), ("knobs", knobs)):
        _distinct([each.name for each in names], what=what)
    if len(servers) > 1 and knobs:
        raise LabError("several servers and knobs are two questions", hint="leave the knobs out, or name one server")
    if len(servers) == 1 and not knobs:
        raise LabError("nothing is compared", hint="give a knob, or a second server")
    if any(server.url for server in servers) and any(not knob.is_header for knob in knobs):
        raise LabError("a server that runs already has its environment", hint="use header_knob, or boot the server")
    if not 2 <= blocks <= 40:
        raise LabError(f"{blocks} blocks are too few or too many", hint="give 2 to 40; 8 are usual")
    target = OwnTarget(servers=tuple(servers), operations=tuple(operations), knobs=_levelled(knobs))
    return Experiment(
        name=name, question=question, operations=tuple(f"own:{each.name}" for each in operations), faces=(FACE,),
        servers=tuple(Server(name=each.name) for each in servers), own=target, blocks=blocks,
        keys=max(len(each.paths) for each in operations), budget=budget_seconds(budget, what="budget"),
        **_design(target.knobs),
    )  # fmt: skip


def _design(knobs: Sequence[OwnKnob]) -> dict[str, Any]:
    """One knob's levels against its first; several as a factorial."""
    if len(knobs) == 1:
        [knob] = knobs
        return {
            "variants": tuple(((knob.name, level),) for level in knob.levels),
            "parts": tuple((level, number, 0) for number, level in enumerate(knob.levels) if number),
        }
    return {"knobs": tuple(Knob(name=knob.name) for knob in knobs)}


def _levelled(knobs: Sequence[OwnKnob]) -> tuple[OwnKnob, ...]:
    """The knobs as they are; of several each has its two levels called off and on. Raises LabError for others."""
    if len(knobs) <= 1:
        return tuple(knobs)
    if 2 ** len(knobs) > MOST_ARMS:
        raise LabError(f"{len(knobs)} knobs make {2 ** len(knobs)} arms", hint=f"give knobs for at most {MOST_ARMS}")
    for knob in knobs:
        if len(knob.levels) != 2:
            raise LabError(
                f"{knob.name} has {len(knob.levels)} levels beside other knobs",
                hint="give it two, or ask of it alone in an experiment of its own",
            )
    return tuple(
        OwnKnob(name=knob.name, levels=("off", "on"), values=knob.values, is_header=knob.is_header) for knob in knobs
    )


def _knob(name: str, *, levels: Sequence[Level], is_header: bool) -> OwnKnob:
    if isinstance(levels, str) or not 2 <= len(levels) <= MOST_ARMS:
        raise LabError(
            f"{name}'s levels are {levels!r}", hint=f'give two to {MOST_ARMS}, as in levels=["lazy", "joined"]'
        )
    values = tuple(None if level is None else str(level) for level in levels)
    names = tuple(NOT_SET if value is None else value for value in values)
    _distinct(names, what=f"levels of {name}")
    for each in names:
        if not each.strip() or not each.isprintable() or " / " in each:
            raise LabError(f"{name} has the level {each!r}", hint="give a text of a line; None leaves it out")
    return OwnKnob(name=name, levels=names, values=values, is_header=is_header)


def _is_sendable(value: str) -> bool:
    """Whether a header can carry it."""
    return value.isprintable() and value.isascii()


def _bytes(body: object, *, name: str) -> bytes | None:
    if body is None or isinstance(body, bytes):
        return body
    try:
        return body.encode() if isinstance(body, str) else json.dumps(body).encode()
    except (TypeError, ValueError) as error:
        raise LabError(
            f"{name}'s body cannot be sent as JSON: {error}", hint="give text, bytes, or plain values"
        ) from error


def _each(given: Sequence[object], *, kind: type, what: str, hint: str, may_be_empty: bool = False) -> None:
    if not isinstance(given, list | tuple) or not all(isinstance(each, kind) for each in given):
        raise LabError(f"{what} is no list of what it must be", hint=hint)
    if not given and not may_be_empty:
        raise LabError(f"there are no {what}", hint=hint)


def _distinct(names: Sequence[str], *, what: str) -> None:
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise LabError(f"two {what} are called {twice!r}", hint="give each a name of its own")


def _named(name: str, *, what: str) -> None:
    if not NAME.fullmatch(name):
        raise LabError(f"{name!r} cannot be the name of the {what}", hint="use a-z, 0-9, _ and -, as in book_list")


def _variable(name: str) -> None:
    if not VARIABLE.fullmatch(name):
        raise LabError(f"{name!r} is no name of a variable", hint="as in BOOKS_LOADING")


def _path(path: str, *, what: str) -> None:
    if not path.startswith("/") or not path.isprintable() or not path.isascii() or " " in path:
        raise LabError(
            f"{what} {path!r} is no path", hint="begin with /, as in /books/?page={value}, and encode the rest"
        )
