"""Yields the door `python -m lab load URL`: what it is asked, and what it prints. It sends nothing itself."""

import os
import re
import secrets
import socket
import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import unquote, urlsplit

from rich.console import Console

from lab.arrivals import KINDS, SHAPES
from lab.asked import MOST_WORKERS, budget_seconds, seed_number
from lab.errors import LabError
from lab.json_files import write
from lab.load_url import UrlOrder, check_arrivals, check_url, load_url, without_secrets
from lab.load_words import advice, print_load
from lab.progress import Progresses
from lab.render import render_load
from lab.results import check_writable, new_run
from lab.script import WORKER_TOKEN
from lab.trial import split_address
from lab.units import count

ABOUT: Final = """
Put load on a URL and say what its users would have waited.

Arrivals are open: each request is due by a schedule, whatever became of those before it, and its response time
runs from that moment. So a service that stops for a second shows a second. `--closed N` has N users instead who
each wait for their answer; their response times hide what a stop makes others wait.
"""

EXAMPLES: Final = """
examples:
  python -m lab load http://127.0.0.1:8000/api/products/ --rate 200 --duration 20
  python -m lab load http://127.0.0.1:8000/graphql --method POST --header 'Content-Type: application/json' \\
      --body-file query.json --graphql --json load.json --html load.html

exit code: 0 measured, 2 not measured: the load was void, nothing was answered right, or something failed.
Every field of the JSON: docs/load.md.
"""

T = TypeVar("T", int, float)

TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""What methods and names of headers are made of (RFC 9110, 5.6.2)."""


def parser_for(kind: type[ArgumentParser]) -> ArgumentParser:
    """The words that the door understands."""
    parser = kind(
        prog="python -m lab load", description=ABOUT, epilog=EXAMPLES, formatter_class=RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("url", help="what to ask for, as in http://127.0.0.1:8000/path; certificates of https are not checked")
    load = parser.add_argument_group("the load")
    load.add_argument("--rate", type=_rate, default=100.0, help="requests per second (default: 100)")
    load.add_argument("--duration", default="20", help="as in 20, 90s or 3m (default: 20 s)")
    load.add_argument("--arrivals", choices=KINDS, default="poisson", help="gaps between requests (default: poisson)")
    load.add_argument("--closed", type=_users, default=0, metavar="N", help="N users who wait, in place of a rate")
    load.add_argument("--shape", choices=SHAPES, default="steady", help="how rate or users change (default: steady)")
    load.add_argument(
        "--warm-up", type=_seconds, default=1.0, metavar="S", help="seconds before it counts (default: 1)"
    )
    load.add_argument("--seed", type=seed_number, default=1, help="draws the schedule (default: 1)")
    load.add_argument(
        "--connections", type=_users, default=0, metavar="N", help="so many are open at first (default: as needed)"
    )
    request = parser.add_argument_group("the request, and what is right")
    request.add_argument("--method", default="", help="default: GET, or POST with --body-file")
    request.add_argument("--header", action="append", default=[], metavar="NAME:VALUE", help="may be given many times")
    request.add_argument(
        "--body-file",
        type=Path,
        metavar="FILE",
        help="its bytes are the body; say what they are with --header 'Content-Type: ...'",
    )
    request.add_argument("--expect-status", type=_status, metavar="N", help="the right status (default: any 2xx)")
    request.add_argument("--graphql", action="store_true", help="an answer with `errors` is a failure")
    request.add_argument("--timeout", type=_wait, default=10.0, metavar="S", help="seconds (default: 10)")
    result = parser.add_argument_group("the result")
    result.add_argument("--json", type=Path, metavar="FILE", help="write what was found")
    result.add_argument("--html", type=Path, metavar="FILE", help="draw it as a page")
    many = parser.add_argument_group("many generators", "The schedule is split among them; together they are the load.")
    many.add_argument("--load-workers", type=_workers, default=0, metavar="N", help="N of them on this machine")
    many.add_argument("--expect-workers", type=_workers, default=0, metavar="N", help="N that come from anywhere")
    many.add_argument("--master-bind", default="127.0.0.1:5557", metavar="ADDRESS", help="default: 127.0.0.1:5557")
    return parser


def load(asked: Namespace, *, console: Console) -> None:
    """Runs the load that was asked for and prints what it found. Raises LabError when that is nothing to rely on."""
    check_url(asked.url)
    order = _order(asked)
    for file in filter(None, (asked.json, asked.html)):
        _check_file(file)
    check_arrivals(order)
    if asked.expect_workers:
        _check_bind(order.bind)
    check_writable()
    folder = new_run("load")
    if asked.expect_workers:
        console.print(
            f"waiting for {order.workers} workers; on each of their hosts:\n"
            f"  {WORKER_TOKEN}={order.worker_token} python -m lab worker --master {order.bind}",
            highlight=False, markup=False,
        )  # fmt: skip
    total = (order.seconds + order.warm_seconds) * order.level
    try:
        with Progresses(console).stage("load", total=None if order.closed else total) as advance:
            found = load_url(
                order, folder=folder.samples,
                show=lambda samples: advance(done=samples, note=f"{count(samples)} requests"),
            )  # fmt: skip
    finally:
        if any(folder.samples.glob("*.samples")):
            shown = os.path.relpath(folder.path)
            console.print(f"samples: {shown}; as CSV: ./noxw -s lab -- samples {shown}", highlight=False)
    folder.save("load", found)
    print_load(found, console=console)
    if asked.json:
        write(found, asked.json.resolve())
        console.print(f"json: {asked.json}", highlight=False)
    if asked.html:
        render_load(folder.path / "load.json", page=asked.html)
        console.print(f"report: {asked.html}", highlight=False)
    if not found.right:
        how = ", ".join(name.replace("_", " ") for name, _ in found.faults) or "no request was sent"
        raise LabError(f"nothing was answered right: {how}", hint="mend the service or the request, then start again")
    if found.state == "void":
        raise LabError(f"the load is void: {'; '.join(found.reasons)}", hint=advice(found))


def _order(asked: Namespace) -> UrlOrder:
    if asked.load_workers and asked.expect_workers:
        raise LabError("--load-workers and --expect-workers are two ways", hint="leave one of them out")
    workers = asked.load_workers or asked.expect_workers
    try:
        split_address(asked.master_bind)
    except ValueError as error:
        raise LabError(str(error), hint="give host:port, as in 0.0.0.0:5557") from None
    body = None
    if asked.body_file:
        try:
            body = asked.body_file.read_bytes()
        except OSError as error:
            raise LabError(f"{asked.body_file}: {error.strerror}", hint="name a file with the body") from error
    method = (asked.method or ("GET" if body is None else "POST")).upper()
    if not TOKEN.fullmatch(method):
        raise LabError(f"{method[:40]!r} is no method", hint="as in --method POST")
    duration = budget_seconds(asked.duration, least=1.0, what="--duration")
    return UrlOrder(
        url=without_secrets(asked.url), method=method, headers=_headers(asked), body=body, kind=asked.arrivals,
        shape=asked.shape, rate=asked.rate, closed=asked.closed, seconds=duration, warm_seconds=asked.warm_up,
        connections=asked.connections, seed=asked.seed, timeout=asked.timeout, status=asked.expect_status,
        graphql=asked.graphql, workers=workers, is_local=not asked.expect_workers, bind=asked.master_bind,
        worker_token=os.environ.get(WORKER_TOKEN) or secrets.token_urlsafe(32),
        command=_command(sys.argv[1:]),
    )  # fmt: skip


def _check_bind(address: str) -> None:
    """Raises LabError where a master cannot listen: before its workers are asked to come."""
    host, port = split_address(address)
    try:
        with socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET):
            pass
    except OSError as error:
        said = error.strerror or str(error)
        raise LabError(f"{address} cannot be bound: {said}", hint="give another --master-bind") from error


def _check_file(file: Path) -> None:
    """Raises LabError where no result can be written: before the load, not after it."""
    if not file.parent.is_dir():
        raise LabError(f"there is no folder {file.parent}", hint=f"make it first: mkdir -p {file.parent}")
    # It is written beside and renamed, so that nobody meets half of it: what is no file would become one.
    if (file.exists() and not file.is_file()) or not os.access(file.resolve().parent, os.W_OK):
        raise LabError(f"{file} cannot be written", hint="name a file in a folder of yours")


def _command(words: list[str]) -> str:
    """The command again, but for what headers say, and for a URL's user and password: they may be secrets."""
    shown = [
        "NAME:VALUE" if before == "--header" else "--header=NAME:VALUE" if word.startswith("--header=") else word
        for before, word in zip(["", *words], words, strict=False)
    ]
    return " ".join(["python -m lab", *(without_secrets(word) if "://" in word else word for word in shown)])


