"""A deployment: migrations before the new release serves, and the old one back when the new one is not well.

No engine is here: `docker` is a program that writes down how it was called, and fails where a test says so.
"""

import shutil
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.shipping.built import ROOT
from tests.shipping.workflows import Ended, run

OLD, NEW = "ghcr.io/a/b@sha256:0", "ghcr.io/a/b@sha256:1"
DOCKER = """
echo "$TARGET_IMAGE: $*" >> "$HOME/seen"
case "$*" in
    "compose ps"*) [[ -z $RUNNING ]] || echo 0123abc ;;
    "inspect"*) echo "$RUNNING" ;;
    "pull"*) [[ $FAILS != pull ]] ;;
    "compose run"*) [[ $FAILS != migrate ]] ;;
    "compose up"*) echo "$TARGET_IMAGE" > "$HOME/serving"; [[ $FAILS != start || $TARGET_IMAGE != *1 ]] ;;
    "compose exec"*)
        cat > /dev/null
        [[ $FAILS != well || $(cat "$HOME/serving") != *1 ]] && [[ $FAILS != both ]] ;;
esac
"""


def deploy(folder: Path, *words: str, running: str = OLD, fails: str = "") -> Ended:
    """`.ci/deploy`, from a copy."""
    (folder / ".ci").mkdir()
    for name in ("deploy", "smoke.py"):
        shutil.copy(ROOT / ".ci" / name, folder / ".ci" / name)
    return run(
        f".ci/deploy {' '.join(words or (NEW,))}", folder=folder, programs={"docker": DOCKER},
        environment={"RUNNING": running, "FAILS": fails},
    )  # fmt: skip


def started(folder: Path) -> list[str]:
    """The images that were started, in their order."""
    lines = (folder / "seen").read_text().splitlines()
    return [line.partition(": ")[0] for line in lines if ": compose up" in line]


def test_a_release_that_is_well_stays(tmp_path: Path):
    """Fetched, migrated by the new image, started, asked; nothing is built on the way."""
    ended = deploy(tmp_path)
    assert ended.code == 0, ended.said
    done = [" ".join(call.split()[1:3]) for call in ended.calls]
    assert done == ["compose ps", "inspect --format", "pull --quiet", "compose run", "compose up", "compose exec"]
    assert f"{NEW}: compose run --rm migrate" in (tmp_path / "seen").read_text()
    assert started(tmp_path) == [NEW]
    assert "--no-build" in next(call for call in ended.calls if "compose up" in call)


@pytest.mark.parametrize("fails", ["start", "well"])
def test_a_release_that_is_not_well_is_taken_back(tmp_path: Path, fails: str):
    """Whether it does not start or does not answer right: the image that served before serves again, and it is red."""
    ended = deploy(tmp_path, fails=fails)
    assert ended.code == 1
    assert started(tmp_path) == [NEW, OLD]
    assert f"{OLD} is back" in ended.said


@pytest.mark.parametrize("fails", ["pull", "migrate"])
def test_what_fails_before_the_start_changes_nothing_that_serves(tmp_path: Path, fails: str):
    """An image that cannot be fetched, a migration that fails: the old release was never stopped."""
    ended = deploy(tmp_path, fails=fails)
    assert ended.code != 0
    assert started(tmp_path) == []


def test_when_neither_is_well_somebody_must_look(tmp_path: Path):
    """It is said, and it is red."""
    ended = deploy(tmp_path, fails="both")
    assert ended.code == 1
    assert "somebody must look" in ended.said


def test_the_first_release_has_none_before_it(tmp_path: Path):
    """There is nothing to go back to, which is said."""
    ended = deploy(tmp_path, running="", fails="well")
    assert (ended.code, started(tmp_path)) == (1, [NEW])
    assert "none before it" in ended.said


def test_a_tag_is_no_release(tmp_path: Path):
    """Without its digest an image may be another one when it is started."""
    ended = deploy(tmp_path, "ghcr.io/a/b:v1")
    assert (ended.code, ended.calls) == (2, ())
    assert "has no digest" in ended.said


def test_a_release_that_nobody_reaches_is_taken_back(tmp_path: Path):
    """Well from inside and wrong from outside is not well."""

    class Wrong(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"items": 1}')

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Wrong) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        ended = deploy(tmp_path, NEW, f"http://127.0.0.1:{server.server_address[1]}")
        server.shutdown()
    assert (ended.code, started(tmp_path)) == (1, [NEW, OLD])
    assert "a page of products is" in ended.said
