"""An experiment on a service of one's own: what its file may say, what is refused, and that nothing slips past."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from lab.derive import planned_cells
from lab.errors import LabError
from lab.experiment import Experiment
from lab.own import boot, environment_knob, experiment, header_knob, request, running
from lab.own_file import load_file
from lab.own_proof import OwnProver
from lab.own_target import HIDDEN
from lab.results import ProofRecord
from lab.server import Running
from tests.lab.tree import Door, Tree

SERVE = "{python} -m http.server {port}"


@pytest.fixture(scope="module")
def door(tree: Tree, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """`python -m lab` in a copy of the checkout."""
    with tree.doors(tmp_path_factory.mktemp("door")) as opened:
        yield opened


@contextmanager
def serving(answer) -> Iterator[str]:
    """A service of this process: `answer` makes status and body of a request; the value is its address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            status, body = answer(self)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Set-Cookie", "seen=yes")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_words: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def asked(url: str, *, levels=("one", "two"), **words) -> Experiment:
    """An experiment on one running service, whose header `X-Way` is its knob."""
    return experiment(
        name="own", question="?", servers=[running(url)], knobs=[header_knob("X-Way", levels=levels)],
        operations=[request("things", "/things", **words)],
    )  # fmt: skip


def proven(asked: Experiment, url: str) -> ProofRecord:
    """The proof of an experiment on the one service at `url`."""
    assert asked.own
    found = Running(name="target", url=url, process="", pid=0)
    cells = planned_cells(asked, operations=asked.operation_names)
    return OwnProver(target=asked.own, running={"target": found}).prove(cells, advance=lambda **_: None)


def test_one_knob_is_its_first_level_against_each_other() -> None:
    """Three levels are three arms and two comparisons; a level None leaves the header out."""
    found = asked("http://127.0.0.1:1", levels=[None, "joined", 3])
    assert [arm.variant for arm in found.arms] == [(("X-Way", "not set"),), (("X-Way", "joined"),), (("X-Way", "3"),)]
    assert found.parts == (("joined", 1, 0), ("3", 2, 0))
    assert found.own
    assert [found.own.turned_headers(arm.variant) for arm in found.arms] == [
        (), (("X-Way", "joined"),), (("X-Way", "3"),),
    ]  # fmt: skip


def test_several_knobs_are_a_factorial_whose_processes_differ_by_environment_alone() -> None:
    """A knob of the environment has a process for each level, one of a header none of its own."""
    found = experiment(
        name="own", question="?", servers=[boot(SERVE, environment={"KIND": "base", "CACHE": "old"})],
        knobs=[environment_knob("CACHE", levels=[None, "full"]), header_knob("X-Way", levels=["a", "b"])],
        operations=[request("home", "/")],
    )  # fmt: skip
    assert found.own
    assert len(found.arms) == 4
    processes = found.own.processes((arm.server, arm.variant) for arm in found.arms)
    assert {each.name: each.environment for each in processes} == {
        "target-0": (("KIND", "base"),), "target-1": (("KIND", "base"), ("CACHE", "full")),
    }  # fmt: skip


def test_several_servers_are_the_first_against_each_other() -> None:
    """Without a knob an arm is a server, asked at its own address."""
    found = experiment(
        name="own", question="?", operations=[request("home", "/")],
        servers=[running("http://127.0.0.1:8000", name="before"), boot(SERVE, name="after")],
    )  # fmt: skip
    assert [(arm.server, arm.face, arm.variant) for arm in found.arms] == [
        ("before", "http", ()),
        ("after", "http", ()),
    ]
    assert found.own
    assert found.own.kind == "running"


def test_values_make_paths_and_a_body_is_sent_as_json() -> None:
    """Each value is encoded into the path; a body of plain values says what it is."""
    found = request("book", "/books/{value}/", values=[1, "a b", 1], method="post", body={"n": 1}, status=201)
    assert found.paths == ("/books/1/", "/books/a%20b/")
    assert (found.method, found.body, found.status) == ("POST", b'{"n": 1}', 201)
    assert found.headers == (("Content-Type", "application/json"),)


def test_a_run_folder_keeps_no_secret() -> None:
    """Values of headers and of environments stay out of the manifest; the knobs' levels are what was asked."""
    found = experiment(
        name="own", question="?", servers=[boot(SERVE, environment={"PASSWORD": "sesame"})],
        knobs=[environment_knob("KIND", levels=["a", "b"])],
        operations=[request("home", "/", headers={"Authorization": "Bearer sesame"})],
    )  # fmt: skip
    assert found.own
    kept = found.own.without_secrets()
    assert kept.servers[0].environment == (("PASSWORD", HIDDEN),)
    assert kept.operations[0].headers == (("Authorization", HIDDEN),)
    assert kept.knobs == found.own.knobs