def _headers(asked: Namespace) -> tuple[tuple[str, str], ...]:
    """Those that were given, and basic authentication where the URL has a user."""
    given = tuple(map(_header, asked.header))
    parts = urlsplit(asked.url)
    if parts.username is None or any(name.lower() == "authorization" for name, _ in given):
        return given
    secret = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
    return (*given, ("Authorization", f"Basic {b64encode(secret).decode()}"))


def _header(text: str) -> tuple[str, str]:
    name, separator, value = text.partition(":")
    if not separator or not TOKEN.fullmatch(name.strip()) or not value.strip().isprintable():
        raise LabError(f"{text[:40]!r} is no header", hint="give NAME:VALUE, as in 'Accept: application/json'")
    return name.strip(), value.strip()


def _bounded(kind: Callable[[str], T], low: float, high: float, *, name: str) -> Callable[[str], T]:
    """Reads a number of a kind within these bounds; `name` is what argparse calls it when it refuses one."""

    def read(text: str) -> T:
        value = kind(text)
        if not low <= value <= high:
            raise ValueError
        return value

    read.__name__ = name
    return read


_rate = _bounded(float, 0.01, 1_000_000, name="rate from 0.01 to 1000000")
_users = _bounded(int, 1, 900, name="number from 1 to 900")
_workers = _bounded(int, 1, MOST_WORKERS, name=f"number from 1 to {MOST_WORKERS}")
_status = _bounded(int, 200, 599, name="status from 200 to 599")
_seconds = _bounded(float, 0, 3600, name="number of seconds up to 3600")
_wait = _bounded(float, 0.01, 3600, name="number of seconds from 0.01 to 3600")
