"""Workers on other hosts: each in a network namespace of its own, which sees the master through a cable alone."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from lab.arrivals import Arrivals, Segment, due_times
from lab.recorder import read_samples
from lab.server import free_port
from tests.lab.tree import Tree
from tests.lab.waiting import wait_until
from tests.truth.running import truth_server

TOKEN = "a token that both sides know"
RATE, SECONDS = 200, 4

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Host:
    """A network namespace, and the address at which it finds this one."""

    name: str
    master: str

    def worker(self, tree: Tree, *, port: int) -> subprocess.Popen[str]:
        """`python -m lab worker` there; `ip netns exec` becomes it, so its pid is the worker's."""
        words = ["ip", "netns", "exec", self.name, sys.executable, "-m", "lab", "worker"]
        return subprocess.Popen(
            [*words, "--master", f"{self.master}:{port}"], cwd=tree.path, env=tree.environment(LAB_WORKER_TOKEN=TOKEN),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip


def ip(*words: str) -> None:
    """`ip` with these words; the test is skipped where the machine does not allow it."""
    try:
        done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no program `ip`")
    if done.returncode:
        pytest.skip(f"no network namespaces here: {done.stderr.strip()}")


@contextmanager
def host(number: int) -> Iterator[Host]:
    """A namespace with a cable to this one; both are gone afterwards."""
    unique = os.getpid() % 16000
    name, subnet = f"wt{unique}n{number}", f"10.{200 + unique // 256 % 50}.{unique % 256}"
    ours, theirs = f"{subnet}.{4 * number + 1}", f"{subnet}.{4 * number + 2}"
    with ExitStack() as stack:
        stack.callback(subprocess.run, ["ip", "netns", "delete", name], capture_output=True, check=False)
        ip("netns", "add", name)
        # The other end of a cable goes with its namespace, and takes this end along.
        ip("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name)
        ip("address", "add", f"{ours}/30", "dev", name)
        ip("link", "set", name, "up")
        ip("-n", name, "address", "add", f"{theirs}/30", "dev", "eth0")
        ip("-n", name, "link", "set", "eth0", "up")
        ip("-n", name, "route", "add", "default", "via", ours)
        yield Host(name=name, master=ours)


@pytest.fixture(scope="module")
def hosts() -> Iterator[tuple[Host, Host]]:
    """Two hosts beside this one."""
    if os.geteuid() != 0:
        pytest.skip("network namespaces need root")
    with host(0) as first, host(1) as second:
        yield first, second


def ordered(tree: Tree, url: str, *, port: int, seconds: int, page: Path) -> subprocess.Popen[str]:
    """`lab load` that waits for two workers at any address of this host."""
    words = [url, "--rate", str(RATE), "--duration", str(seconds), "--warm-up", "0", "--json", str(page)]
    command = [sys.executable, "-m", "lab", "load", *words, "--expect-workers", "2", "--master-bind", f"0.0.0.0:{port}"]
    return subprocess.Popen(
        command, cwd=tree.path, env=tree.environment(LAB_WORKER_TOKEN=TOKEN), stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def newest(tree: Tree) -> list[Path]:
    """The sample files of the newest load."""
    return sorted(tree.runs("load")[-1].samples.glob("*.samples"))


def test_two_hosts_send_the_schedule_of_one(tree: Tree, hosts: tuple[Host, Host], tmp_path: Path) -> None:
    """What workers in two namespaces send together is the arrival process of one generator, answered right."""
    port, page = free_port(), tmp_path / "load.json"
    with truth_server("fixed", "--host", "0.0.0.0") as server:
        # An address of this host that both hosts reach by their default route.
        url = f"http://{hosts[0].master}:{server.port}/"
        master = ordered(tree, url, port=port, seconds=SECONDS, page=page)
        with master, hosts[0].worker(tree, port=port) as first, hosts[1].worker(tree, port=port) as second:
            said, complained = master.communicate(timeout=60)
            assert first.wait(timeout=20) == second.wait(timeout=20) == 0
    found = json.loads(page.read_text())
    assert master.returncode == 0 or found["state"] == "void", complained
    assert f"{TOKEN} python -m lab worker --master 0.0.0.0:{port}" in said
    shares = [read_samples(path)[0] for path in newest(tree)]
    assert len(shares) == 2
    assert abs(len(shares[0]) - len(shares[1])) <= 1
    segment = Segment(seconds=SECONDS, begin=RATE, end=RATE)
    due = due_times(Arrivals(kind="poisson", profile=(segment,), seed=1))
    assert np.sort(np.concatenate([each["due"] for each in shares])).tolist() == due.tolist()
    assert (found["right"], found["failed"]) == (len(due), 0)


def test_a_host_that_dies_is_named_within_five_seconds(tree: Tree, hosts: tuple[Host, Host], tmp_path: Path) -> None:
    """SIGKILL of one host's worker under load: exit 2 with its share, no result, the other's samples kept."""
    port, page, before = free_port(), tmp_path / "load.json", len(tree.runs("load"))
    with truth_server("fixed", "--host", "0.0.0.0") as server:
        url = f"http://{hosts[0].master}:{server.port}/"
        master = ordered(tree, url, port=port, seconds=30, page=page)
        with master, hosts[0].worker(tree, port=port) as first, hosts[1].worker(tree, port=port) as second:

            def sampled() -> bool:
                runs = tree.runs("load")
                return len(runs) > before and sum(path.stat().st_size > 2000 for path in newest(tree)) == 2

            wait_until(sampled, what="samples of both hosts", seconds=40)
            second.kill()
            killed = time.monotonic()
            _, complained = master.communicate(timeout=30)
            took = time.monotonic() - killed
            first.wait(timeout=20)
    assert master.returncode == 2
    assert "went missing, and with it 50% of the arrivals" in complained
    assert took < 5 + 2  # two seconds to end the lab itself
    assert not page.exists()
    assert all(len(read_samples(path)[0]) > 20 for path in newest(tree))
