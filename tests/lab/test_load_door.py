"""`python -m lab load URL`: what it refuses before it sends anything, and how a load ends that nobody can rely on."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.tree import Door, Tree
from tests.truth.running import truth_server


@pytest.fixture(scope="module")
def door(tree: Tree, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """`python -m lab` in a copy of the checkout."""
    with tree.doors(tmp_path_factory.mktemp("door")) as opened:
        yield opened


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Somebody listens there, and is never asked."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"


def refusal(door: Door, *words: str) -> str:
    """The one line with which the door refuses a load."""
    done = door("load", *words)
    assert done.returncode == 2, done.stdout + done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    return done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["ftp://127.0.0.1/"], "'ftp://127.0.0.1/' is no http or https URL (as in http://"),
        (["http://"], "'http://' is no http or https URL"),
        (["http://127.0.0.1:99999/"], "'http://127.0.0.1:99999/' is no http or https URL"),
        (["http://127.0.0.1:1/"], "127.0.0.1:1 cannot be reached: Connection refused (start the service"),
        (["{url}", "--duration", "soon"], "--duration 'soon' is no time that it takes (give 1s to 24h"),
        (["{url}", "--duration", ""], "--duration '' is no time that it takes"),
        (["{url}", "--rate", "0"], "argument --rate: invalid rate from 0.01 to 1000000 value: '0'"),
        (["{url}", "--timeout", "0"], "argument --timeout: invalid number of seconds from 0.01 to 3600 value: '0'"),
        (["{url}", "--closed", "901"], "argument --closed: invalid number from 1 to 900 value: '901'"),
        (["{url}", "--method", "FOO BAR"], "'FOO BAR' is no method"),
        (["{url}", "--header", "X Y: v"], "'X Y: v' is no header (give NAME:VALUE"),
        (["{url}", "--header", "no colon"], "'no colon' is no header"),
        (["{url}", "--body-file", "/nowhere/at/all"], "/nowhere/at/all: No such file or directory"),
        (["{url}", "--json", "{folder}"], "{folder} cannot be written (name a file"),
        (["{url}", "--json", "/dev/null"], "/dev/null cannot be written (name a file"),
        (["{url}", "--html", "/nowhere/at/all"], "there is no folder /nowhere/at (make it first: mkdir -p"),
        (["{url}", "--master-bind", "here"], "'here' is no address (give host:port"),
        (["{url}", "--load-workers", "2", "--expect-workers", "2"], "--load-workers and --expect-workers are two ways"),
    ],
)
def test_what_cannot_be_asked_is_refused_at_once(
    door: Door, url: str, tmp_path: Path, words: list[str], said: str
) -> None:
    """Exit 2, one line that says what is wrong and what to type; nothing is sent."""
    own = [word.format(url=url, folder=tmp_path) for word in words]
    assert refusal(door, *own).startswith(f"error: {said.format(folder=tmp_path)}")


@pytest.mark.slow
def test_wrong_answers_are_told_by_their_status(door: Door, tmp_path: Path) -> None:
    """A service that answers nothing right is exit 2; which statuses came stands on the console and in the JSON."""
    file = tmp_path / "load.json"
    with truth_server("fixed", "--status", 503) as truth:
        done = door("load", truth.url, "--rate", "50", "--duration", "1", "--json", str(file))
    assert done.returncode == 2
    assert "nothing was answered right: status 503" in done.stderr
    found = json.loads(file.read_text(encoding="utf-8"))
    assert [name for name, _ in found["faults"]] == ["status_503"]
    assert found["failed"] == found["requests"] > 0
    assert f"errors: {found['failed']} status 503" in done.stdout


@pytest.mark.slow
def test_an_answer_that_hangs_speaks_for_itself_alone(door: Door, tmp_path: Path) -> None:
    """One in a hundred that is given up after two seconds halves no rate: the others came in time."""
    file = tmp_path / "load.json"
    with truth_server("stall", "--every", "100") as truth:
        words = ("--rate", "100", "--duration", "2", "--timeout", "3", "--json", str(file))
        door("load", truth.url, *words)
    found = json.loads(file.read_text(encoding="utf-8"))
    assert [name for name, _ in found["faults"]] == ["time_out"]
    assert found["achieved"] == pytest.approx(found["right"] / 2, rel=0.05)


@pytest.mark.slow
def test_secrets_of_the_command_are_kept_from_the_result(door: Door, tmp_path: Path) -> None:
    """A URL's password and a header's value are sent, and stand in no file of the result."""
    file = tmp_path / "load.json"
    with truth_server("fixed") as truth:
        url = truth.url.replace("://", "://bob:hush1@")
        secret = ("--header=X-Token: hush2", "--header", "X-Other: hush3")
        door("load", url, *secret, "--rate", "50", "--duration", "1", "--json", str(file))
    text = file.read_text(encoding="utf-8")
    assert "hush" not in text
    assert "bob" not in text
    assert json.loads(text)["command"].startswith("python -m lab load http://127.0.0.1:")


@pytest.mark.nightly
def test_a_load_above_what_one_core_sends_is_void(door: Door, tmp_path: Path) -> None:
    """Nothing is said of the service then: exit 2, the reason, and what to ask instead."""
    with truth_server("fixed") as truth:
        done = door("load", truth.url, "--rate", "100000", "--duration", "1", "--json", str(tmp_path / "load.json"))
    assert done.returncode == 2
    assert "the load is void: " in done.stderr
    assert json.loads((tmp_path / "load.json").read_text(encoding="utf-8"))["state"] == "void"
