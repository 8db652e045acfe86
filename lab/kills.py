"""Yields what is left of runs that were killed or interrupted at random moments: `calibrate -- kills` makes them.

Each run is `python -m lab` in a process of its own; only what it started itself is looked at.
"""

import hashlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import psutil

from lab.recorder import read_samples
from lab.results import ROOT, RunFolder
from lab.server import TREE

RUNS: Final = (
    ("null", ("null", "--dataset", "small", "--budget", "20s")),
    ("toggles", ("toggles", "--load", "--dataset", "small", "--faces", "rest", "--set", "cache=off")),
)
"""A run of single requests and one under load, by the experiment whose folder they go to."""

GENERATORS: Final = {"lab.generator", "lab.load_generator"}

LATEST: Final = 24.0
"""Seconds after its start until which a run is let go on, at most."""

GONE_WITHIN: Final = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """One run and its end: `ended` seconds until nothing of it ran; counts of what should be none.

    `lost` are the seconds before it in which nothing was kept, where requests were being sent; None elsewhere.
    `resumed` says whether the run came to its end afterwards, its whole blocks unchanged; None where it was not gone on
    with.
    """

    run: str
    how: str
    at: float
    ended: float
    orphans: int
    busy_ports: int
    damaged: int
    lost: float | None
    resumed: bool | None


def kills(count: int, *, resumes: int, seed: int, note: Callable[[str], None]) -> Iterator[Kill]:
    """Ends `count` runs, in turn of both kinds; the first `resumes` that have samples are gone on with."""
    draw = random.Random(seed)
    for number in range(count):
        name, words = RUNS[number % len(RUNS)]
        how = draw.choice((signal.SIGKILL, signal.SIGINT))
        at = draw.uniform(0.3, LATEST)
        note(f"{name}, {how.name} after {at:.1f} s, {number + 1} of {count}")
        found, folder = _one(name, words, how=how, at=at)
        if resumes and folder and any(folder.samples.iterdir()) and not folder.is_whole:
            resumes -= 1
            note(f"{name}, gone on with")
            found = replace(found, resumed=_resumed(folder))
        yield found


def _one(name: str, words: Sequence[str], *, how: signal.Signals, at: float) -> tuple[Kill, RunFolder | None]:
    before = set((ROOT / name).glob("*"))
    command = [sys.executable, "-m", "lab", *words]
    with subprocess.Popen(command, cwd=TREE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as lab:
        with suppress(subprocess.TimeoutExpired):
            lab.wait(timeout=at)
        started = _started(lab.pid)
        ports = {port for process in started for port in _ports(process)}
        is_sending = any(GENERATORS.intersection(_words(process)) for process in started)
        killed, killed_at = time.monotonic(), time.time()
        with suppress(ProcessLookupError):
            os.kill(lab.pid, how)
        lab.wait()
    _, alive = psutil.wait_procs(started, timeout=GONE_WITHIN)
    ended = time.monotonic() - killed
    made = sorted(set((ROOT / name).glob("*")) - before)
    folder = RunFolder(made[-1]) if made else None
    kept_at = _kept_at(folder) if folder and is_sending else None
    return Kill(
        run=name, how=how.name, at=at, ended=ended, orphans=len(alive),
        busy_ports=sum(not _is_free(port) for port in ports), damaged=_damaged(folder),
        lost=None if kept_at is None else max(killed_at - kept_at, 0.0), resumed=None,
    ), folder  # fmt: skip


def _started(pid: int) -> list[psutil.Process]:
    with suppress(psutil.Error):
        return psutil.Process(pid).children(recursive=True)
    return []


def _words(process: psutil.Process) -> list[str]:
    with suppress(psutil.Error):
        return process.cmdline()
    return []


def _ports(process: psutil.Process) -> list[int]:
    with suppress(psutil.Error):
        return [each.laddr.port for each in process.net_connections("tcp") if each.status == psutil.CONN_LISTEN]
    return []


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _kept_at(folder: RunFolder) -> float | None:
    """When samples of the block that was being measured were last written; None where it has none, or had ended."""
    files = sorted(folder.samples.glob("*.samples"), key=lambda path: path.stat().st_mtime)
    if not files or files[-1] in _whole(folder) or not len(read_samples(files[-1])[0]):
        return None
    return files[-1].stat().st_mtime


def _damaged(folder: RunFolder | None) -> int:
    """How many files of the run cannot be read."""
    damaged = 0
    for path in sorted(folder.path.rglob("*.json")) if folder else ():
        try:
            json.loads(path.read_text(encoding="utf-8"))
        except ValueError:
            damaged += 1
    return damaged + sum(bool(read_samples(path)[1]) for path in (folder.samples.glob("*.samples") if folder else ()))


def _resumed(folder: RunFolder) -> bool:
    """Whether the run goes on to its end, and leaves the files of whole blocks as they were."""
    whole = {path: _hash(path) for path in _whole(folder)}
    command = [sys.executable, "-m", "lab", "--resume", str(folder.path)]
    done = subprocess.run(command, cwd=TREE, capture_output=True, check=False, timeout=600)
    # 2 is also what a run ends with that is measured to its end and whose cells are void.
    return folder.is_whole and done.returncode in {0, 2} and whole == {path: _hash(path) for path in whole}


def _whole(folder: RunFolder) -> list[Path]:
    """The sample files of blocks whose reports tell of a whole block."""
    found = []
    for path in folder.blocks.glob("block-*.report.json"):
        report = json.loads(path.read_text(encoding="utf-8"))
        trials = len(
            json.loads(path.with_name(path.name.replace(".report.", ".script.")).read_text()).get("trials", [])
        )
        if not report.get("error") and len(report.get("trials", [])) == trials and report.get("recorded", 1):
            found.append(folder.samples / path.name.replace(".report.json", ".samples"))
    return found


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
