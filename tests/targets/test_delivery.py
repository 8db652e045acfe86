"""Every order's mail is sent, whatever is stopped or killed on the way, and is sent again only for a reason.

With BROKER_URL they run on the broker that it names, behind a relay that can be cut; else on a Valkey of their own.
"""

import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
from django.conf import settings

from fixtures.identity import read_identity
from lab.binaries import servers_binaries
from lab.experiment import Server
from lab.folder import locked, server_folder
from lab.mail_room import MailRoom, MailSink, open_sink, with_mail, worker_name
from lab.processes import Supervisor
from lab.server import Build, Surroundings, boot, free_port, listens, new_token
from targets.orders.models import Mail, Order
from tests.targets.cut import cuttable
from tests.targets.doors import DOORS, Thing, address_of, bearer, person, product_of
from tests.targets.subject import ServiceUrls

pytestmark = pytest.mark.usefixtures("people")

WORKERS = 4
LIMIT = 180.0


@dataclass(frozen=True, kw_only=True)
class Broker:
    """A broker that can be stopped and started."""

    url: str
    stop: Callable[[], None]
    start: Callable[[], None]


@contextmanager
def broker(supervisor: Supervisor, folder: Path) -> Iterator[Broker]:
    """The broker that BROKER_URL names, or a Valkey that keeps nothing when it is stopped."""
    if given := os.environ.get("BROKER_URL"):
        parts = urlsplit(given)
        with cuttable(parts.hostname or "127.0.0.1", parts.port or 5672) as cut:
            login = f"{parts.username}:{parts.password}@" if parts.username else ""
            url = parts._replace(netloc=f"{login}127.0.0.1:{cut.port}").geturl()
            yield Broker(url=url, stop=cut.cut, start=cut.mend)
        return
    with locked(folder / ".lab") as owned, server_folder(owned) as home:
        binaries, port = servers_binaries(home), free_port()

        def start() -> None:
            supervisor.spawn(
                name="broker", argv=[binaries.valkey, "--port", port, "--bind", "127.0.0.1", "--save", ""],
                env={"LANG": "C"}, log=folder / "broker.log", cwd=home.home, uid=home.account.uid,
                gid=home.account.gid,
            )  # fmt: skip
            supervisor.wait_ready("broker", ready=lambda: listens(port), seconds=30)

        start()

        def stop() -> None:
            supervisor.stop("broker")

        yield Broker(url=f"redis://127.0.0.1:{port}/0", stop=stop, start=start)


def surroundings(service_urls: ServiceUrls, *, logs: Path) -> Surroundings:
    """A server's, on the session's dataset."""
    identity = read_identity(service_urls.database)
    assert identity is not None
    return Surroundings(
        build=Build(commit="none", database_url=service_urls.database, bare_url=service_urls.bare),
        cache_url=service_urls.cache, cache_prefix=f"windtunnel_mail_{os.getpid()}", token=new_token(),
        dataset=identity.text, logs=logs, secret=settings.SECRET_KEY,
        settings=(("MAIL_LEASE_SECONDS", "3"), ("EMAIL_TIMEOUT_SECONDS", "1")),
    )  # fmt: skip


