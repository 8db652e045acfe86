"""What the toolbar of the seat tells of a request, of either face, and that a knob's click changes it."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any

import pytest

from tests.seat.seats import Seated

FORM = "application/x-www-form-urlencoded"
QUERY = "query { productList(size: 5) { items { name brand { name } tags { name } } } }"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A status, headers by their names in small letters, and a body."""

    status: int
    headers: dict[str, str]
    body: str


Ask = Callable[..., Answered]


@pytest.fixture
def ask(seat: Seated) -> Ask:
    """Asks the seat as one browser does, which keeps cookies."""
    cookies: dict[str, str] = {}

    def send(method: str, path: str, *, body: str = "", kind: str = "application/json", **headers: str) -> Answered:
        connection = HTTPConnection(seat.url.removeprefix("http://"), timeout=30)
        given = {"Content-Type": kind, **{name.replace("_", "-"): value for name, value in headers.items()}}
        if cookies:
            given["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
        try:
            connection.request(method, path, body=body.encode(), headers=given)
            response = connection.getresponse()
            for name, value in response.getheaders():
                if name.lower() == "set-cookie":
                    name, value = value.partition(";")[0].split("=", 1)  # noqa: PLW2901 - the cookie's own
                    cookies[name] = value
            told = {name.lower(): value for name, value in response.getheaders()}
            return Answered(status=response.status, headers=told, body=response.read().decode())
        finally:
            connection.close()

    return send


@pytest.fixture
def panel(ask: Ask) -> Callable[[Answered, str], str]:
    """What a panel shows of a request, as the history panel asks for it."""

    def shown(answered: Answered, name: str) -> str:
        path = f"/__debug__/render_panel/?request_id={answered.headers['djdt-request-id']}&panel_id={name}"
        content: str = json.loads(ask("GET", path).body)["content"]
        return content

    return shown


def statements(content: str) -> int:
    """How many statements our panel counted."""
    return int(re.findall(r'id="seat-statements">(\d+)', content)[0])


def graphql(ask: Ask) -> Answered:
    """A query of a page of products."""
    return ask("POST", "/graphql", body=json.dumps({"query": QUERY}))


def rest(ask: Ask) -> Answered:
    """A page of products, as a browser asks for it."""
    return ask("GET", "/api/products/?size=5", Accept="text/html,*/*;q=0.8")


FACES = pytest.mark.parametrize("face", [rest, graphql], ids=["rest", "graphql"])


@FACES
def test_the_toolbars_panels_tell_of_both_faces(ask: Ask, panel: Any, face: Callable[[Ask], Answered]):
    """SQL, cache and history: that of a page, and that of an answer without one."""
    answered = face(ask)
    assert answered.status == 200
    sql = panel(answered, "SQLPanel")
    assert "catalog_product" in sql
    assert [statements(panel(answered, "KnobsPanel"))] == [int(each) for each in re.findall(r"(\d+) quer", sql)]
    history = ask("GET", f"/__debug__/history_refresh/?request_id={answered.headers['djdt-request-id']}").body
    assert ("/graphql" if face is graphql else "/api/products/") in history


@FACES
def test_a_click_changes_the_next_requests_evidence(ask: Ask, panel: Any, face: Callable[[Ask], Answered]):
    """Collections are loaded one by one from then on, until the click that takes it back."""
    before = statements(panel(face(ask), "KnobsPanel"))
    clicked = ask("POST", "/seat/knobs", body="switch=prefetch_related%3Doff", kind=FORM)
    assert (clicked.status, clicked.headers["location"]) == (302, "/")
    worse = panel(face(ask), "KnobsPanel")
    assert statements(worse) >= before + 3
    assert 'value="prefetch_related=off" aria-pressed="true"' in worse
    ask("POST", "/seat/knobs", body="reset=all", kind=FORM)
    assert statements(panel(face(ask), "KnobsPanel")) == before


def test_the_cache_is_told_level_by_level(ask: Ask, panel: Any):
    """A hit of a whole answer asks no database; the page is the one of the answer that was kept."""
    ask("POST", "/seat/knobs", body="switch=cache%3Dview", kind=FORM)
    first, second = rest(ask), rest(ask)
    assert (first.status, second.status) == (200, 200)
    assert "prettyprint" in second.body
    told = panel(second, "KnobsPanel")
    assert statements(told) == 0
    assert "view: hit" in told
    assert "get_many" in panel(second, "CachePanel")


@pytest.mark.parametrize("serializer", ["drf", "values", "database"])
def test_every_variant_is_browsable(ask: Ask, serializer: str):
    """The page is around the answer, whoever wrote it, and clients still get JSON."""
    ask("POST", "/seat/knobs", body=f"switch=serializer%3D{serializer}", kind=FORM)
    page = rest(ask)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "prettyprint" in page.body
    assert "djDebug" in page.body
    assert ask("GET", "/api/products/?size=5").headers["content-type"] == "application/json"


def test_a_refusal_is_a_page_too(ask: Ask):
    """With its status, and what a client would read."""
    page = ask("GET", "/api/products/0/", Accept="text/html")
    assert page.status == 404
    assert "not_found" in page.body


@pytest.mark.parametrize("body", ["switch=cache", "switch=nothing%3Don", "switch=fanout%3Dasync", ""])
def test_what_cannot_be_served_is_refused(ask: Ask, body: str):
    """In words, and the knobs stay."""
    refused = ask("POST", "/seat/knobs", body=body, kind=FORM)
    assert refused.status == 400
    assert "set-cookie" not in refused.headers


def test_other_sites_switch_nothing(ask: Ask):
    """A form of another site is refused, and nobody is sent to another site."""
    foreign = ask("POST", "/seat/knobs", body="switch=indexes%3Doff", kind=FORM, Origin="http://elsewhere.example")
    assert foreign.status == 403
    sent = ask("POST", "/seat/knobs", body="switch=indexes%3Doff", kind=FORM, Referer="http://elsewhere.example/")
    assert sent.headers["location"] == "/"


def test_a_cookie_that_cannot_be_read_is_ignored(ask: Ask, panel: Any):
    """As one of an older release may be."""
    answered = ask("GET", "/api/products/1/", Cookie="seat_knobs=nothing=on&&&%ff")
    assert answered.status == 200
    assert 'value="prefetch_related=on" aria-pressed="true"' in panel(answered, "KnobsPanel")
