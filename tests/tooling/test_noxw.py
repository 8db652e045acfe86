"""The wrapper and the doors, from a copy of the tree's tooling with an empty home: real nox, real uv, a toy lab."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

TOY_LAB = """
import os, pathlib, signal, sys, time
mark, what = pathlib.Path("marks"), sys.argv[1:]
mark.mkdir(exist_ok=True)
if what == ["wait"]:
    def clean_up(number, frame):
        time.sleep(0.2)
        (mark / "cleaned").write_text(str(int(number)))
        sys.exit(2)
    signal.signal(signal.SIGINT, clean_up)
    signal.signal(signal.SIGTERM, clean_up)
    (mark / "ready").touch()
    signal.pause()
(mark / "arguments").write_text(repr(what))
(mark / "installing").write_text(os.environ["WINDTUNNEL_INSTALL_SECONDS"])
sys.exit(int(what[1]) if what[0] == "code" else 0)
"""


class Tree:
    """A copy of the tooling whose lab is a toy that needs no package."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.marks = folder / "marks"
        self.versions: list[tuple[str, str, int]] = []
        (folder / "requirements").mkdir(parents=True)
        (folder / "lab").mkdir()
        (folder / "home").mkdir()
        for name in ("noxw", "noxfile.py", "requirements/nox.txt"):
            shutil.copy2(ROOT / name, folder / name)
        (folder / "requirements" / "lab.txt").write_text("# the toy needs nothing\n")
        (folder / "lab" / "__init__.py").touch()
        (folder / "lab" / "__main__.py").write_text(TOY_LAB)
        own = {"HOME", "VIRTUAL_ENV", "CI", "COV_CORE_SOURCE"}
        kept = {key: value for key, value in os.environ.items() if key not in own and not key.startswith("NOX_")}
        # Downloads are shared: pip holds each file against its hash wherever it comes from.
        self.environment = {
            "PIP_CACHE_DIR": str(Path.home() / ".cache" / "pip"),
            **kept,
            "HOME": str(folder / "home"),
            "WINDTUNNEL_BOOTSTRAP_SECONDS": "999",
        }

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """`./noxw ARGUMENTS` in a process group of its own, as a terminal would start it."""
        return subprocess.Popen(
            # Not the tests' own environment: a user starts it with a system Python.
            [sys._base_executable, str(self.folder / "noxw"), *arguments],  # type: ignore[attr-defined]
            cwd=self.folder.parent,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: str) -> tuple[int, str, str]:
        """Exit code, stdout and stderr of `./noxw ARGUMENTS`."""
        process = self.start(*arguments)
        out, err = process.communicate(timeout=120)
        return process.returncode, out, err

    def wait_for(self, path: Path) -> None:
        """Returns as soon as `path` exists."""
        deadline = time.monotonic() + 60
        while not path.exists():
            assert time.monotonic() < deadline, f"{path} never appeared"
            time.sleep(0.01)


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A tree whose environment was bootstrapped the hard way: killed in the middle, then two starts at once."""
    tree = Tree(tmp_path_factory.mktemp("checkout with a space") / "windtunnel")
    killed = tree.start("--version")
    tree.wait_for(tree.folder / ".venv" / "noxw" / "bin" / "python")
    os.kill(killed.pid, signal.SIGKILL)
    killed.communicate()
    both = [tree.start("--version"), tree.start("--version")]
    tree.versions = [(*process.communicate(timeout=120), process.returncode) for process in both]
    return tree


@pytest.mark.slow
def test_two_starts_after_a_killed_one_share_one_environment(tree):
    """Both end well with nox's own output alone on stdout, and only one of them made the environment."""
    pinned = next(line for line in (ROOT / "requirements" / "nox.txt").read_text().splitlines() if "nox==" in line)
    version = pinned.removeprefix("nox==").split()[0]
    assert [code for _, _, code in tree.versions] == [0, 0]
    assert [(out + err).count(version) for out, err, _ in tree.versions] == [1, 1]
    assert sum(err.count("noxw: making") for _, err, _ in tree.versions) == 1
    assert not any("noxw:" in out for out, _, _ in tree.versions)


def test_ready_wrapper_is_quiet_and_costs_little(tree):
    """With nothing to do the wrapper prints nothing and adds less than 150 ms (best of 5, nox left out)."""
    nox = tree.folder / ".venv" / "noxw" / "lib"
    main = next(nox.glob("python3.*/site-packages/nox/__main__.py"))
    text = main.read_text()
    main.write_text("raise SystemExit(7)")
    try:
        durations = []
        for _ in range(5):
            begun = time.monotonic()
            code, out, err = tree.run()
            durations.append(time.monotonic() - begun)
            assert (code, out) == (7, "")
            assert "noxw:" not in err
    finally:
        main.write_text(text)
    # The replaced nox still imports its package, which takes some 0.2 s of what is measured here.
    assert min(durations) < 0.15 + 0.5