def test_answers_that_differ_stop_the_run_with_the_place_where_they_do() -> None:
    """Keys of JSON may come in another order, values may not differ."""
    bodies = {"one": b'{"a": 1, "b": [1, 2]}', "two": b'{"b": [1, 2], "a": 1}', "odd": b'{"a": 1, "b": [1, "2"]}'}
    with serving(lambda asked: (200, bodies[asked.headers["X-Way"]])) as url:
        record = proven(asked(url), url)
        assert [proof.answers for proof in record.proofs] == [6]
        assert [proof.answers[0].length for proof in record.cells] == [21, 21]
        with pytest.raises(
            LabError, match=r"things at X-Way=odd: GET /things differs from X-Way=one: answer.b\[1\]: 2"
        ):
            proven(asked(url, levels=["one", "odd"]), url)


def test_answers_that_may_differ_are_not_compared_and_that_is_said() -> None:
    """The operation is timed all the same; of bytes that change from answer to answer the status alone is held."""
    count = iter(range(1000))
    with serving(lambda _: (200, b"%d" % next(count))) as url:
        record = proven(asked(url, answers="may differ"), url)
        assert record.proofs == ()
        assert record.notes[0] == "things: its answers were not compared, as its request says."
        assert [answer.vary for cell in record.cells for answer in cell.answers] == [True, True]
        with pytest.raises(LabError, match="differs from an earlier answer of its own"):
            proven(asked(url), url)


def test_another_status_stops_the_run() -> None:
    """A redirect is not followed: what it leads to is another request."""
    with (
        serving(lambda _: (301, b"elsewhere")) as url,
        pytest.raises(LabError, match="GET /things was answered with 301, not 200: elsewhere"),
    ):
        proven(asked(url), url)


MISTAKES = [
    ("import nowhere", "line 1: ModuleNotFoundError: No module named 'nowhere'"),
    ("x = (", "line 1: '(' was never closed (mend it"),
    ("x = 1", " has no EXPERIMENT ("),
    ("\nboot('serve')", "line 2: the command 'serve' has no {port} (say where"),
    ("\n\nboot('serve {port}', reddy='/')", "line 3: TypeError: boot() got an unexpected keyword argument 'reddy'"),
    ("request('Home page', '/')", "line 1: 'Home page' cannot be the name of the operation ("),
    ("request('home', 'books/')", "line 1: path 'books/' is no path ("),
    ("request('home', '/{value}')", "line 1: home: {value} in the path and values=[...] belong together ("),
    ("request('home', '/', status=302)", "line 1: status=302 cannot be measured ("),
    ("request('home', '/', answers='any')", "line 1: answers='any' is neither ("),
    ("request('home', '/', headers={'A': 'b\\nc'})", "line 1: A: 'b\\nc' is no header ("),
    ("running('127.0.0.1:8000')", "line 1: '127.0.0.1:8000' is no address of a server ("),
    ("header_knob('X Y', levels=['a', 'b'])", "line 1: 'X Y' is no name of a header ("),
    ("header_knob('X', levels=['a'])", "line 1: X's levels are ['a'] ("),
    ("environment_knob('A', levels=['a', 'a'])", "line 1: two levels of A are called 'a' ("),
    ("header_knob('X', levels=['a', 'ä'])", "line 1: 'ä' is no value of a header ("),
    ("raise SystemExit(3)", "line 1: SystemExit: 3 ("),
]  # fmt: skip


