"""Yields `Experiment`, a question with two or more arms, and what an arm is made of. It measures nothing."""

from dataclasses import dataclass, replace
from itertools import product
from typing import Final

from lab.errors import LabError
from lab.own_target import OwnTarget


@dataclass(frozen=True, slots=True, kw_only=True)
class Knob:
    """An optimisation with its levels, the unoptimised one first; a design compares the first with the last."""

    name: str
    levels: tuple[str, ...] = ("off", "on")

    @property
    def off(self) -> str:
        """The level without the optimisation."""
        return self.levels[0]

    @property
    def on(self) -> str:
        """The level with all of it."""
        return self.levels[-1]


CREDENTIALS: Final = "credentials"
"""The knob that the client turns: by what a request says who asks. No server hears of it as a knob."""

SERVER: Final = "server"
"""The knob that is a server's name: under load arms differ by it where their servers do."""

WRITES: Final = "writes"
"""The knob that says what requests change, in the words of the target's command `writes`."""

PAGING: Final = "paging"
"""The knob that the client turns where an operation knows several ways to ask for the same page of a list."""

ANSWER: Final = "answer"
"""The knob that says what answers: its level "bare" is the bare view of the arm's server, with as many bytes."""

NO_LEVELS: Final = frozenset({CREDENTIALS, SERVER, WRITES, PAGING, ANSWER})
"""The knobs that no server hears of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """How a process of the target is booted; `prepare` is a command of the target's for databases of its own.

    `tasks` says who sends mails: the process itself ("inline"), or workers ("celery") by way of the `broker`: the
    cache's server, or the one that BROKER_URL names ("given").
    """

    name: str = "target"
    program: str = "granian"
    interface: str = "wsgi"
    workers: int = 1
    threads: int = 1
    prepare: tuple[str, ...] = ()
    tasks: str = "celery"
    broker: str = "cache"


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One side of a comparison: a server, a face and a level for every knob, as (knob, level) pairs."""

    server: str
    face: str
    variant: tuple[tuple[str, str], ...]

    @property
    def levels(self) -> str:
        """The variant as the `Lab-Variant` header carries it."""
        return "; ".join(f"{knob}={level}" for knob, level in self.variant if knob not in NO_LEVELS)

    @property
    def is_bare(self) -> bool:
        """Whether the bare view answers, which what is asked for has no part in but its bytes."""
        return dict(self.variant).get(ANSWER) == "bare"

    @property
    def credentials(self) -> str:
        """The kind of credentials that requests carry; empty for none."""
        kind = dict(self.variant).get(CREDENTIALS, "none")
        return "" if kind == "none" else kind

    @property
    def paging(self) -> str:
        """The way in which a page is asked for; empty where there is no choice."""
        return dict(self.variant).get(PAGING, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadDesign:
    """How an experiment's arms are loaded: `walk` is the dotted name of a walk, `sessions` how many visits are drawn.

    Every arm meets each number of closed `users`, open arrivals at each of `shares` of its own capacity and, with
    `common`, at that share of the slowest arm's. A trial counts for `seconds` after `warm_seconds`, or for less where
    `enough` requests come sooner. A pilot of `pilot_users` for `pilot_seconds` gives the capacity. With `workers`, so
    many local generators share every load. The arms are served by `server`, or by `servers`, where there are some, each
    the arm whose knob `server` names it. In place of a walk, arms whose knob `writes` says what they change send
    `ready` requests that the target makes for each trial, over and over where they may be used again; every block has
    a database of its own then.
    """

    walk: str = ""
    users: tuple[int, ...] = ()
    shares: tuple[float, ...] = ()
    common: float | None = None
    sessions: int = 16
    seconds: float = 1.5
    enough: int = 500
    warm_seconds: float = 0.2
    blocks: int = 3
    pilot_users: int = 8
    pilot_seconds: float = 0.8
    workers: int = 0
    server: Server = Server(workers=2, threads=4)
    servers: tuple[Server, ...] = ()
    ready: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MailDesign:
    """How servers that send mails are compared: each meets open orders at each of `rates` per second.

    A trial takes orders for `seconds`, and then waits for their mails. The sink needs `delay` seconds for each mail;
    `workers` send for a server that does not send itself. A block makes every server and its database anew.
    """

    rates: tuple[float, ...]
    seconds: float = 5.0
    blocks: int = 4
    delay: float = 0.03
    workers: int = 4
    shoppers: int = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class StampedeDesign:
    """How a cache is run down: `at_once` requests come together on a key that just expired, `expiries` times an arm."""

    at_once: int = 100
    expiries: int = 8
    server: Server = Server(workers=4, threads=4)


@dataclass(frozen=True, slots=True, kw_only=True)
class CachingDesign:
    """How caches are compared: each variant meets open requests, `rate` a second, by both faces at once.

    The rate is lower where one by one, without a cache, they would take more than `busy` of the time.
    Popularity: an answer lives for `seconds_to_live`, and every exponent has a part of the keys, which come up by its
    Zipf's law, for `seconds` beyond the first two lives. Mixes: answers live on, all keys come up with the exponent
    `usual`, and for `mix_seconds` at each of `write_shares` that part of the requests writes, the same for all of them.
    Before that every key is asked for one by one, first cold and then warm.
    """

    exponents: tuple[float, ...] = (0.6, 0.8, 1.0, 1.2)
    write_shares: tuple[float, ...] = (0.0, 0.01, 0.1)
    usual: float = 1.0
    rate: float = 150.0
    busy: float = 0.5
    seconds: float = 8.0
    seconds_to_live: int = 1
    mix_seconds: float = 4.0
    blocks: int = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class GrowthDesign:
    """How growth is measured: at each of the datasets `sizes`, the smallest first, with the arms that `variants` are.

    `arms` are their names. Every block has each dataset once, with fresh servers, and `rounds` in which all keys take
    turns. A statement may take `statement_seconds`.
    """

    sizes: tuple[str, ...]
    arms: tuple[str, ...]
    blocks: int = 6
    rounds: int = 24
    statement_seconds: float = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexDesign:
    """How indexes are weighed: each beside all others, each alone, and what a row costs to insert with it.

    Rows are inserted in `write_blocks` blocks of `parts` parts, in each of which up to `rows` rows go into a table with
    the index and into one without it.
    """

    write_blocks: int = 8
    parts: int = 12
    rows: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """A question, the arms that answer it and the operations they are compared on.

    With `knobs` the design is the full factorial over them, all else held at `variant`; without, every server is
    compared with the first one, face by face, or, of a single server, one face with the other. `variants` are arms in
    place of a design, of which `parts` compare two each: (what they differ in, number of the candidate, number of the
    reference); `limited` are (number, face) of those that one face alone has. `operations` are dotted names of
    `Operation` values and `sizes` is that of the datasets' sizes by name.
    `keys` is how many parameter sets each operation is replayed with, `budget` the seconds that measuring may take.
    With `load` it can be asked under load; without `operations` it can only be asked so. With `mail` its servers take
    orders and send mails. `stampede`, `caching`, `growth` and `indexes` are designs of studies, which have a course of
    their own. `own` is a service of a user's, whose operations are called `own:NAME`: it has no dataset.
    `tolerances` are (operation, share that is nobody's concern, share that must not be
    overlooked) where they are not the usual ones. `page_sizes` are those at which a thorough proof counts what
    operations with pages do, at the first two arms of each server and face. `beside` are services of the lab that the
    target asks: "carriers". `along` are operations that differ in a number alone, as (operation, number), and
    `along_what` is what it counts.
    """

    name: str
    question: str
    operations: tuple[str, ...] = ()
    faces: tuple[str, ...] = ("rest", "graphql")
    servers: tuple[Server, ...] = (Server(),)
    knobs: tuple[Knob, ...] = ()
    variant: tuple[tuple[str, str], ...] = ()
    variants: tuple[tuple[tuple[str, str], ...], ...] = ()
    parts: tuple[tuple[str, int, int], ...] = ()
    limited: tuple[tuple[int, str], ...] = ()
    load: LoadDesign | None = None
    mail: MailDesign | None = None
    stampede: StampedeDesign | None = None
    caching: CachingDesign | None = None
    growth: GrowthDesign | None = None
    indexes: IndexDesign | None = None
    own: OwnTarget | None = None
    keys: int = 3
    sizes: str = "fixtures.sizes:SIZES"
    blocks: int = 8
    budget: float = 150.0
    tolerances: tuple[tuple[str, float, float], ...] = ()
    page_sizes: tuple[int, ...] = ()
    beside: tuple[str, ...] = ()
    along: tuple[tuple[str, float], ...] = ()
    along_what: str = ""

    @property
    def operation_names(self) -> tuple[str, ...]:
        """The operations as people type them."""
        return tuple(dotted.partition(":")[2].lower() for dotted in self.operations)

    @property
    def study(self) -> str:
        """The field that holds the design of a study; empty where there is none."""
        return next((name for name in ("stampede", "caching", "growth", "indexes") if getattr(self, name)), "")

    @property
    def dataset(self) -> str:
        """The dataset it is asked of where none is named."""
        return self.growth.sizes[-1] if self.growth else "" if self.own else "medium"

    @property
    def compares_faces(self) -> bool:
        """Whether GraphQL is compared with REST: beside knobs, or where there is nothing else to compare."""
        is_bare = not self.variants and len(self.servers) == 1
        return {"rest", "graphql"} == set(self.faces) and (bool(self.knobs) or is_bare)

    @property
    def is_equipped(self) -> bool:
        """Whether it needs more than what all runs have: databases of a server's own, credentials, or services."""
        return (
            bool(self.beside)
            or any(server.prepare for server in self.servers)
            or any(arm.credentials for arm in self.arms)
        )

    def under_load(self, *, workers: int = 0) -> "Experiment":
        """The experiment as it is asked under load: on the design's server. Raises LabError where it has no load."""
        if self.load is None:
            raise LabError(f"{self.name} has no load", hint="leave --load out, or ask toggles or capacity")
        load = replace(self.load, workers=workers)
        return replace(self, load=load, servers=load.servers or (load.server,), blocks=load.blocks)

    @property
    def arms(self) -> tuple[Arm, ...]:
        """Every arm: faces by servers by, in a factorial, all 2^k settings, all-off first and all-on last."""
        names = [knob.name for knob in self.knobs]
        levels = product(*((knob.off, knob.on) for knob in self.knobs))
        settings = self.variants or [(*zip(names, each, strict=True), *self.variant) for each in levels]
        only = dict(self.limited)
        return tuple(
            Arm(server=server.name, face=face, variant=setting)
            for face in self.faces
            for server in self.servers
            for number, setting in enumerate(settings)
            if dict(setting).get(SERVER, server.name) == server.name and only.get(number, face) == face
        )
