"""What the Dockerfile makes and docker-compose.yml starts, without an engine: it serves, mails, and keeps its data."""

import json
import shelve
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import psycopg2
import pytest

from lab.folder import erase, locked, server_folder
from lab.postgres import given_postgres
from lab.processes import Supervisor
from tests.lab.waiting import wait_until
from tests.shipping.built import ROOT, Image
from tests.shipping.native import Stack

SERVERS: Final = ("postgres", "valkey")
ONCE: Final = (("role", "check"), ("migrate",), ("seed", "seed-lab"))
SERVED: Final = (("web", "relay", "worker", "beat", "web-lab"), ("locust-master",), ("locust-worker",))
"""What is started at once, group by group: nothing waits for a service of its own group or of a later one."""

PERSON: Final = {"email": "somebody@example.com", "password": "correct horse battery", "name": "Somebody"}
STREET: Final = {"street": "1 High Street", "city": "Leeds", "postcode": "LS1 1AA", "country": "GB"}
PRODUCTS: Final = 500
"""How many `small` has."""


@pytest.fixture
def stack(tmp_path: Path, target_image: Image, lab_image: Image) -> Iterator[Stack]:
    """The stack, not started; all its processes are gone at the end."""
    with ExitStack() as stack:
        stack.callback(erase, tmp_path / ".lab")
        supervisor = stack.enter_context(Supervisor())
        home = stack.enter_context(server_folder(stack.enter_context(locked(tmp_path / ".lab"))))
        yield Stack(
            supervisor=supervisor, home=home, folder=tmp_path, images={"target": target_image, "lab": lab_image},
            variables={"RATE_ADDRESS": "1000000000/1", "PASSWORD_ITERATIONS": "1000", "MAIL_LEASE_SECONDS": "3"},
        )  # fmt: skip


def ask(url: str, method: str, path: str, told: Any = None, **headers: str) -> tuple[int, Any]:
    """Status and JSON of an answer."""
    body = None if told is None else json.dumps(told)
    with closing(HTTPConnection(urlsplit(url).netloc, timeout=30)) as connection:
        connection.request(method, path, body=body, headers={"Content-Type": "application/json", **headers})
        answer = connection.getresponse()
        text = answer.read()
    return answer.status, json.loads(text) if text else None


def made(url: str, path: str, told: Any, **headers: str) -> Any:
    """What a POST made."""
    status, answer = ask(url, "POST", path, told, **headers)
    assert status in {200, 201}, answer
    return answer


def login(url: str) -> dict[str, str]:
    """The header by which the person is known."""
    told = {key: PERSON[key] for key in ("email", "password")}
    return {"Authorization": f"Bearer {made(url, '/api/tokens/', told)['access']}"}


