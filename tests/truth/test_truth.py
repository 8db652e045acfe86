"""Each truth server does what its mode says, and the theory agrees with examples worked by hand."""

import gzip
import http.client
import random
import socket
import time
import zlib
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from tests.truth.running import Truth, truth_server
from tests.truth.theory import frozen, lindley, percentile

GET = b"GET / HTTP/1.1\r\nHost: truth\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\n"
MS = 1_000_000


def ns(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.int64)


def connect(truth: Truth) -> socket.socket:
    return socket.create_connection(("127.0.0.1", truth.port), timeout=5)


def client(truth: Truth) -> closing[http.client.HTTPConnection]:
    return closing(http.client.HTTPConnection("127.0.0.1", truth.port, timeout=5))


def ask(connection: http.client.HTTPConnection, *, path: str = "/", **headers: str) -> tuple[int, bytes]:
    connection.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    return answer.status, answer.read()


def receive(connection: socket.socket, size: int) -> bytes:
    """That many bytes, or all until the server's end."""
    received = b""
    while len(received) < size and (data := connection.recv(size - len(received))):
        received += data
    return received


def everything(truth: Truth, request: bytes = GET) -> bytes:
    """What one request brings until the server ends its side."""
    with connect(truth) as connection:
        connection.sendall(request)
        return receive(connection, 1 << 20)


def logged(path: Path) -> np.ndarray:
    """Four rows: arrived, service, start, done."""
    return np.loadtxt(path, dtype=np.int64, ndmin=2).T


def ask_in_bursts(truth: Truth, *, size: int, seconds: float) -> None:
    """For so long, `size` requests side by side, and the next ones when all are answered."""
    connections = [connect(truth) for _ in range(size)]
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for each in connections:
            each.sendall(GET)
        assert [receive(each, len(OK)) for each in connections] == [OK] * size
    for each in connections:
        each.close()


# --- theory -----------------------------------------------------------------------------------------------------------


def test_lindley_by_hand():
    """A request waits for the one before it, and a server that was idle begins at once."""
    # 0+5; waits for 5, +5; waits for 10, +1; idle until 20, +2; due at the very end of its predecessor.
    assert lindley(ns(0, 1, 2, 20, 22), ns(5, 5, 1, 2, 3)).tolist() == [5, 10, 11, 22, 25]


def test_lindley_is_the_recursion():
    """The solved form gives what the recursion gives, request by request."""
    generator = np.random.default_rng(1)
    due, service = np.cumsum(generator.integers(0, 20, 500)), generator.integers(0, 20, 500)
    free, done = -1, []
    for at, needs in zip(due.tolist(), service.tolist(), strict=True):
        free = max(at, free) + needs
        done.append(free)
    assert lindley(due, service).tolist() == done


@pytest.mark.parametrize(
    ("due", "service", "done"),
    [
        pytest.param([0, 10], [3, 4], [3, 14], id="before the first freeze"),
        pytest.param([70], [10], [80], id="done as the freeze begins"),
        pytest.param([75], [10], [105], id="paused for the freeze"),
        pytest.param([85, 90], [10, 1], [110, 111], id="due within the freeze"),
        pytest.param([79, 79], [200, 1], [339, 340], id="paused for three freezes"),
        pytest.param([79, 80, 99, 100], [0, 0, 0, 0], [79, 100, 100, 100], id="a server that only freezes"),
        pytest.param([60, 70, 175], [30, 0, 10], [110, 110, 205], id="a queue across freezes"),
        pytest.param([-15, -5], [4, 10], [-11, 5], id="before the origin nothing freezes"),
    ],
)
@pytest.mark.parametrize("origin", [0, 1_000_000_007])
def test_frozen_by_hand(due, service, done, origin):
    """With 20 of every 100 frozen, from 80 on, work pauses and what is due waits."""
    found = frozen(ns(*due) + origin, ns(*service), freeze=20, every=100, origin=origin)
    assert (found - origin).tolist() == done


