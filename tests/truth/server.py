"""Yields HTTP servers on 127.0.0.1 whose behaviour is known, so that a load generator can be held against theory.

`python server.py MODE [options]` prints `{"port": N, "pid": P}` and serves until SIGTERM or SIGINT. It is started by
its path and imports the standard library only; what clients must see of it is worked out in theory.py, not here.
"""

import argparse
import asyncio
import gc
import gzip
import json
import math
import os
import random
import re
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # a script finds its own folder only
from tests.truth.wire import INTERIM, Connection, End, FineSelector, Mode, Request, message, text

SIGMA = 1.0
"""The standard deviation of a lognormal service time's logarithm."""
NANO = 1_000_000_000
OK = message(b"ok")


@dataclass(kw_only=True, slots=True)
class Service:
    """One request's way through the queue; all in nanoseconds of time.monotonic_ns()."""

    arrived: int
    needs: int
    begins: int
    due: int
    answered: int = -1


class Queue:
    """One server, first come first served; who is served when is settled on arrival, so no delay of a timer adds up.

    A client that leaves is served all the same. Answers that are due together take some 20 µs each.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        self.log: Path | None = options.log
        self.freeze = round(options.freeze * NANO)
        self.every = round(options.every * NANO)
        self.draw = service_times(options)
        self.served: list[Service] = []
        self.waiting: deque[tuple[Connection, Service]] = deque()

    def __call__(self, connection: Connection, request: Request) -> None:
        free = self.served[-1].due if self.served else request.arrived
        begins = self._thawed(max(request.arrived, free))
        needs = round(self.draw() * NANO)
        service = Service(arrived=request.arrived, needs=needs, begins=begins, due=self._end(begins, needs=needs))
        self.served.append(service)
        self.waiting.append((connection, service))
        if len(self.waiting) == 1:
            self._answer()

    def _thawed(self, begins: int) -> int:
        """The first moment from `begins` on that is outside a freeze."""
        if not self.freeze or not self.served:
            return begins
        periods, within = divmod(begins - self.served[0].arrived, self.every)
        return begins if within < self.every - self.freeze else self.served[0].arrived + (periods + 1) * self.every

    def _end(self, begins: int, *, needs: int) -> int:
        """When a service ends: as much of it as fits before the next freeze, then the rest after that."""
        origin = self.served[0].arrived if self.served else begins
        while self.freeze:
            left = self.every - self.freeze - (begins - origin) % self.every
            if needs <= left:
                break
            needs -= left
            begins += left + self.freeze
        return begins + needs

    def _answer(self) -> None:
        while self.waiting and self.waiting[0][1].due <= time.monotonic_ns():
            connection, service = self.waiting.popleft()
            connection.answer(OK)
            service.answered = time.monotonic_ns()
        if self.waiting:
            asyncio.get_running_loop().call_at(self.waiting[0][1].due / NANO, self._answer)

    def write_log(self) -> None:
        """A line per request in order of arrival: arrival, service, start, done; done is -1 for one not answered."""
        if self.log is not None:
            lines = [f"{each.arrived} {each.needs} {each.begins} {each.answered}\n" for each in self.served]
            self.log.write_text("".join(lines), encoding="ascii")


def service_times(options: argparse.Namespace) -> Callable[[], float]:
    """Draws service times, in seconds, whose mean is `--service`."""
    generator, mean = random.Random(options.seed), options.service
    if options.distribution == "constant" or mean == 0:
        return lambda: mean
    if options.distribution == "exponential":
        return lambda: generator.expovariate(1 / mean)
    return lambda: generator.lognormvariate(math.log(mean) - SIGMA**2 / 2, SIGMA)


def drawn(share: float, *, seed: int) -> Callable[[], bool]:
    """Says of each request, in order of arrival, whether it is one of the `share`."""
    generator = random.Random(seed)
    return lambda: generator.random() < share


def mixture(options: argparse.Namespace) -> Mode:
    """Every request waits on its own."""
    is_slow = drawn(options.slow_share, seed=options.seed)

    def mode(connection: Connection, request: Request) -> None:
        due = request.arrived / NANO + (options.slow if is_slow() else options.fast)
        asyncio.get_running_loop().call_at(due, connection.answer, OK)

    return mode


def always(*parts: bytes, end: End | None = None) -> Mode:
    """The same answer at once, and perhaps an end."""
    return lambda connection, _: connection.answer(*parts, end=end)


def one_of(usual: bytes, rare: bytes, options: argparse.Namespace) -> Mode:
    """The rare answer for `--share` of the requests."""
    is_rare = drawn(options.share, seed=options.seed)
    return lambda connection, _: connection.answer(rare if is_rare() else usual)


def fixed(options: argparse.Namespace) -> Mode:
    body = options.body_file.read_bytes() if options.body_file else text(options.bytes)
    return always(message(body, status=options.status, kind=options.content_type))


def reset(options: argparse.Namespace) -> Mode:
    is_reset = drawn(options.share, seed=options.seed)
    return lambda connection, _: connection.reset() if is_reset() else connection.answer(OK)


def half_close(options: argparse.Namespace) -> Mode:
    parts = () if options.early else (message(text(options.bytes), "Connection: close", sized=False),)
    return always(*parts, end=Connection.half_close)


def truncate(options: argparse.Namespace) -> Mode:
    whole = message(text(options.bytes))
    return always(whole[: len(whole) - options.bytes + options.sent], end=Connection.close)


def redirect(options: argparse.Namespace) -> Mode:
    found = message(b"", "Location: /target", status=302)
    return lambda connection, request: connection.answer(OK if request.path == b"/target" else found)


def interim(options: argparse.Namespace) -> Mode:
    """A 100 to each request, and its answer `--pause` seconds later."""
    if not options.pause:
        return always(INTERIM, OK)

    def mode(connection: Connection, _: Request) -> None:
        connection.answer(INTERIM)
        asyncio.get_running_loop().call_later(options.pause, connection.answer, OK)

    return mode


def chunked(options: argparse.Namespace) -> Mode:
    body, size = text(options.bytes), max(1, math.ceil(options.bytes / 4))
    chunks = [body[at : at + size] for at in range(0, len(body), size)]
    parts = [b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks]
    head = message(b"", "Transfer-Encoding: chunked", sized=False)
    if options.cut:
        return always(head, *parts[:-1], parts[-1][: -2 - math.ceil(len(chunks[-1]) / 2)], end=Connection.close)
    return always(head, *parts, b"0\r\n\r\n")


def zipped(options: argparse.Namespace) -> Mode:
    body = gzip.compress(text(options.bytes), mtime=0)
    if options.damaged:
        body = body[:10] + b"\xff" + body[11:]  # after the header of ten bytes: a block of a kind that does not exist
    packed, plain = message(body, "Content-Encoding: gzip"), message(text(options.bytes))
    allowed = re.compile(rb"\r\naccept-encoding:[^\r]*\bgzip\b(?!\s*;\s*q=0(?:\.0*)?\s*[,\r])")
    return lambda connection, request: connection.answer(packed if allowed.search(request.head) else plain)


def garbled(options: argparse.Namespace) -> Mode:
    """Bytes that are not in the coding that they are said to be."""
    return always(message(b"\xff" * options.bytes, f"Content-Encoding: {options.coding}"))


def stall(options: argparse.Namespace) -> Mode:
    """The first bytes of a body, and no more for as long as anybody waits; but for one in `--every` a whole answer."""
    half, asked = message(text(options.bytes))[: -options.bytes // 2], iter(range(1, sys.maxsize))
    return lambda connection, _: connection.answer(half if next(asked) % options.every == 0 else OK)


def graphql(options: argparse.Namespace) -> Mode:
    answers = ({"data": {"ok": True}}, {"errors": [{"message": "no"}], "data": None})
    good, bad = (message(json.dumps(each).encode(), kind="application/json") for each in answers)
    return one_of(good, bad, options)


def flaky_size(options: argparse.Namespace) -> Mode:
    return one_of(message(text(options.bytes)), message(text(options.bytes - 1)), options)


def parsed(words: Sequence[str] | None = None) -> argparse.Namespace:
    """The mode and its options; `make` makes the mode of them."""
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--seed", type=int, default=1)
    shared.add_argument("--host", default="127.0.0.1")
    shared.add_argument("--port", type=int, default=0)
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    modes = parser.add_subparsers(required=True, metavar="MODE")

    def add(name: str, make: Callable[[argparse.Namespace], Mode], **numbers: float) -> argparse.ArgumentParser:
        """A mode and those of its options that are numbers, each with its default."""
        mode = modes.add_parser(name, parents=[shared])
        for option, default in numbers.items():
            mode.add_argument(f"--{option.replace('_', '-')}", type=type(default), default=default)
        mode.set_defaults(make=make)
        return mode

    queue = add("queue", Queue, service=0.0, freeze=0.0, every=0.0)
    queue.add_argument("--distribution", choices=("constant", "exponential", "lognormal"), default="constant")
    queue.add_argument("--log", type=Path)
    add("mixture", mixture, slow_share=0.01, slow=0.2, fast=0.002)
    plain = add("fixed", fixed, bytes=2, status=200)
    plain.add_argument("--content-type", default="text/plain")
    plain.add_argument("--body-file", type=Path)
    add("reset", reset, share=1.0)
    add("halfclose", half_close, bytes=2).add_argument("--early", action="store_true")
    add("truncate", truncate, bytes=100, sent=50)
    add("redirect", redirect)
    add("continue", interim, pause=0.0)
    add("chunked", chunked, bytes=100).add_argument("--cut", action="store_true")
    add("gzip", zipped, bytes=100).add_argument("--damaged", action="store_true")
    add("garbled", garbled, bytes=100).add_argument("--coding", default="br")
    add("stall", stall, bytes=100, every=1)
    add("graphql", graphql).add_argument("--errors-share", dest="share", type=float, default=0.5)
    add("flaky-size", flaky_size, share=0.5, bytes=100)

    options = parser.parse_args(words)
    if options.make is Queue and options.freeze and not 0 < options.freeze < options.every:
        parser.error("--freeze must be shorter than --every")
    if options.make is truncate and not 0 <= options.sent < options.bytes:
        parser.error("--sent must be below --bytes")
    if (options.make is flaky_size or (options.make is chunked and options.cut)) and options.bytes < 1:
        parser.error("--bytes must be 1 or more")
    return options


async def serve(options: argparse.Namespace) -> None:
    """Serve until a signal asks for the end; connections end with the process."""
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    mode = options.make(options)
    server = await loop.create_server(lambda: Connection(mode), options.host, options.port, backlog=4096)
    port = server.sockets[0].getsockname()[1]
    sys.stdout.write(json.dumps({"port": port, "pid": os.getpid()}) + "\n")
    sys.stdout.flush()
    await ended.wait()
    if isinstance(mode, Queue):
        mode.write_log()


if __name__ == "__main__":
    with suppress(OSError):  # Linux lets every wait oversleep by 50 µs, so as to wake less often
        Path("/proc/self/timerslack_ns").write_text("1", encoding="ascii")
    gc.disable()  # a collection takes milliseconds, and nothing here needs one
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(FineSelector())) as runner:
        runner.run(serve(parsed()))