def smoke(url: str) -> None:
    """What CI and a deployment ask of an API."""
    done = subprocess.run(
        [sys.executable, ROOT / ".ci" / "smoke.py", "--with-data", url], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def order(stack: Stack) -> dict[str, Any]:
    """An order by a new customer."""
    url = stack.url("web")
    made(url, "/api/users/", PERSON)
    known = login(url)
    address = made(url, "/api/addresses/", STREET, **known)
    products = [ask(url, "GET", f"/api/products/{number}/")[1] for number in range(1, 20)]
    product = next(each for each in products if each["stock"] > 0)
    wish = {"address": address["id"], "lines": [{"product": product["id"], "quantity": 1}]}
    found: dict[str, Any] = made(url, "/api/orders/", wish, **known)
    return found


def count(stack: Stack, statement: str) -> int:
    """What the API's database says."""
    url = stack.environment("web")["DATABASE_URL"]
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        [(number,)] = cursor.fetchall()
    return int(number)


def files(image: Image) -> dict[str, int]:
    """What a container may not change: the image's own files, by their times."""
    return {str(path): path.stat().st_mtime_ns for path in image.work.rglob("*")}


def mails(stack: Stack) -> list[str]:
    """The mails that the mail server took."""
    return [each.id for each in stack.sink.seen() if each.what == "taken"]


@pytest.mark.slow
@pytest.mark.given_servers
def test_the_stack_serves_and_keeps_its_data_over_a_restart(stack: Stack, target_image: Image, lab_image: Image):
    """Each service starts by its own command and is well by its own check; restarted, all of it has its data."""
    before = files(target_image), files(lab_image)
    order_of_start = (SERVERS, *ONCE, *SERVED)
    _check_order(stack, order_of_start)
    for group in order_of_start:
        stack.start(*group)
    smoke(stack.url("web"))
    bought = order(stack)
    wait_until(lambda: len(mails(stack)) == 1, what="the mail of the order", seconds=60)
    _lab_mode(stack)
    _role(stack)
    _load(stack)
    assert count(stack, "SELECT count(*) FROM catalog_product") == PRODUCTS
    for name in reversed([*SERVERS, *(name for group in SERVED for name in group)]):
        assert stack.supervisor.stop(name) in {0, -15, 143}, stack.said(name)
    assert not stack.is_well("postgres")

    _let_come_due(stack)
    stack.start(*SERVERS)
    _add_an_expired_token(stack)
    for group in (*ONCE, *SERVED):
        stack.start(*group)
    assert "kept as it is" in stack.said("seed")
    smoke(stack.url("web"))
    status, orders = ask(stack.url("web"), "GET", "/api/orders/", **login(stack.url("web")))
    assert (status, [each["id"] for each in orders["items"]]) == (200, [bought["id"]])
    assert count(stack, "SELECT count(*) FROM catalog_product") == PRODUCTS
    wait_until(
        lambda: count(stack, "SELECT count(*) FROM accounts_blacklistedtoken WHERE reason = 'reused'") == 0,
        what="what came due while beat was away", seconds=60,
    )  # fmt: skip
    assert len(mails(stack)) == 1, "a restart sends nothing again"
    assert (files(target_image), files(lab_image)) == before, "what is read-only in a container was written to"


@pytest.mark.slow
def test_the_image_of_the_api_has_what_it_runs_and_no_more(target_image: Image):
    """Every instruction was obeyed; the API's packages are there, those of the lab and of developers are not."""
    python = target_image.inside("/opt/venv/bin/python")
    script = "import importlib.metadata as m; print(*sorted(d.name.lower() for d in m.distributions()))"
    done = subprocess.run([python, "-c", script], capture_output=True, text=True, check=True)
    found = set(done.stdout.split())
    assert {"django", "granian", "celery", "psycopg2-binary", "djangorestframework"} <= found
    assert found & {"locust", "numpy", "pytest", "django-debug-toolbar", "pip", "uvicorn", "gunicorn"} == set()
    assert sorted(path.name for path in target_image.work.iterdir()) == ["targets"]
    [line] = target_image.inside("/etc/passwd").read_text().splitlines()
    assert line.split(":")[0::2][:2] == ["windtunnel", "10001"]
    assert target_image.inside("/var/lib/windtunnel").stat().st_mode & 0o777 == 0o700
    assert list(target_image.work.rglob("*.pyc")) != []


def _check_order(stack: Stack, groups: tuple[tuple[str, ...], ...]) -> None:
    """Every service is in it but the two whose programs stand in for them, and none before what it waits for."""
    stand_ins = {"rabbitmq", "mailpit"}
    started = set(stand_ins)
    for group in groups:
        assert all(set(stack.services[name].needs) <= started for name in group), group
        started |= set(group)
    assert started == set(stack.services)


def _lab_mode(stack: Stack) -> None:
    """Web-lab has lab mode for whoever has the token that it drew, by either database; web has none."""
    token = stack.kept("web-lab", "/tmp/lab-token").read_text().strip()  # noqa: S108 - a path of the container
    assert len(token) == 43
    assert stack.kept("web-lab", "/tmp/lab-token").stat().st_mode & 0o777 == 0o600  # noqa: S108 - as above
    asked = {"Lab-Token": token, "Lab-Variant": "indexes=off; select_related=off"}
    status, identity = ask(stack.url("web-lab"), "GET", "/identity", **asked)
    assert (status, set(identity["databases"])) == (200, {"default", "bare"})
    assert "indexes=off" in identity["variant"]
    assert ask(stack.url("web-lab"), "GET", "/api/products/?size=1", **asked)[0] == 200
    assert ask(stack.url("web-lab"), "GET", "/identity")[0] == 404
    assert ask(stack.url("web"), "GET", "/identity", **asked)[0] == 404


def _role(stack: Stack) -> None:
    """The API's role is no superuser, and has what a lab wants that is given this server: databases and counts."""
    url = stack.environment("web")["DATABASE_URL"]
    assert count(stack, "SELECT count(*) FROM pg_roles WHERE rolname = current_user AND rolsuper") == 0
    given = given_postgres(url)
    assert (given.embedded, given.statement_counter) == (False, True)


def _load(stack: Stack) -> None:
    """Locust's page starts a load that its worker puts on web, and every answer is right."""
    master = stack.url("locust-master", "8089")
    form = urlencode({"user_count": 2, "spawn_rate": 2})
    with closing(HTTPConnection(urlsplit(master).netloc, timeout=30)) as connection:
        connection.request("POST", "/swarm", form, {"Content-Type": "application/x-www-form-urlencoded"})
        assert json.loads(connection.getresponse().read())["success"] is True

    def total() -> dict[str, Any]:
        return next(each for each in ask(master, "GET", "/stats/requests")[1]["stats"] if each["name"] == "Aggregated")

    wait_until(lambda: total()["num_requests"] > 20, what="twenty requests", seconds=60)
    assert total()["num_failures"] == 0
    assert len(ask(master, "GET", "/stats/requests")[1]["workers"]) == 1
    assert ask(master, "POST", "/stop")[1]["success"] is True


def _let_come_due(stack: Stack) -> None:
    """Beat believes that its task ran two days ago."""
    path = stack.kept("beat", "/var/lib/windtunnel/beat")
    with shelve.open(str(path)) as store:  # noqa: S301 - beat wrote it just now
        entries = store["entries"]
        entries["forget-tokens"].last_run_at -= timedelta(days=2)
        store["entries"] = entries


def _add_an_expired_token(stack: Stack) -> None:
    url = stack.environment("web")["DATABASE_URL"]
    with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO accounts_blacklistedtoken (key, user_id, reason, blacklisted_at, expires_at)"
            " SELECT gen_random_uuid(), min(id), 'reused', now(), now() - interval '1 day' FROM accounts_user"
        )