@pytest.mark.parametrize("code", [0, 1, 2, 3])
def test_exit_code_of_the_lab_is_that_of_the_wrapper(tree, code):
    """Arguments reach the lab, its exit code comes back as it is, and it learns how long installing took."""
    assert tree.run("-s", "lab", "--", "code", str(code))[0] == code
    assert (tree.marks / "arguments").read_text() == repr(["code", str(code)])
    assert 0 <= float((tree.marks / "installing").read_text()) < 60


@pytest.mark.parametrize(
    ("number", "whole_group", "code"),
    [(signal.SIGINT, True, 130), (signal.SIGTERM, False, 143)],
    ids=["ctrl-c", "term"],
)
def test_a_stopped_lab_cleans_up_first(tree, number, whole_group, code):
    """Ctrl-C in a terminal and SIGTERM to the wrapper both let the lab finish its own clean-up."""
    shutil.rmtree(tree.marks, ignore_errors=True)
    process = tree.start("-s", "lab", "--", "wait")
    tree.wait_for(tree.marks / "ready")
    (os.killpg if whole_group else os.kill)(process.pid, number)
    process.communicate(timeout=30)
    assert process.returncode == code
    assert (tree.marks / "cleaned").read_text() == str(int(number))


def test_measuring_side_by_side_is_refused(tree):
    """`-j` would measure two things at once: the session fails before the lab starts, and says why."""
    shutil.rmtree(tree.marks, ignore_errors=True)
    code, out, err = tree.run("-j", "2", "--allow-parallel", "-s", "lab", "seed")
    assert code != 0
    assert "leave -j out" in out + err
    assert not tree.marks.exists()


def test_menu_names_every_door(tree):
    """`./noxw -l` lists each session with a sentence, the main job alone selected."""
    code, out, _ = tree.run("-l")
    sessions = {line.split()[1]: line for line in out.splitlines() if line.startswith(("* ", "- "))}
    assert code == 0
    assert {"lab", "seed", "report", "tests", "lint", "types", "lock", "compat"} <= set(sessions)
    assert [name for name, line in sessions.items() if line.startswith("* ")] == ["lab"]
    assert all("-> " in line for line in sessions.values())


def test_missing_interpreter_for_compat_is_a_reason_not_a_failure(tree):
    """Where no Python runs Django 6.1 the session is skipped with the reason printed; elsewhere it is not asked."""
    for name in (sys.executable, "python3.12", "python3.13", "python3.14"):
        path = shutil.which(name)  # a pyenv shim may exist and still refuse
        if (
            path
            and subprocess.run([path, "-c", "import sys; assert sys.version_info >= (3, 12)"], check=False).returncode
            == 0
        ):
            pytest.skip(f"{path} would run the compat session")
    code, out, err = tree.run("-s", "compat")
    assert code == 0
    assert "needs Python 3.12" in out + err


def test_unreadable_pins_are_one_line_and_exit_2(tmp_path):
    """What is in the way of the bootstrap is said in one line."""
    tree = Tree(tmp_path / "windtunnel")
    (tree.folder / "requirements" / "nox.txt").unlink()
    code, out, err = tree.run("-l")
    assert (code, out, len(err.splitlines())) == (2, "", 1)


def test_changed_pins_make_the_environment_anew(tmp_path):
    """The same pins are installed once, other pins are another environment, and a wrong hash is refused in one line."""
    tree = Tree(tmp_path / "windtunnel")
    pins = tree.folder / "requirements" / "nox.txt"
    # One small package instead of nox, so that this takes seconds; what comes after the wrapper then fails.
    block = re.search(r"^packaging==.*?(?=^\S|\Z)", pins.read_text(), re.MULTILINE | re.DOTALL)
    assert block is not None
    ends = []
    for text in (block[0], block[0], block[0] + "# changed\n", re.sub("sha256:.{8}", "sha256:00000000", block[0])):
        pins.write_text(text)
        code, out, err = tree.run("--version")
        ends.append((code, out, err.count("noxw: making"), err.splitlines()[-1][:31]))
    no_nox = f"{tree.folder}/.venv/noxw/bin/python: No module named nox"[:31]
    assert ends == [
        (1, "", 1, no_nox),
        (1, "", 0, no_nox),
        (1, "", 1, no_nox),
        (2, "", 1, "noxw: cannot install nox and uv"),
    ]
