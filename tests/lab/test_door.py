"""The command line refuses what it cannot do in one line with a hint, and never with a traceback."""

import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from subprocess import PIPE

import pytest

from lab import catalogue
from lab.asked import budget_seconds
from lab.conclude import conclude
from lab.errors import LabError
from lab.history import append, history_folder
from lab.results import RunFolder
from tests.fakes import SERVERS, FakeRun, by_server
from tests.lab.tree import Door, Tree


@pytest.fixture(scope="module")
def door(tree: Tree, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """`python -m lab` in a copy of the checkout."""
    with tree.doors(tmp_path_factory.mktemp("door")) as opened:
        yield opened


def refusal(door: Door, *words: str, **changes: str) -> str:
    """The one line with which the door refuses; whatever else it does fails the test."""
    done = door(*words, **changes)
    assert done.returncode == 2, done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert done.stderr.startswith("error: ")
    assert done.stderr.rstrip().endswith(")")
    assert "Traceback" not in done.stdout
    return done.stderr


def closed_port() -> int:
    """A port on which nothing listens: bound once, and closed."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """A whole run, somewhere."""
    return FakeRun(experiment=SERVERS, seconds=by_server(0.02, ratio=1.0), rounds=40).make(tmp_path / "run")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["nonsense"],
            "there is no experiment 'nonsense' (choose one of async_fanout, authentication, background_email, ",
        ),
        (["--dataset", "vast"], "there is no dataset 'vast' (choose one of small, x4, x20, medium, x300, large)"),
        (["growth", "--dataset", "small"], "growth does not grow to the dataset 'small' (choose one of x4, x20, "),
        (["growth", "--load"], "growth has a course of its own (leave --load and --load-workers out)"),
        (["--faces", "soap"], "there is no face 'soap' (choose from rest, graphql)"),
        (["--faces", "rest,"], "there is no face ''"),
        (["--operations", "product_lisp"], "there is no operation 'product_lisp' (choose from product_list, "),
        (["--set", "gzip=on"], "toggles has no knob 'gzip' (its knobs are: select_related, "),
        (["--set", "cache=maybe"], "knob cache has no level 'maybe' (choose one of off, query, view, both)"),
        (["--set", "cache"], "knob cache has no level ''"),
        (["--set", "cache=off", "--set", "cache=both"], "toggles has no knob 'cache'"),
        (["null", "--set", "cache=off"], "null has no knob 'cache' (its knobs are: none)"),
        (["--budget", "soon"], "--budget 'soon' is no time that it takes (give 10s to 24h, as in 30s, 3m or 1h)"),
        (["--budget", "9.9s"], "--budget '9.9s' is no time that it takes"),
        (["--budget", "-3m"], "argument --budget: expected one argument"),
        (["null", "--load"], "null has no load (leave --load out, or ask toggles or capacity)"),
        (["--load", "--operations", "product_list"], "under load the whole walk is asked (leave --operations out)"),
        (["--load", "--load-workers", "65"], "65 generators are none of 0 to 64"),
        (["--load-workers", "2"], "--load-workers is for a run under load (add --load)"),
        (["capacity", "--operations", "product_list"], "under load the whole walk is asked"),
        (["capacity", "--set", "cache=off"], "capacity has no knob 'cache' (its knobs are: none)"),
        (["--resume", "nowhere"], "there is no run 'nowhere' (name its folder, as in results/toggles/<run>)"),
        (["--fast"], "unrecognized arguments: --fast (./noxw -s lab -- --help shows what there is)"),
        (["--seed", "lucky"], "argument --seed: invalid whole number from 0 to 2147483647 value: 'lucky'"),
        (["report"], "no run is named (name one, or two to compare them"),
        (["report", "nowhere"], "there is no run 'nowhere' (name its folder, as in results/toggles/<run>)"),
        (["report", "."], "there is no run '.'"),
        (["samples", "/dev/null"], "there is no run '/dev/null'"),
        (["seed", "--fast"], "unrecognized arguments: --fast"),
    ],
)
def test_words_that_are_not_understood_are_refused(door: Door, words: list[str], said: str) -> None:
    """Exit 2, one line that says what is wrong and what there is; nothing is started."""
    assert refusal(door, *words).startswith(f"error: {said}")


@pytest.mark.parametrize(
    "words",
    [
        ["report", "x" * 300],
        ["seed", "--dataset", "vast"],
        ["--dataset", "small", "--seed", "-1"],
        ["--dataset", "small", "--seed", "1" * 30],
    ],
)
def test_words_that_are_out_of_range_are_refused(door: Door, words: list[str]) -> None:
    """A name too long for a file system, a size that is not, a seed or a budget that no run can have."""
    refusal(door, *words)


def test_a_budget_without_end_is_refused() -> None:
    """A plan of 10^30 seconds would fill the memory before its first block."""
    with pytest.raises(LabError):
        budget_seconds("9" * 30 + "h")


def test_samples_may_be_cut_by_whoever_reads_them(tree: Tree, run: RunFolder) -> None:
    """`samples RUN | head -1` is an end like any other: nothing is said of a disk or of permissions."""
    command = [sys.executable, "-m", "lab", "samples", str(run.path)]
    with subprocess.Popen(command, cwd=tree.path, env=tree.environment(), stdout=PIPE, stderr=PIPE, text=True) as cut:
        assert cut.stdout is not None
        assert cut.stderr is not None
        assert cut.stdout.readline().startswith("block,")
        cut.stdout.close()
        assert cut.stderr.read() == ""


def test_help_lists_every_experiment_with_its_question(door: Door) -> None:
    """What may be asked is all on one page, with exit 0."""
    done = door("--help")
    assert (done.returncode, done.stderr) == (0, "")
    said = " ".join(done.stdout.split())
    for name in ("capacity", "null", "toggles"):
        assert f" {name} {catalogue.load(name).question}" in said


@pytest.mark.parametrize("name", ["report", "samples", "seed"])
def test_every_door_has_its_help(door: Door, name: str) -> None:
    """The doors beside the main one say what they are for."""
    done = door(name, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "usage:" in done.stdout


@pytest.mark.parametrize(
    ("name", "url", "said"),
    [
        ("DATABASE_URL", "postgresql://me:secret@127.0.0.1:{port}/postgres", "DATABASE_URL points at "),
        ("DATABASE_URL", "localhost", "DATABASE_URL is no PostgreSQL URL"),
        ("DATABASE_URL", "mysql://me:secret@127.0.0.1/shop", "DATABASE_URL is no PostgreSQL URL"),
        ("CACHE_URL", "redis://:secret@127.0.0.1:{port}/0", "CACHE_URL points at "),
        ("CACHE_URL", "memcached://127.0.0.1", "CACHE_URL is no Redis URL"),
    ],
)
def test_servers_that_are_not_there_are_refused(door: Door, name: str, url: str, said: str) -> None:
    """A URL that is none, or at which nobody answers, ends the lab before it starts anything; no password is shown."""
    line = refusal(door, "--dataset", "small", **{name: url.format(port=closed_port())})
    assert line.startswith(f"error: {said}")
    assert "secret" not in line


@pytest.mark.parametrize("name", ["report", "samples"])
def test_a_damaged_manifest_is_refused(door: Door, run: RunFolder, name: str) -> None:
    """A report needs to know what was asked; raw samples need the folder alone."""
    manifest = run.path / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"experiment"', '"inquiry"', 1))
    if name == "report":
        assert "manifest.json cannot be read" in refusal(door, name, str(run.path))
    else:
        assert door(name, str(run.path)).returncode == 0


def test_a_run_of_another_version_is_refused(door: Door, run: RunFolder) -> None:
    """The versions are both named."""
    manifest = run.path / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"schema_version": 1', '"schema_version": 99'))
    line = refusal(door, "report", str(run.path))
    assert "is of version 99, this Windtunnel reads version 1" in line


@pytest.mark.parametrize("name", ["proof.json", "plan.json"])
def test_a_damaged_file_of_a_run_is_refused_by_name(door: Door, run: RunFolder, name: str) -> None:
    """What cannot be read is named, and nothing is drawn of it."""
    (run.path / name).write_text("{")
    assert Path(name).name in refusal(door, "report", str(run.path))


def test_damaged_findings_are_derived_again(door: Door, run: RunFolder) -> None:
    """They are derived, so a report makes them anew in place of what stands there."""
    (run.path / "findings.json").write_text("{")
    done = door("report", str(run.path))
    assert (done.returncode, done.stderr) == (0, "")
    assert run.findings.complete
    assert (run.path / "report.html").stat().st_size > 10_000


def test_samples_are_written_as_csv(door: Door, run: RunFolder) -> None:
    """A header, and one line per sample of all blocks; damage is a note on the other stream."""
    path = run.sample_file(7)
    path.write_bytes(path.read_bytes()[:-10])
    done = door("samples", str(run.path))
    lines = done.stdout.splitlines()
    assert lines[0] == "block,cell,key,round,status,fault,warm,bytes,due,sent,done,cache"
    assert {line.split(",")[0] for line in lines[1:]} == {str(block) for block in range(8)}
    assert done.stderr.startswith("note: block-07.samples ends inside a frame")
    assert done.returncode == 0


def test_a_name_is_its_newest_run(tree: Tree, door: Door) -> None:
    """`report NAME` draws the newest run of that name, and `samples NAME` writes the samples of it."""
    for rounds, name in ((40, "2026-01-02T00-00-00"), (30, "2026-01-01T00-00-00")):
        fake = FakeRun(experiment=SERVERS, seconds=by_server(0.02, ratio=1.0), rounds=rounds)
        fake.make(tree.path / "results" / "named" / name)
    drawn, written = door("report", "named"), door("samples", "named")
    assert (drawn.returncode, drawn.stdout) == (0, "report: results/named/2026-01-02T00-00-00/report.html\n")
    assert written.returncode == 0
    assert written.stdout == door("samples", "results/named/2026-01-02T00-00-00").stdout
    assert written.stdout != door("samples", "results/named/2026-01-01T00-00-00").stdout
    shutil.rmtree(tree.path / "results" / "named")


def test_a_history_is_drawn(door: Door, run: RunFolder, tmp_path: Path) -> None:
    """Its page is made anew beside it, and where that is ends the console."""
    conclude(run)
    folder = history_folder(tmp_path / "history")
    append(run, into=folder)
    done = door("trend", str(folder))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("trend: ")
    assert done.stdout.endswith("history/trend.html\n")
    assert (folder / "trend.html").stat().st_size > 10_000


def test_all_runs_are_listed_elsewhere(tree: Tree, door: Door, tmp_path: Path) -> None:
    """`report --site DIR` makes its page there, of the runs below results/, whatever they are."""
    FakeRun(experiment=SERVERS, seconds=by_server(0.02, ratio=1.0), rounds=40).make(tree.path / "results/listed/a")
    done = door("report", "--site", str(tmp_path / "site"))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1].endswith("site/index.html")
    assert "results/listed/a/report.html" in (tmp_path / "site" / "index.html").read_text(encoding="utf-8")


def test_a_folder_that_cannot_be_written_is_refused(tree: Tree, tmp_path: Path) -> None:
    """Where the lab folder should stand there is a file: one line names it."""
    blocked = Tree(tmp_path / "tree")
    shutil.copytree(tree.path, blocked.path, ignore=shutil.ignore_patterns(".lab", "results", "tests", "docs"))
    blocked.lab_folder.write_text("not a folder")
    assert "the lab folder cannot be used" in refusal(blocked.lab, "--dataset", "small")
