"""The supervisor with real processes: none outlives its order, its lab, or the supervisor itself."""

import os
import signal
import socket
import sys
import urllib.request
from pathlib import Path

import psutil
import pytest

from lab.errors import LabError
from lab.processes import Process, Supervisor
from tests.lab.waiting import family, is_alive, read_when_there, wait_gone, wait_until

# Writes "NAME ready", then waits; SIGTERM writes "NAME stopped" and ends it, unless told to ignore that.
SERVANT = """
import os, signal, sys, time
name, notes, manner = sys.argv[1:]
def note(text):
    with open(notes, "a") as file:
        file.write(f"{name} {text}\\n")
def stop(*_):
    note("stopped")
    os._exit(0)
signal.signal(signal.SIGTERM, signal.SIG_IGN if manner == "deaf" else stop)
if manner == "forking" and os.fork() == 0:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    name = "child"
note(f"ready {os.getpid()}")
while True:
    time.sleep(60)
"""

# A lab that starts a forking and a deaf servant, says so, and waits to be ended from outside.
LAB = f"""
import os, sys, time
from pathlib import Path
from lab.processes import Supervisor
SERVANT = {SERVANT!r}
folder, manner = Path(sys.argv[1]), sys.argv[2]
with Supervisor() as supervisor:
    for name in ("forking", "deaf"):
        supervisor.spawn(name=name, argv=[sys.executable, "-c", SERVANT, name, folder / "notes", name],
                         env={{}}, log=folder / (name + ".log"), grace=0.5)
    if manner == "forks" and os.fork() == 0:
        (folder / "fork").write_text(str(os.getpid()) + "\\n")
        time.sleep(60)
        os._exit(0)
    (folder / "supervisor").write_text(str(supervisor.pid) + "\\n")
    time.sleep(60)
"""

WSGI = "def app(environ, start_response):\n    start_response('200 OK', [])\n    return [b'here']\n"


def spawn_servant(
    supervisor: Supervisor, folder: Path, *, name: str = "servant", manner: str = "polite", grace: float = 5.0
) -> Process:
    argv: list[str | Path] = [sys.executable, "-c", SERVANT, name, folder / "notes", manner]
    process = supervisor.spawn(name=name, argv=argv, env={}, log=folder / f"{name}.log", grace=grace)
    wait_until(lambda: f"{name} ready" in notes(folder), what=f"{name} is ready")
    return process


def notes(folder: Path) -> str:
    path = folder / "notes"
    return path.read_text(encoding="utf-8") if path.exists() else ""


def noted_pids(folder: Path, *, lines: int) -> list[int]:
    return [int(line.split()[2]) for line in read_when_there(folder / "notes", lines=lines)]


def spawn_granian(supervisor: Supervisor, folder: Path) -> tuple[int, ...]:
    """Boot granian with one worker; return the pids of its family."""
    (folder / "served.py").write_text(WSGI, encoding="utf-8")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    argv = [sys.executable, "-m", "granian", "--interface", "wsgi", "--port", str(port), "served:app"]
    process = supervisor.spawn(name="granian", argv=argv, env=os.environ, log=folder / "granian.log", cwd=folder)

    def answers() -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/") as response:
                return bool(response.read() == b"here")
        except OSError:
            return False

    supervisor.wait_ready("granian", ready=answers, seconds=20)
    pids = family(process.pid)
    assert len(pids) > 1
    return pids


def test_stop_ends_a_process_by_its_signal(supervisor: Supervisor, tmp_path: Path) -> None:
    """A process runs until stop; its exit code comes back, and it was asked, not killed."""
    process = spawn_servant(supervisor, tmp_path)
    assert supervisor.poll("servant") is None
    assert supervisor.stop("servant") == 0
    assert not is_alive(process.pid)
    assert notes(tmp_path).endswith("servant stopped\n")


def test_stop_of_an_unknown_name_is_no_error(supervisor: Supervisor) -> None:
    """Stopping twice, or what never started, says None."""
    assert supervisor.stop("nobody") is None


def test_a_deaf_process_is_killed_after_its_grace(supervisor: Supervisor, tmp_path: Path) -> None:
    """SIGKILL follows when the stop signal is ignored."""
    spawn_servant(supervisor, tmp_path, manner="deaf", grace=0.1)
    assert supervisor.stop("servant") == -signal.SIGKILL


