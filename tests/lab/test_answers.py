"""The first thing wrong with an answer is found: status, size, content, GraphQL errors. An exception has its fault."""

import json
import socket
import ssl
import zlib
from dataclasses import replace
from typing import Any

import gevent
import pytest
from geventhttpclient.response import HTTPConnectionClosed, HTTPParseError, HTTPProtocolViolationError
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.answers import fault_of, fault_of_error, told_of
from lab.recorder import Fault, Told
from lab.script import Line

BODY = b'{"data": {"book": {"title": "Kim"}}}'
ANY = Line(
    cell=0, key=0, method="GET", url="http://127.0.0.1/", headers=(), body=None, status=None, length=None, checksum=None
)
GRAPHQL = replace(ANY, graphql=True)
PROVEN = replace(ANY, status=201, length=len(BODY), checksum=zlib.crc32(BODY), graphql=True)

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.just("errors"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.just("errors"), inner, max_size=3),
    max_leaves=8,
)


@given(status=st.integers(0, 999))
def test_any_2xx_will_do_where_no_status_is_asked_for(status: int) -> None:
    """Without a status of its own a line takes 200 to 299 and nothing else, 0 (no answer) included."""
    assert fault_of(ANY, status=status, body=b"") == (Fault.NONE if 200 <= status <= 299 else Fault.STATUS)


@given(asked=st.integers(100, 599), status=st.integers(0, 599))
def test_a_status_that_is_asked_for_is_the_only_right_one(asked: int, status: int) -> None:
    """A line that asks for 404 is answered right by 404, and wrong by 200."""
    line = replace(ANY, status=asked)
    assert fault_of(line, status=status, body=b"x") == (Fault.NONE if status == asked else Fault.STATUS)
    assert fault_of(line, status=asked, body=b"x") == Fault.NONE


def test_any_body_will_do_where_none_is_proven() -> None:
    """Without length, checksum or GraphQL the body is not looked at, even one that tells of errors."""
    for body in (b"", b"\x00\xff", b'{"errors": [{"message": "no"}]}'):
        assert fault_of(ANY, status=200, body=body) == Fault.NONE


@pytest.mark.parametrize(
    ("status", "body", "fault"),
    [
        (500, b'{"errors": []}', Fault.STATUS),
        (201, b'{"errors": []}', Fault.SIZE),
        (201, b'{"errors": []}'.ljust(len(BODY)), Fault.CONTENT),
        (201, BODY.replace(b"Kim", b"Kin"), Fault.CONTENT),
        (201, BODY + b" ", Fault.SIZE),
        (201, b"", Fault.SIZE),
        (200, BODY, Fault.STATUS),
        (201, BODY, Fault.NONE),
    ],
)
def test_the_first_fault_is_the_one(status: int, body: bytes, fault: Fault) -> None:
    """Of an answer that is wrong in several ways the first is told: status, then size, then content."""
    assert fault_of(PROVEN, status=status, body=body) == fault


def test_errors_of_graphql_come_last() -> None:
    """A body that is the proven one and tells of errors all the same is one with GraphQL errors."""
    body = b'{"errors": [{"message": "no"}], "data": null}'
    line = replace(PROVEN, length=len(body), checksum=zlib.crc32(body))
    assert fault_of(line, status=201, body=body) == Fault.GRAPHQL_ERRORS
    assert fault_of(replace(line, graphql=False), status=201, body=body) == Fault.NONE


def test_size_and_content_are_asked_for_apart() -> None:
    """A line with a length alone takes any content of it; one with a checksum alone finds a wrong size by it."""
    assert fault_of(replace(ANY, length=3), status=200, body=b"abc") == Fault.NONE
    assert fault_of(replace(ANY, length=3), status=200, body=b"ab") == Fault.SIZE
    assert fault_of(replace(ANY, length=0), status=200, body=b"a") == Fault.SIZE
    assert fault_of(replace(ANY, checksum=zlib.crc32(b"abc")), status=200, body=b"abc") == Fault.NONE
    assert fault_of(replace(ANY, checksum=zlib.crc32(b"abc")), status=200, body=b"ab") == Fault.CONTENT
    assert fault_of(replace(ANY, checksum=0), status=200, body=b"a") == Fault.CONTENT


@settings(max_examples=50)
@given(answer=st.dictionaries(st.sampled_from(["data", "errors", "extensions"]), values), spaced=st.booleans())
def test_errors_are_a_key_at_the_top_and_nothing_else(answer: dict[str, Any], *, spaced: bool) -> None:
    """Whatever an object holds, as key, text or value deeper in, it is wrong exactly when `errors` is its own key."""
    body = json.dumps(answer, indent=2 if spaced else None).encode()
    assert (fault_of(GRAPHQL, status=200, body=body) == Fault.GRAPHQL_ERRORS) == ("errors" in answer)


