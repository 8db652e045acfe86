"""Yields `OwnTarget`, a user's own service and what is asked of it. It starts nothing; people write it by `lab.own`."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final

Variant = tuple[tuple[str, str], ...]
Pairs = tuple[tuple[str, str], ...]

FACE: Final = "http"
"""The one face of a service of which nothing is known but that it speaks HTTP."""

TARGET: Final = "target"
"""The name of a server that is alone."""

HIDDEN: Final = "not kept"


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnServer:
    """A service that runs at `url`, or one that `command` boots in `folder`, with `environment` as (name, value).

    It is ready once it answers to the path `ready`. `prepare` is a command that runs once, before the first boot.
    """

    name: str = TARGET
    url: str = ""
    command: str = ""
    folder: str = ""
    prepare: str = ""
    ready: str = "/"
    environment: Pairs = field(default=(), repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnKnob:
    """A knob whose levels are values of a header of requests, or of a variable of a server's environment.

    Each of `levels` has its place in `values`; where that is None the header, or the variable, is left out.
    """

    name: str
    levels: tuple[str, ...]
    values: tuple[str | None, ...]
    is_header: bool

    def pairs(self, variant: Variant) -> Pairs:
        """The header, or the variable, with its value at `variant`; none where it is left out."""
        value = self.values[self.level(variant)]
        return () if value is None else ((self.name, value),)

    def level(self, variant: Variant) -> int:
        """The number of the level that `variant` has."""
        return self.levels.index(dict(variant)[self.name])


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnOperation:
    """One request, for each of its keys with a path of its own; arms must answer alike unless `may_differ`."""

    name: str
    paths: tuple[str, ...]
    method: str = "GET"
    headers: Pairs = field(default=(), repr=False)
    body: bytes | None = None
    status: int = 200
    may_differ: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnTarget:
    """What an experiment on a user's service is made of: its servers, knobs and operations."""

    servers: tuple[OwnServer, ...]
    operations: tuple[OwnOperation, ...]
    knobs: tuple[OwnKnob, ...] = ()

    @property
    def is_booted(self) -> bool:
        """Whether the lab boots all servers anew in each block."""
        return all(server.command for server in self.servers)

    @property
    def kind(self) -> str:
        """The servers in a word, for findings: `booted` by the lab, or `running` already."""
        return "booted" if self.is_booted else "running"

    def operation(self, name: str) -> OwnOperation:
        """The operation of that name."""
        return next(each for each in self.operations if each.name == name)

    def process(self, server: str, variant: Variant) -> str:
        """The name of the process that an arm asks: arms that differ in headers alone share one."""
        return "-".join([server, *(str(knob.level(variant)) for knob in self.knobs if not knob.is_header)])

    def processes(self, arms: Iterable[tuple[str, Variant]]) -> tuple[OwnServer, ...]:
        """The processes of `arms`, given by server and variant; each has its name, and its knobs as environment."""
        named = {server.name: server for server in self.servers}
        found: dict[str, OwnServer] = {}
        for server, variant in arms:
            turned = [pair for knob in self.knobs if not knob.is_header for pair in knob.pairs(variant)]
            # A knob that is left out is left out although the server's own environment has it.
            varied = {knob.name for knob in self.knobs if not knob.is_header}
            kept = [pair for pair in named[server].environment if pair[0] not in varied]
            name = self.process(server, variant)
            found[name] = replace(named[server], name=name, environment=(*kept, *turned))
        return tuple(found.values())

    def turned_headers(self, variant: Variant) -> Pairs:
        """The headers by which requests turn knobs."""
        return tuple(pair for knob in self.knobs if knob.is_header for pair in knob.pairs(variant))

    def without_secrets(self) -> "OwnTarget":
        """The same, as a run's folder keeps it: people share that, and headers and environments may hold secrets."""
        return replace(
            self,
            servers=tuple(replace(each, environment=_hidden(each.environment)) for each in self.servers),
            operations=tuple(replace(each, headers=_hidden(each.headers)) for each in self.operations),
        )


def _hidden(pairs: Pairs) -> Pairs:
    return tuple((name, HIDDEN) for name, _ in pairs)