def test_stop_ends_the_whole_process_group(supervisor: Supervisor, tmp_path: Path) -> None:
    """A deaf child that the process forked goes with it."""
    spawn_servant(supervisor, tmp_path, manner="forking")
    pids = noted_pids(tmp_path, lines=2)
    assert supervisor.stop("servant") == 0
    wait_gone(pids)


def test_children_of_a_process_that_died_are_ended(supervisor: Supervisor, tmp_path: Path) -> None:
    """When a leader ends by itself, the first poll ends what it left behind."""
    process = spawn_servant(supervisor, tmp_path, manner="forking")
    pids = noted_pids(tmp_path, lines=2)
    os.kill(process.pid, signal.SIGKILL)
    wait_until(lambda: supervisor.poll("servant") is not None, what="the death is noticed")
    assert supervisor.poll("servant") == -signal.SIGKILL
    wait_gone(pids)


def test_close_stops_the_last_started_first(tmp_path: Path) -> None:
    """At the end of the block processes stop in reverse order, and the supervisor is gone too."""
    with Supervisor() as supervisor:
        for name in ("first", "second", "third"):
            spawn_servant(supervisor, tmp_path, name=name)
        pid = supervisor.pid
    stopped = [line for line in notes(tmp_path).splitlines() if line.endswith("stopped")]
    assert stopped == ["third stopped", "second stopped", "first stopped"]
    assert not is_alive(pid)


def test_a_process_that_dies_at_once_is_told_with_its_last_words(supervisor: Supervisor, tmp_path: Path) -> None:
    """The error names the process, its code and what it wrote last; wait_ready tells a later death likewise."""
    argv = ["/bin/sh", "-c", "echo first; echo the reason >&2; exit 3"]
    with pytest.raises(LabError) as caught:
        supervisor.spawn(name="short", argv=argv, env={}, log=tmp_path / "log", settle=5)
    assert caught.value.what == "short ended with code 3: the reason"
    argv = ["/bin/sh", "-c", "echo the reason; read line < late; exit 3"]
    os.mkfifo(tmp_path / "late")
    supervisor.spawn(name="late", argv=argv, env={}, log=tmp_path / "log", cwd=tmp_path)
    (tmp_path / "late").write_text("now\n", encoding="utf-8")
    with pytest.raises(LabError, match="late ended with code 3: the reason"):
        supervisor.wait_ready("late", ready=lambda: False, seconds=10)


def test_a_program_that_does_not_exist_is_told(supervisor: Supervisor, tmp_path: Path) -> None:
    """An exec error comes back as a LabError, and the supervisor goes on."""
    with pytest.raises(LabError, match="ghost could not be started: .*No such file"):
        supervisor.spawn(name="ghost", argv=["/nonexistent/ghost"], env={}, log=tmp_path / "log")
    spawn_servant(supervisor, tmp_path)


def test_one_name_is_one_process(supervisor: Supervisor, tmp_path: Path) -> None:
    """A name in use is refused; after its end it can be used again."""
    spawn_servant(supervisor, tmp_path)
    with pytest.raises(LabError, match="servant is running already"):
        spawn_servant(supervisor, tmp_path)
    supervisor.stop("servant")
    spawn_servant(supervisor, tmp_path)


def test_not_ready_in_time_is_told(supervisor: Supervisor, tmp_path: Path) -> None:
    """A process that runs but never gets ready is an error with the seconds in it."""
    spawn_servant(supervisor, tmp_path)
    with pytest.raises(LabError, match=r"servant was not ready within 0\.1 s"):
        supervisor.wait_ready("servant", ready=lambda: False, seconds=0.1)


def test_log_is_private_and_new(supervisor: Supervisor, tmp_path: Path) -> None:
    """A log has mode 0600, replaces what stood there, and its tail can be read."""
    log = tmp_path / "log"
    log.write_text("old\n", encoding="utf-8")
    argv = ["/bin/sh", "-c", "echo one; echo two; echo"]
    supervisor.spawn(name="talker", argv=argv, env={}, log=log)
    assert supervisor.wait_exit("talker", seconds=10) == 0
    assert log.stat().st_mode & 0o777 == 0o600
    assert log.read_text(encoding="utf-8") == "one\ntwo\n\n"
    assert supervisor.log_tail("talker") == "two"
    assert supervisor.log_tail("talker", lines=2) == "one\ntwo"


