"""`serve`, `shell` and `psql` by their door: what they say, what they keep, and that they leave nothing behind."""

import http.client
import json
import re
import shutil
import socket
import stat
import subprocess
import sys
from pathlib import Path

import psutil

from lab.server import TREE
from tests.lab.waiting import family, wait_gone, wait_until
from tests.seat.seats import Seated, door, environment, erased, free_port, kept, seated, servers

COUNT = "SELECT count(*) FROM catalog_product"


def answered(url: str, path: str, *, accept: str = "application/json") -> tuple[int, str]:
    """Status and body."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=30)
    try:
        connection.request("GET", path, headers={"Accept": accept})
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def test_it_says_where_everything_is(seat: Seated):
    """Every address that it prints answers; the log-in stands beside them."""
    found = re.findall(r"http://127\.0\.0\.1:\d+(/\S*)", seat.said)
    assert found == ["/", "/graphiql", "/swagger", "/admin/"]
    for path in found:
        assert answered(seat.url, path, accept="text/html")[0] == (302 if path == "/admin/" else 200)
    assert f"admin: admin@windtunnel.example, password {seat.password}" in seat.said
    assert "DEBUG is on" in seat.said


def test_it_listens_on_the_loopback_alone(seat: Seated):
    """DEBUG shows settings and source: nobody on another machine may ask."""
    listening = {
        connection.laddr.ip
        for process in psutil.Process(seat.process.pid).children(recursive=True)
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert listening == {"127.0.0.1"}


def test_its_secrets_are_its_owners(seat: Seated):
    """The file with passwords can be read by nobody else."""
    assert stat.S_IMODE((kept(seat.folder) / "seat.json").stat().st_mode) == 0o600


def test_a_port_that_is_taken_is_one_line(seat: Seated):
    """Told before anything is started, with what to type next."""
    port = seat.url.rpartition(":")[2]
    done = door(seat.folder, "serve", "--port", port)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(f"error: port {port} cannot be had: Address already in use (")
    assert done.stderr.count("\n") == 1


def test_two_seats_do_not_share_a_folder(seat: Seated):
    """The second is told whose it is."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    done = door(seat.folder, "serve", "--port", str(port))
    assert done.returncode == 2
    assert f"pid {seat.process.pid}" in done.stderr


def test_shell_and_psql_work_beside_it(seat: Seated):
    """On its databases, and their exit codes are the programs' own."""
    assert door(seat.folder, "psql", "-Atc", COUNT).stdout == "500\n"
    code = "from targets.catalog.models import Product; print('rows', Product.objects.count())"
    assert "rows 500" in door(seat.folder, "shell", "-v0", "-c", code).stdout
    assert door(seat.folder, "psql", "-Atc", "SELECT nothing").returncode == 1
    assert door(seat.folder, "psql", "-f", "-", text="SELECT 6 * 7").stdout.split()[2] == "42"


def test_it_ends_clean_and_keeps_what_was_edited(tmp_path: Path):
    """Ctrl-C ends everything; the next start has the same log-in, and the rows as they were left."""
    try:
        with seated(tmp_path) as first:
            door(tmp_path, "psql", "-c", "UPDATE catalog_product SET name = 'Edited' WHERE id = 1")
            started = family(first.process.pid)
            assert len(started) > 4
        assert first.process.returncode == 130
        wait_gone(started)
        done = door(tmp_path, "psql", "-Atc", "SELECT name FROM catalog_product WHERE id = 1")
        assert done.stdout == "Edited\n", "psql starts the services itself"
        assert servers(tmp_path) == []
        with seated(tmp_path) as second:
            assert second.password == first.password
            assert "dataset ..." not in second.said
            assert json.loads(answered(second.url, "/api/products/1/")[1])["name"] == "Edited"
            started = family(second.process.pid)
            second.process.kill()
            wait_gone(started, seconds=8)
        with seated(tmp_path, "--fresh") as third:
            assert json.loads(answered(third.url, "/api/products/1/")[1])["name"] != "Edited"
            assert third.password != first.password
    finally:
        erased(tmp_path)


def test_the_code_may_change(tmp_path: Path):
    """What changes is served; an error in it is shown, and ends nothing; a service that dies ends all, by exit 2."""
    tree = tmp_path / "tree"
    for room in ("lab", "targets", "fixtures"):
        shutil.copytree(TREE / room, tree / room, ignore=shutil.ignore_patterns("__pycache__"))
    path = tree / "targets" / "web" / "health.py"
    text = path.read_text(encoding="utf-8")
    try:
        with seated(tmp_path, tree=tree) as seat:
            path.write_text(text.replace('"answers"', '"changed"'), encoding="utf-8")
            wait_until(lambda: "changed" in health(seat), what="the change", seconds=60)
            path.write_text("def health(:", encoding="utf-8")
            seat.wait_for("the server ended; it starts again when a file of targets/ changes")
            path.write_text(text, encoding="utf-8")
            wait_until(lambda: "answers" in health(seat), what="the mended server", seconds=60)
            next(each for each in servers(tmp_path) if each.name() == "valkey-server").kill()
            out, _ = seat.process.communicate(timeout=30)
            assert seat.process.returncode == 2
            assert "error: valkey ended with code -9" in out
        assert servers(tmp_path) == []
    finally:
        erased(tmp_path)


def health(seat: Seated) -> str:
    """What `/healthz` says, or nothing while nobody listens."""
    try:
        return answered(seat.url, "/healthz")[1]
    except OSError:
        return ""


def test_a_server_that_does_not_answer_is_one_line(tmp_path: Path):
    """A wrong DATABASE_URL is told as the lab tells it."""
    done = subprocess.run(
        [sys.executable, "-m", "lab", "serve", "--port", str(free_port())], cwd=TREE,
        env={**environment(tmp_path), "DATABASE_URL": "postgresql://a@127.0.0.1:9/b"}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.startswith("error: DATABASE_URL points at 127.0.0.1:9, which does not answer (")