def test_percentile_is_the_nearest_rank():
    """It is the ceil(share * n)-th smallest value, and rounding in floats does not shift the rank."""
    values = np.arange(100, 0, -1)
    assert [percentile(values, share) for share in (0.001, 0.07, 0.5, 0.501, 0.99, 1.0)] == [1, 7, 50, 51, 99, 100]
    assert percentile(ns(30, 10, 20), 0.5) == 20


# --- the queue --------------------------------------------------------------------------------------------------------


def test_queue_is_lindleys(tmp_path):
    """One server serves in order of arrival: its log starts and ends each service as the recursion says."""
    log = tmp_path / "log"
    with truth_server("queue", "--service", 0.002, "--distribution", "exponential", "--log", log) as truth:
        ask_in_bursts(truth, size=5, seconds=0.3)
    arrived, service, start, done = logged(log)
    expected = lindley(arrived, service)
    assert (np.diff(arrived) >= 0).all()
    assert (start == np.maximum(arrived, np.concatenate((arrived[:1], expected[:-1])))).all()
    assert (done >= expected).all()
    assert np.median(done - expected) < 1 * MS


@pytest.mark.parametrize("service", [0.004, 0.0])
def test_queue_freezes(tmp_path, service):
    """With freezes its log agrees with the theory, for a server that works and for one that only freezes."""
    log = tmp_path / "log"
    freezing = ("--freeze", 0.06, "--every", 0.15)
    with truth_server("queue", "--service", service, *freezing, "--log", log) as truth:
        # Six freezes: a client that is kept from its CPU may come late to some of them.
        ask_in_bursts(truth, size=3, seconds=0.95)
    arrived, needs, _, done = logged(log)
    expected = frozen(arrived, needs, freeze=60 * MS, every=150 * MS, origin=int(arrived[0]))
    assert np.count_nonzero(expected - arrived > 30 * MS) >= 3, "no freeze was met"
    assert (done >= expected).all()
    assert np.median(done - expected) < 1 * MS


def test_queue_answers_when_it_says(tmp_path):
    """A client on the same clock has its answer within 1 ms, at the median, of the log's last time."""
    log, seen = tmp_path / "log", []
    with truth_server("queue", "--service", 0.003, "--log", log) as truth, connect(truth) as connection:
        for _ in range(50):
            connection.sendall(GET)
            receive(connection, len(OK))
            seen.append(time.monotonic_ns())
    late = np.array(seen) - logged(log)[3]
    assert np.abs(np.median(late)) < 1 * MS


@pytest.mark.parametrize(("distribution", "deviation"), [("exponential", 1.0), ("lognormal", (np.e - 1) ** 0.5)])
def test_queue_draws_service_times_by_seed(tmp_path, distribution, deviation):
    """The same seed gives the same times, of the mean that was asked for; another gives others."""
    drawn = []
    for number, seed in enumerate((1, 1, 2)):
        log = tmp_path / str(number)
        words = ("--service", 2e-5, "--distribution", distribution, "--seed", seed, "--log", log)
        with truth_server("queue", *words) as truth, connect(truth) as connection:
            for _ in range(300):
                connection.sendall(GET)
                receive(connection, len(OK))
        drawn.append(logged(log)[1])
    assert drawn[0].tolist() == drawn[1].tolist() != drawn[2].tolist()
    both = np.concatenate(drawn[1:])
    assert both.mean() == pytest.approx(20_000, rel=0.1)
    assert both.std() / both.mean() == pytest.approx(deviation, rel=0.2)


def test_queue_logs_what_it_did_not_answer(tmp_path):
    """A request still in the queue at the end is logged as done at -1."""
    log = tmp_path / "log"
    with truth_server("queue", "--service", 30, "--log", log) as truth, connect(truth) as connection:
        # The second request only asks whether to go on: once told so, the first has been read.
        connection.sendall(GET + b"POST / HTTP/1.1\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n")
        assert receive(connection, len(INTERIM)) == INTERIM
    (arrived,), (service,), (start,), (done,) = logged(log)
    assert (start - arrived, service, done) == (0, 30_000 * MS, -1)


# --- the other modes --------------------------------------------------------------------------------------------------