def test_kill_9_of_the_lab_leaves_nothing(tmp_path: Path, child_lab) -> None:
    """Supervisor, servants, a deaf one and a fork's deaf child: all gone within five seconds."""
    lab = child_lab(LAB, tmp_path, "plain")
    pids = [*noted_pids(tmp_path, lines=3), int(read_when_there(tmp_path / "supervisor")[0])]
    lab.kill()
    wait_gone(pids)


def test_a_fork_of_the_lab_keeps_nothing_alive(tmp_path: Path, child_lab) -> None:
    """A forked child holds the supervisor's pipe open; the lab's death counts all the same."""
    lab = child_lab(LAB, tmp_path, "forks")
    pids = [*noted_pids(tmp_path, lines=3), int(read_when_there(tmp_path / "supervisor")[0])]
    fork = int(read_when_there(tmp_path / "fork")[0])
    try:
        lab.kill()
        wait_gone(pids)
        assert is_alive(fork)
    finally:
        os.kill(fork, signal.SIGKILL)


def test_ctrl_c_stops_everything_in_order(tmp_path: Path, child_lab) -> None:
    """SIGINT to the terminal's process group reaches the lab alone, which lets its processes end."""
    lab = child_lab(LAB, tmp_path, "plain")
    pids = [*noted_pids(tmp_path, lines=3), int(read_when_there(tmp_path / "supervisor")[0])]
    os.killpg(lab.pid, signal.SIGINT)
    assert lab.wait(timeout=10) != 0
    wait_gone(pids)
    assert "forking stopped" in notes(tmp_path)


def test_kill_9_of_the_supervisor_leaves_nothing(tmp_path: Path, child_lab) -> None:
    """With the supervisor dead, the kernel's signal and the undertaker end all, deaf ones and forks included."""
    child_lab(LAB, tmp_path, "plain")
    pids = noted_pids(tmp_path, lines=3)
    supervisor = int(read_when_there(tmp_path / "supervisor")[0])
    everyone = {*pids, *family(supervisor)}
    os.kill(supervisor, signal.SIGKILL)
    wait_gone(everyone)


def test_a_killed_supervisor_is_told(supervisor: Supervisor, tmp_path: Path) -> None:
    """The next call says so, and the block can still be left."""
    spawn_servant(supervisor, tmp_path)
    os.kill(supervisor.pid, signal.SIGKILL)
    with pytest.raises(LabError, match="the supervisor was killed"):
        for _ in range(2):
            supervisor.poll("servant")


def test_granian_and_its_workers_end(tmp_path: Path) -> None:
    """Granian's worker processes end by stop, and by the death of the supervisor."""
    with Supervisor() as supervisor:
        pids = spawn_granian(supervisor, tmp_path)
        supervisor.stop("granian")
        wait_gone(pids, seconds=1)
        pids = spawn_granian(supervisor, tmp_path)
        os.kill(supervisor.pid, signal.SIGKILL)
        wait_gone(pids)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may start a process as another user")
def test_a_process_runs_as_the_user_asked_for(supervisor: Supervisor, tmp_path: Path) -> None:
    """Both uid and gid are set and no group of root's is kept; such a process too dies with the supervisor."""
    argv = ["/bin/sh", "-c", "id -u; id -g; id -G; exec sleep 60"]
    process = supervisor.spawn(name="other", argv=argv, env={"PATH": os.defpath}, log=tmp_path / "log", uid=1, gid=1)
    assert read_when_there(tmp_path / "log", lines=3) == ["1", "1", "1"]
    assert psutil.Process(process.pid).uids().effective == 1
    os.kill(supervisor.pid, signal.SIGKILL)
    wait_gone([process.pid])


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="pinning is Linux's")
def test_what_boots_unpinned_is_pinned_afterwards(tmp_path: Path) -> None:
    """On one CPU all the time but while it boots, and what was started before stays there throughout."""
    cpus = os.sched_getaffinity(0)
    cpu = max(cpus)
    with Supervisor() as supervisor:
        supervisor.pin(cpu)
        before = spawn_servant(supervisor, tmp_path, name="before")
        with supervisor.unpinned():
            booting = spawn_servant(supervisor, tmp_path, name="booting")
            assert os.sched_getaffinity(booting.pid) == cpus
            assert os.sched_getaffinity(before.pid) == {cpu}
        assert os.sched_getaffinity(booting.pid) == {cpu}
        assert os.sched_getaffinity(spawn_servant(supervisor, tmp_path, name="after").pid) == {cpu}