@pytest.mark.parametrize(
    "body",
    [
        b'{"data": {"title": "errors"}}',
        b'{"data": {"title": "\\"errors\\": []"}}',
        b'{"data": {"errors": [{"message": "a field of the schema"}]}}',
        b'{"extensions": {"errors": 0}, "data": {}}',
        b'{"data": {"names": ["errors", "data"]}}',
        b'\r\n {"data": {}}\n',
    ],
)
def test_the_mere_text_of_errors_is_right(body: bytes) -> None:
    """An answer that has the text "errors" in a string, a list or a nested key has none."""
    assert fault_of(GRAPHQL, status=200, body=body) == Fault.NONE


@pytest.mark.parametrize(
    "body",
    [
        b'{"errors": [{"message": "no"}], "data": null}',
        b'{"data": {"a": 1}, "errors" : [{"message": "partly"}]}',
        b'{"errors": []}',
    ],
)
def test_an_answer_with_errors_is_wrong(body: bytes) -> None:
    """Errors stand before or after the data; an empty list is wrong too: without errors there is no key."""
    assert fault_of(GRAPHQL, status=200, body=body) == Fault.GRAPHQL_ERRORS


@pytest.mark.parametrize(
    "body",
    [
        b"", b" \n", b"null", b"[]", b'["errors"]', b'[{"errors": 0}]', b'"errors"',
        b"<html>errors</html>", b'<p class="errors">', b"OK",
        b'{"errors": [', b'{"data": {}} "errors"', b'{"errors"}', b'{"data": "\xff", "x": "errors"}',
    ],
)  # fmt: skip
def test_what_is_no_json_object_is_wrong(body: bytes) -> None:
    """Where GraphQL was asked, a page, a list, a broken object that tells of errors, or nothing, is an error."""
    assert fault_of(GRAPHQL, status=200, body=body) == Fault.GRAPHQL_ERRORS


def test_json_that_is_too_deep_is_wrong_and_ends_nothing() -> None:
    """An answer that is nested deeper than Python reads is a wrong one, not the end of the load."""
    body = b'{"errors": ' + b"[" * 200_000
    assert fault_of(GRAPHQL, status=200, body=body) == Fault.GRAPHQL_ERRORS


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (ConnectionRefusedError(), Fault.REFUSED),
        (socket.gaierror("no such host"), Fault.REFUSED),
        (OSError(101, "Network is unreachable"), Fault.REFUSED),
        (ssl.SSLError("no certificate"), Fault.REFUSED),
        (ConnectionResetError(), Fault.RESET),
        (BrokenPipeError(), Fault.RESET),
        (HTTPConnectionClosed("connection closed."), Fault.RESET),
        (TimeoutError(), Fault.TIME_OUT),
        (OSError(110, "Connection timed out"), Fault.TIME_OUT),
        (gevent.Timeout(1), Fault.TIME_OUT),
        (HTTPParseError("Expected HTTP/"), Fault.PROTOCOL),
        (HTTPProtocolViolationError("A new response began"), Fault.PROTOCOL),
        (zlib.error("incorrect header check"), Fault.PROTOCOL),
    ],
    ids=lambda value: value.name if isinstance(value, Fault) else type(value).__name__,
)
def test_an_exception_has_its_fault(error: BaseException, fault: Fault) -> None:
    """Before a status: refused, reset, timed out or no HTTP. After it, a connection that ended has cut the body off."""
    assert fault_of_error(error, in_body=False) == fault
    cut_off = fault in {Fault.REFUSED, Fault.RESET}
    assert fault_of_error(error, in_body=True) == (Fault.TRUNCATED if cut_off else fault)


@given(
    error=st.sampled_from([OSError(), ValueError(), KeyError(), HTTPParseError(), TimeoutError(), gevent.Timeout(1)]),
    in_body=st.booleans(),
)
def test_no_exception_is_a_right_answer(error: BaseException, *, in_body: bool) -> None:
    """Whatever was raised, something is wrong, and it is never taken for an arrival that was not sent."""
    assert fault_of_error(error, in_body=in_body) not in {Fault.NONE, Fault.UNSENT}


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (None, Told.NOTHING),
        ("", Told.NOTHING),
        ("view; hit", Told.HIT),
        ("query; fwd=miss, view; fwd=miss", Told.MISS),
        ("query; hit, view; fwd=miss", Told.MISS),
        ("query; fwd=miss, view; hit", Told.HIT),
        ("query; fwd=partial", Told.PART),
        ("view; fwd=miss; collapsed", Told.WAITED),
        ("view; fwd=miss; collapsed=?0", Told.MISS),
        ("view; fwd=bypass; detail=away", Told.AWAY),
        ("edge;hit;ttl=30", Told.HIT),
        ("edge; fwd=uri-miss; stored", Told.NOTHING),
        (["origin; fwd=miss", "edge; hit"], Told.HIT),
    ],
)
def test_the_cache_nearest_to_the_client_says_what_it_had(status: str | list[str] | None, told: Told) -> None:
    """The last member counts, with or without spaces and parameters; what nobody here means is nothing told."""
    assert told_of(status) == told