def test_mixture_has_its_slow_requests_by_seed():
    """Slow ones are those that the seed's generator decides, in order of arrival; none waits for another."""
    generator = random.Random(3)
    slow = [generator.random() < 0.3 for _ in range(20)]
    with truth_server("mixture", "--slow-share", 0.3, "--slow", 0.15, "--fast", 0.001, "--seed", 3) as truth:
        begun = time.monotonic()
        connections = [connect(truth) for _ in slow]
        took = [0.0] * len(slow)
        for each in connections:  # one by one, so that they arrive in this order
            each.sendall(GET)
            each.setblocking(False)
        waiting = dict(enumerate(connections))
        while waiting:
            assert time.monotonic() < begun + 5
            for number, each in list(waiting.items()):
                try:
                    assert each.recv(1000) == OK
                except BlockingIOError:
                    continue
                took[number] = time.monotonic() - begun
                waiting.pop(number).close()
    assert 0 < sum(slow) < 20
    assert [each > 0.15 for each in took] == slow
    assert max(took) < 2 * 0.15


def test_fixed_answers_as_told(tmp_path):
    """Status, type and body are those that were asked for, on one connection and with a body in the request."""
    body = tmp_path / "body"
    body.write_bytes(b'{"a": 1}')
    words = ("--status", 404, "--content-type", "application/json", "--body-file", body)
    with truth_server("fixed", *words) as truth, client(truth) as connection:
        for _ in range(3):
            connection.request("POST", "/a", body=b"x" * 200_000)
            answer = connection.getresponse()
            assert (answer.status, answer.getheader("Content-Type")) == (404, "application/json")
            assert answer.read() == b'{"a": 1}'
    with truth_server("fixed", "--status", 204) as truth, client(truth) as connection:
        assert [ask(connection) for _ in range(2)] == [(204, b"")] * 2
    with truth_server("fixed", "--bytes", 100_000) as truth, client(truth) as connection:
        assert ask(connection) == (200, b"x" * 100_000)


def test_a_request_may_come_in_pieces_and_ask_to_continue():
    """A client that expects 100 is told to go on before it sends its body, and answered after it."""
    with truth_server("queue") as truth, connect(truth) as connection:
        for piece in (b"POST / HT", b"TP/1.1\r\nContent-Length: 4\r\nExpect: 100-continue\r", b"\n\r\n"):
            connection.sendall(piece)
        assert receive(connection, len(INTERIM)) == INTERIM
        for piece in (b"bo", b"dy"):
            connection.sendall(piece)
        assert receive(connection, len(OK)) == OK