class Orders:
    """So many orders by eight customers at once; `made` of them are, and `failed` says how the others ended."""

    def __init__(self, url: str, count: int) -> None:
        self.made = 0
        self.failed: list[tuple[int, bytes]] = []
        self._place, self._count = url.removeprefix("http://"), count
        product = product_of(person("merchant"), stock=10**6)
        self.customers = [person("customer") for _ in range(8)]
        self._asked = [
            (DOORS["order_create"].rest(Thing(told={
                "address": address_of(customer).id, "lines": [{"product": product.id, "quantity": 1}],
            })), bearer(customer))
            for customer in self.customers
        ]  # fmt: skip

    def send(self) -> None:
        """Have them all made."""
        with ThreadPoolExecutor(len(self.customers)) as pool:
            list(pool.map(self._send, range(len(self.customers))))

    def _send(self, number: int) -> None:
        request, headers = self._asked[number]
        connection = HTTPConnection(self._place, timeout=30)
        for _ in range(self._count // len(self.customers)):
            connection.request(
                "POST", request.path, body=request.body, headers={"Content-Type": "application/json", **headers}
            )
            answer = connection.getresponse()
            body = answer.read()
            if answer.status == 201:
                self.made += 1
            else:
                self.failed.append((answer.status, body[:200]))
        connection.close()


def until(condition: Callable[[], bool], *, seconds: float = LIMIT) -> None:
    """Wait for something. Raises AssertionError after so long."""
    ticks, end = threading.Event(), time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        ticks.wait(0.002)


def under_way(sink: MailSink) -> dict[int, str]:
    """The mails that the sink has and has not answered, by the client's port; not those that it never will answer."""
    found: dict[int, str] = {}
    for each in sink.seen():
        if each.what == "taken":
            found[each.port] = each.id
        else:
            found.pop(each.port, None)
    return found


def is_answered(sink: MailSink, port: int) -> bool:
    """Whether the sink is done with what came from a client's port."""
    return port not in under_way(sink)


def kill_one_inside_a_send(sink: MailSink, pids: dict[int, int]) -> tuple[int, str] | None:
    """Kill, with -9, a worker whose mail the sink has and has not answered; its number and the mail."""
    with sink.held():
        until(lambda: bool(under_way(sink)))
        mails = under_way(sink)
        for number, pid in pids.items():
            for port in {each.laddr.port for each in psutil.Process(pid).net_connections("tcp")} & mails.keys():
                os.kill(pid, signal.SIGKILL)
                # Before it is let go on, the sink has to see that this client is gone.
                until(partial(is_answered, sink, port))
                return number, mails[port]
    return None


@pytest.mark.slow
@pytest.mark.given_servers
@pytest.mark.parametrize(("wanted", "kills"), [(400, 2), pytest.param(1000, 5, marks=pytest.mark.nightly)])
def test_orders_are_told_of_whatever_dies(service_urls: ServiceUrls, tmp_path: Path, capsys, wanted: int, kills: int):
    """The broker is away for a while, workers are killed, SMTP refuses 10 % and hangs on 1 %: no mail is lost."""
    with Supervisor() as supervisor, broker(supervisor, tmp_path) as messages:
        sink = open_sink(supervisor, python=sys.executable, folder=tmp_path, delay=0.05, refuse=0.1, hang=0.01, seed=7)
        around = with_mail(
            surroundings(service_urls, logs=tmp_path), broker_url=messages.url, sink=sink,
            queue=f"windtunnel_test_{os.getpid()}",
        )  # fmt: skip
        room = MailRoom(surroundings=around, supervisor=supervisor)
        [running] = boot((Server(threads=8),), surroundings=around, supervisor=supervisor).values()
        room.open_relay()
        pids = {number: room.open_worker(number).pid for number in range(WORKERS)}
        orders = Orders(running.url, wanted)
        sending = threading.Thread(target=orders.send)
        sending.start()
        until(lambda: orders.made > wanted // 5)
        messages.stop()
        begun = orders.made
        until(lambda: orders.made >= min(wanted, begun + wanted // 5))
        messages.start()
        killed: list[str] = []
        for _ in range(kills):
            while (hit := kill_one_inside_a_send(sink, pids)) is None:
                pass
            number, mail = hit
            killed.append(mail)
            supervisor.stop(worker_name(number))
            pids[number] = room.open_worker(number).pid
        sending.join()
        mails = Mail.objects.filter(order__customer__in=orders.customers)
        until(lambda: not mails.exclude(state=Mail.State.SENT).exists())
        seen = sink.seen()
    assert orders.failed == []
    assert Order.objects.filter(customer__in=orders.customers).count() == wanted
    taken = Counter(each.id for each in seen if each.what == "taken")
    assert set(taken) == {mail.message_id for mail in mails}
    assert len(taken) == wanted
    lost = [each.id for each in seen if each.what == "lost"]
    # Without a kill one is lost where a client waits no longer: that is a hang, too.
    reasons = Counter(each.id for each in seen if each.what == "hung") + (Counter(lost) | Counter(killed))
    extra = {name: count - 1 for name, count in taken.items() if count > 1}
    with capsys.disabled():
        what = Counter(each.what for each in seen)
        sys.stdout.write(f"\n{what}; {sum(extra.values())} extra: {[(n, c, reasons[n]) for n, c in extra.items()]}\n")
    assert all(count <= reasons[name] for name, count in extra.items())
    assert sum((Counter(lost) & Counter(killed)).values()) >= kills - 2
