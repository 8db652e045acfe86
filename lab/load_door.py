"""Yields the door `python -m lab load URL`: what it is asked, and what it prints. It sends nothing itself."""

import os
import secrets
import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from lab.arrivals import KINDS, SHAPES
from lab.asked import budget_seconds, seed_number
from lab.errors import LabError
from lab.json_files import write
from lab.load_findings import UrlLoad
from lab.load_url import UrlOrder, check_url, load_url
from lab.progress import Progresses
from lab.render import render_load
from lab.results import check_writable, new_run
from lab.script import WORKER_TOKEN
from lab.trial import split_address
from lab.units import count, seconds, size

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

SHOWN: Final = (0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1.0)


def parser_for(kind: type[ArgumentParser]) -> ArgumentParser:
    """The words that the door understands."""
    parser = kind(
        prog="python -m lab load", description=ABOUT, epilog=EXAMPLES, formatter_class=RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("url", help="what to ask for, as in http://127.0.0.1:8000/path")
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
    request.add_argument("--body-file", type=Path, metavar="FILE", help="its bytes are the body")
    request.add_argument("--expect-status", type=int, metavar="N", help="the right status (default: any 2xx)")
    request.add_argument("--graphql", action="store_true", help="an answer with `errors` is a failure")
    request.add_argument("--timeout", type=_seconds, default=10.0, metavar="S", help="seconds (default: 10)")
    result = parser.add_argument_group("the result")
    result.add_argument("--json", type=Path, metavar="FILE", help="write what was found")
    result.add_argument("--html", type=Path, metavar="FILE", help="draw it as a page")
    many = parser.add_argument_group("many generators", "The schedule is split among them; together they are the load.")
    many.add_argument("--load-workers", type=_users, default=0, metavar="N", help="N of them on this machine")
    many.add_argument("--expect-workers", type=_users, default=0, metavar="N", help="N that come from anywhere")
    many.add_argument("--master-bind", default="127.0.0.1:5557", metavar="ADDRESS", help="default: 127.0.0.1:5557")
    return parser


def load(asked: Namespace, *, console: Console) -> None:
    """Runs the load that was asked for and prints what it found. Raises LabError when that is nothing to rely on."""
    order = _order(asked)
    for file in filter(None, (asked.json, asked.html)):
        if not file.parent.is_dir():
            raise LabError(f"there is no folder {file.parent}", hint=f"make it first: mkdir -p {file.parent}")
    check_url(order.url)
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
            console.print(f"samples: {os.path.relpath(folder.samples)}", highlight=False)
    folder.save("load", found)
    if asked.html:
        render_load(folder.path / "load.json", page=asked.html)
    if asked.json:
        write(found, asked.json)
    _print(found, console=console)
    if asked.json:
        console.print(f"json: {asked.json}", highlight=False)
    if asked.html:
        console.print(f"report: {asked.html}", highlight=False)
    if not found.right:
        raise LabError("nothing was answered right", hint="the table of errors says how; mend it, then start again")
    if found.state == "void":
        raise LabError(f"the load is void: {'; '.join(found.reasons)}", hint=_advice(found))


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
    duration = asked.duration if asked.duration[-1:].isalpha() else f"{asked.duration}s"
    return UrlOrder(
        url=asked.url, method=(asked.method or ("GET" if body is None else "POST")).upper(),
        headers=tuple(map(_header, asked.header)), body=body, kind=asked.arrivals, shape=asked.shape,
        rate=asked.rate, closed=asked.closed, seconds=budget_seconds(duration, least=1.0), warm_seconds=asked.warm_up,
        connections=asked.connections, seed=asked.seed, timeout=asked.timeout, status=asked.expect_status,
        graphql=asked.graphql, workers=workers, is_local=not asked.expect_workers, bind=asked.master_bind,
        worker_token=os.environ.get(WORKER_TOKEN) or secrets.token_urlsafe(32),
        command=_command(sys.argv[1:]),
    )  # fmt: skip


def _command(words: list[str]) -> str:
    """The command again, but for what headers say: they may be secrets."""
    shown = ["NAME:VALUE" if before == "--header" else word for before, word in zip(["", *words], words, strict=False)]
    return " ".join(["python -m lab", *shown])


def _header(text: str) -> tuple[str, str]:
    name, separator, value = text.partition(":")
    if not separator or not name.strip() or not value.isprintable() or not name.isascii():
        raise LabError(f"{text[:40]!r} is no header", hint="give NAME:VALUE, as in 'Accept: application/json'")
    return name.strip(), value.strip()


def _print(found: UrlLoad, *, console: Console) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("")
    for share in SHOWN:
        table.add_column("max" if share == 1 else f"p{share * 100:g}", justify="right")
    for name, values in (("response time", dict(found.response)), ("service time", dict(found.service))):
        table.add_row(name, *(seconds(values[share]) if values else "-" for share in SHOWN))
    console.print()
    level = f"{found.level:g} closed users" if found.arrivals == "closed" else f"{found.arrivals} arrivals"
    console.print(f"[bold]{found.method} {escape(found.url)}[/], {level}, {seconds(found.seconds)}", highlight=False)
    console.print(table, highlight=False)
    console.print(
        f"rate: {found.offered:,.1f}/s offered, {found.achieved:,.1f}/s answered right; "
        f"{size(found.body_bytes / found.right if found.right else 0)} each",
        highlight=False,
    )
    errors = ", ".join(f"{count(n)} {name.replace('_', ' ')}" for name, n in found.faults) or "none"
    console.print(
        f"requests: {count(found.requests)} sent, {count(found.right)} right, {count(found.failed)} failed, "
        f"{count(found.late)} sent late, {count(found.unsent)} unsent; errors: {errors}",
        highlight=False,
    )
    seen = found.sensors
    steal = "not available" if seen.steal is None else f"{seen.steal:.1%}"
    console.print(
        f"generator: {seen.generator_share:.0%} of a core, p99 of lateness {seconds(seen.lateness)}, "
        f"CPU taken by the host {steal}",
        highlight=False,
    )
    state = "[green]valid[/]" if found.state == "valid" else f"[bold red]void[/]: {escape('; '.join(found.reasons))}"
    console.print(f"validity: {state}", highlight=False)
    if found.arrivals == "closed":
        console.print("note: closed users wait, so a stop of the service is counted once a user", highlight=False)


def _advice(found: UrlLoad) -> str:
    if found.sensors.generator_share > found.sensors.lateness and "generator" in " ".join(found.reasons):
        return "lower --rate, or spread the load with --load-workers"
    if found.unsent:
        return "the service does not keep up: lower --rate"
    return "measure again on a quiet machine, or lower --rate"


def _rate(text: str) -> float:
    value = float(text)
    if not 0.01 <= value <= 1_000_000:
        raise ValueError
    return value


def _users(text: str) -> int:
    value = int(text)
    if not 1 <= value <= 900:
        raise ValueError
    return value


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 3600:
        raise ValueError
    return value


# argparse puts the names of the types into its refusals.
_rate.__name__, _users.__name__, _seconds.__name__ = "rate", "number from 1 to 900", "number of seconds"