@pytest.mark.parametrize(("text", "said"), MISTAKES, ids=[said.partition(" (")[0] for _, said in MISTAKES])
def test_a_mistake_in_a_file_is_told_with_its_line(text: str, said: str, tmp_path: Path) -> None:
    """One error with the file, the line, and what to do."""
    file = tmp_path / "mine.py"
    words = "boot, environment_knob, experiment, header_knob, request, running"
    # On the first line, so that the lines of the text are those that an error names.
    file.write_text(f"from lab.own import {words}; {text}" if not text.startswith(("\n", "x = (")) else text)
    if text.startswith("\n"):
        file.write_text(f"from lab.own import {words}{text}")
    with pytest.raises(LabError) as caught:
        load_file(str(file))
    assert said in f"{file}: {caught.value.what} ({caught.value.hint})"
    assert caught.value.what.startswith(str(file))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"knobs": []}, "nothing is compared"),
        ({"servers": []}, "there are no servers"),
        ({"operations": ["home"]}, "operations is no list of what it must be"),
        ({"servers": [running("http://127.0.0.1:1")]}, "a server that runs already has its environment"),
        ({"servers": [boot(SERVE, name="a"), boot(SERVE, name="b")]}, "several servers and knobs are two questions"),
        ({"knobs": [environment_knob("A", levels=[1, 2, 3]), header_knob("B", levels=[1, 2])]}, "A has 3 levels"),
        ({"operations": [request("home", "/"), request("home", "/b")]}, "two operations are called 'home'"),
        ({"budget": "2s"}, "budget '2s' is no time that it takes"),
    ],
)  # fmt: skip
def test_what_cannot_be_compared_is_refused(changes: dict[str, object], said: str) -> None:
    """An experiment is refused where it is written down, before anything is booted."""
    words: dict[str, object] = {
        "servers": [boot(SERVE)], "knobs": [environment_knob("A", levels=["1", "2"])],
        "operations": [request("home", "/")],
    }  # fmt: skip
    with pytest.raises(LabError, match=said):
        experiment(name="own", question="?", **{**words, **changes})  # type: ignore[arg-type]


def own_file(folder: Path, command: str) -> str:
    """A file with an experiment on what a command boots."""
    file = folder / "mine.py"
    file.write_text(
        "from lab.own import boot, environment_knob, experiment, request\n"
        "EXPERIMENT = experiment(\n"
        f"    name='own', question='?', servers=[boot({command!r})],\n"
        "    knobs=[environment_knob('WAY', levels=['a', 'b'])], operations=[request('home', '/')], budget='10s',\n"
        ")\n"
    )
    return str(file)


def test_the_last_words_of_a_command_that_dies_are_told(door: Door, tmp_path: Path) -> None:
    """One line: how it ended, what it wrote last, which command it was and where the rest is; exit 2."""
    (tmp_path / "serve.py").write_text("print('reading settings')\nraise RuntimeError('no database')\n")
    done = door(own_file(tmp_path, "{python} serve.py {port}"))
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert line.startswith("error: server-target-")
    assert "ended with code 1; it wrote: " in line
    assert "RuntimeError: no database (in " in line
    assert "its command is: {python} serve.py {port}; all that it wrote is in " in line


def test_a_command_that_does_not_exist_is_told(door: Door, tmp_path: Path) -> None:
    """One line, exit 2."""
    done = door(own_file(tmp_path, "./nothing {port}"))
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert "could not be started: " in line
    assert "./nothing {port}" in line


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere.py"], "there is no file nowhere.py (docs/your-own-api.md shows the form"),
        (["{file}", "--dataset", "small"], "own has no dataset of Windtunnel's (leave --dataset out)"),
        (["{file}", "--load"], "own has no load ("),
        (["{file}", "--faces", "rest"], "there is no face 'rest' (choose from http)"),
        (["{file}", "--operations", "away"], "there is no operation 'away' (choose from home)"),
        (["init"], "the following arguments are required: folder"),
        (["init", "nowhere"], "there is no folder nowhere (name your project's folder, as in ../mysite)"),
    ],
)
def test_words_that_a_target_of_ones_own_has_no_use_for_are_refused(
    door: Door, tmp_path: Path, words: list[str], said: str
) -> None:
    """Exit 2 and one line, before anything is booted."""
    file = own_file(tmp_path, SERVE)
    done = door(*(word.replace("{file}", file) for word in words))
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert done.stderr.startswith(f"error: {said}")


def test_init_writes_a_file_for_services_by_url_and_never_over_another(door: Door, tmp_path: Path) -> None:
    """Where there is no manage.py two addresses stand in it; a second time it is left as it is."""
    folder = tmp_path / "9 Lives"
    folder.mkdir()
    first, second = door("init", str(folder)), door("init", str(folder))
    assert (first.returncode, second.returncode) == (0, 2), first.stderr
    assert len(first.stdout.splitlines()) == 1
    assert "edit the addresses and the requests in it, then type: ./noxw -s lab -- " in first.stdout
    assert "windtunnel_experiment.py is there already (run it: ./noxw -s lab -- " in second.stderr
    found = load_file(str(folder / "windtunnel_experiment.py"))
    assert (found.name, [arm.server for arm in found.arms]) == ("lives", ["before", "after"])