def test_a_client_may_ask_for_the_end():
    """After `Connection: close` the server closes."""
    with truth_server("queue") as truth:
        assert everything(truth, b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n") == OK


def test_reset_resets_a_share():
    """The requests that the seed decides end by RST, the others are answered."""
    generator = random.Random(1)
    expected = [generator.random() < 0.5 for _ in range(12)]
    found = []
    with truth_server("reset", "--share", 0.5) as truth:
        for _ in expected:
            with connect(truth) as connection:
                connection.sendall(GET)
                try:
                    assert receive(connection, len(OK)) == OK
                    found.append(False)
                except ConnectionResetError:
                    found.append(True)
    assert found == expected


@pytest.mark.parametrize(
    ("words", "answer"),
    [([], b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/plain\r\n\r\nxx"), (["--early"], b"")],
)
def test_halfclose_keeps_its_read_side_open(words, answer):
    """The server ends its side after the answer, or without one, and still takes what the client sends."""
    with truth_server("halfclose", *words) as truth, connect(truth) as connection:
        connection.sendall(GET)
        assert receive(connection, 1000) == answer
        for _ in range(3):  # a closed socket would answer the first by RST, and the next would fail
            connection.sendall(GET)
            assert connection.recv(1) == b""
        assert connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0


def test_truncate_sends_less_than_it_says():
    """The head announces 100 bytes, 40 come."""
    with truth_server("truncate", "--bytes", 100, "--sent", 40) as truth, client(truth) as connection:
        connection.request("GET", "/")
        answer = connection.getresponse()
        with pytest.raises(http.client.IncompleteRead) as failed:
            answer.read()
    assert (answer.getheader("Content-Length"), len(failed.value.partial)) == ("100", 40)


def test_redirect_leads_to_an_answer():
    """Any path is redirected to /target, which answers."""
    with truth_server("redirect") as truth, client(truth) as connection:
        connection.request("GET", "/")
        answer = connection.getresponse()
        assert (answer.status, answer.getheader("Location"), answer.read()) == (302, "/target", b"")
        assert ask(connection, path="/target") == (200, b"ok")


def test_continue_sends_an_interim_answer_first():
    """Each answer comes after a 100."""
    expected = INTERIM + OK
    with truth_server("continue") as truth, connect(truth) as connection:
        for _ in range(2):
            connection.sendall(GET)
            assert receive(connection, len(expected)) == expected


@pytest.mark.parametrize(
    ("size", "chunks"), [(0, []), (1, [1]), (3, [1, 1, 1]), (5, [2, 2, 1]), (1000, [250, 250, 250, 250])]
)
def test_chunked_comes_in_chunks(size, chunks):
    """The body comes whole, in up to four chunks, and the connection stays."""
    body = b"".join(b"%x\r\n%b\r\n" % (chunk, b"x" * chunk) for chunk in [*chunks, 0])
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: text/plain\r\n\r\n"
    with truth_server("chunked", "--bytes", size) as truth:
        assert everything(truth, b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n") == head + body
        with client(truth) as connection:
            assert [ask(connection) for _ in range(2)] == [(200, b"x" * size)] * 2


@pytest.mark.parametrize(("size", "sent"), [(1, 0), (1000, 875)])
def test_chunked_can_be_cut(size, sent):
    """Cut, the last chunk is half there."""
    with truth_server("chunked", "--bytes", size, "--cut") as truth:
        body = everything(truth).partition(b"\r\n\r\n")[2]
    assert body.count(b"x") == sent
    assert body.endswith(b"x" * (sent % 250) if sent else b"1\r\n")


def test_gzip_when_it_is_accepted():
    """The body is zipped for those who accept that, plain for the others."""
    with truth_server("gzip", "--bytes", 500) as truth, client(truth) as connection:
        for accepted in ("gzip", "deflate, GZIP;q=0.5, *;q=0"):
            status, body = ask(connection, Accept_Encoding=accepted)
            assert (status, gzip.decompress(body)) == (200, b"x" * 500)
        for accepted in ("identity", "gzip;q=0", "gzip; q=0.0, br"):
            assert ask(connection, Accept_Encoding=accepted) == (200, b"x" * 500)


def test_gzip_can_be_damaged():
    """Damaged, its stream does not unpack."""
    with truth_server("gzip", "--bytes", 500, "--damaged") as truth, client(truth) as connection:
        body = ask(connection, Accept_Encoding="gzip")[1]
    with pytest.raises(zlib.error):
        gzip.decompress(body)


def test_graphql_errs_for_a_share():
    """Status 200 either way; the body has errors for those that the seed decides."""
    generator = random.Random(2)
    bodies = [b'{"data": {"ok": true}}', b'{"errors": [{"message": "no"}], "data": null}']
    expected = [(200, bodies[generator.random() < 0.4]) for _ in range(12)]
    with truth_server("graphql", "--errors-share", 0.4, "--seed", 2) as truth, client(truth) as connection:
        assert [ask(connection) for _ in expected] == expected
    assert len(set(expected)) == 2


def test_flaky_size_lacks_a_byte_for_a_share():
    """A share of the answers is one byte short, and says so in its head."""
    generator = random.Random(1)
    expected = [(200, b"x" * (50 - (generator.random() < 0.25))) for _ in range(12)]
    with truth_server("flaky-size", "--share", 0.25, "--bytes", 50) as truth, client(truth) as connection:
        assert [ask(connection) for _ in expected] == expected
    assert len(set(expected)) == 2


def test_the_port_can_be_chosen():
    """A server that was ended leaves its port to the next one."""
    with truth_server("redirect") as first, client(first) as connection:
        assert ask(connection) == (302, b"")
    with truth_server("queue", "--port", first.port) as second, client(second) as connection:
        assert second.url == f"http://127.0.0.1:{first.port}"
        assert ask(connection) == (200, b"ok")
