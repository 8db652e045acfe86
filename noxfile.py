"""Yields the sessions, the doors of Windtunnel: `./noxw -l` lists them, `./noxw -s lab` does the main job.

It holds no logic of the lab: a session installs pinned requirements and starts one `python -m` door. It is longer than
other files: nox loads it by its path, before anything that it could import from is installed.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Final

import nox

nox.needs_version = ">=2024.10.9"
nox.options.default_venv_backend = "uv|virtualenv"  # uv comes with ./noxw; a stock nox may lack it
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["lab"]

REQUIREMENTS: Final = Path("requirements")
ROOMS: Final = ("lab", "reports", "fixtures", "scenarios", "experiments", "targets", "tests", "benchmarks")
CLEAN_UP_SECONDS: Final = 30.0
PYTEST: Final = ("-n", "2", "--dist", "loadfile", "--no-loadscope-reorder", "--durations", "10", "--benchmark-disable")


def _newer_python() -> str | None:
    """A Python that runs Django 6.1, or None; a pyenv shim may exist and still refuse, so it is tried."""
    for name in ("python3.14", "python3.13", "python3.12"):
        path = shutil.which(name)
        if path and not subprocess.call(
            [path, "-c", "import sys; sys.exit(sys.version_info < (3, 12))"], stderr=subprocess.DEVNULL
        ):
            return path
    return None


NEWER_PYTHON: Final = sys.executable if sys.version_info >= (3, 12) else _newer_python()
TARGET_SETTINGS: Final = {
    "SECRET_KEY": "for checks only: no server is started with it",
    # Checks read models, not rows: nothing listens here, and nothing needs to.
    "DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none",
    "CACHE_URL": "",
}
STACK_SECRETS: Final = dict.fromkeys(
    ("SECRET_KEY", "POSTGRES_PASSWORD", "DATABASE_PASSWORD", "VALKEY_PASSWORD", "RABBITMQ_PASSWORD"),
    "for checks only: nothing is started with it",
)


@nox.session
def lab(session: nox.Session) -> None:
    """The main job: services, data, proof, measurement, report. [-- EXPERIMENT --dataset small --budget 30s]"""
    _measure(session, "lab", *session.posargs)


@nox.session(default=False)
def init(session: nox.Session) -> None:
    """Measure a Django project of yours, or any HTTP service: a file to begin with. [-- ../mysite]"""
    _measure(session, "lab", "init", *session.posargs)


@nox.session(default=False)
def seed(session: nox.Session) -> None:
    """The dataset alone. [-- --dataset medium]"""
    _measure(session, "lab", "seed", *session.posargs)


@nox.session(default=False)
def serve(session: nox.Session) -> None:
    """The API to look at: browsable REST, GraphiQL, Swagger UI, admin, debug toolbar. [-- --port 8000 --fresh]"""
    _measure(session, "lab", "serve", *session.posargs)


@nox.session(default=False)
def shell(session: nox.Session) -> None:
    """Django's shell on the databases of `serve`. [-- the shell's arguments]"""
    _hand_over(session, "lab", "shell", *session.posargs)


@nox.session(default=False)
def psql(session: nox.Session) -> None:
    """PostgreSQL's psql on the databases of `serve`. [-- psql's arguments]"""
    _hand_over(session, "lab", "psql", *session.posargs)


@nox.session(default=False)
def report(session: nox.Session) -> None:
    """Draw a run's report again, compare two runs, or list all of them. [-- RUN | RUN_A RUN_B | --site]"""
    _measure(session, "lab", "report", *session.posargs)


@nox.session(default=False)
def load(session: nox.Session) -> None:
    """Put load on any URL. [-- URL --rate 200 --duration 20]"""
    _measure(session, "lab", "load", *session.posargs)


@nox.session(default=False)
def gate(session: nox.Session) -> None:
    """Is a commit as good as another? Answers, counts, service time. [-- --base REV --head REV|worktree]"""
    paired = any(word.startswith("--benchmarks") for word in session.posargs)
    _measure(session, "lab", "gate", *session.posargs, requirements="tests" if paired else "lab")


@nox.session(default=False)
def calibrate(session: nox.Session) -> None:
    """How honest the lab is: bounds and what was seen. [-- clock | gate | kills | loading]"""
    requirements = "tests" if "--duel" in session.posargs else "lab"
    _measure(session, "lab", "calibrate", *session.posargs, requirements=requirements)


@nox.session(default=False)
def trend(session: nox.Session) -> None:
    """Where the ratios of a history changed their level. [-- DIR]"""
    _measure(session, "lab", "trend", *session.posargs)


@nox.session(default=False)
def tests(session: nox.Session) -> None:
    """The test suite. [-- pytest's arguments]"""
    _install(session, "tests")
    _pytest(session)


@nox.session(default=False)
def fuzz(session: nox.Session) -> None:
    """5,000 requests of all kinds to each face: no defect, nothing slow. [-- NUMBER]"""
    _install(session, "tests")
    number = session.posargs[0] if session.posargs else "5000"
    session.run("pytest", "-s", "-p", "no:xdist", "tests/fuzz", env={"FUZZ_REQUESTS": number})


@nox.session(default=False)
def audit(session: nox.Session) -> None:
    """What bandit finds in the code, and what an index knows of weaknesses of the pinned requirements."""
    _install(session, "audit")
    session.run("bandit", "--quiet", "--recursive", "--configfile", "pyproject.toml", *ROOMS[:-2], "noxfile.py")
    for name in ("lab", "tests", "compat"):
        said = session.run(
            *("pip-audit", "--require-hashes", "--disable-pip", "--progress-spinner", "off"),
            *("--requirement", str(REQUIREMENTS / f"{name}.txt")),
            silent=True, success_codes=(0, 1),
        )  # fmt: skip
        session.log(said)
        # An index that knows none of them has audited nothing, and pip-audit takes that for a pass.
        if "No known vulnerabilities found" not in str(said) or "could not be audited" in str(said):
            session.error(f"requirements/{name}.txt is not known to be sound: see above; the index must be reachable")


@nox.session(default=False)
def benchmarks(session: nox.Session) -> None:
    """What is hot in process, in microseconds: JSON and a page below results/benchmarks. [-- pytest's arguments]"""
    _install(session, "tests")
    folder = Path("results") / "benchmarks"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{time.strftime('%Y-%m-%dT%H-%M-%S', time.gmtime())}.json"
    # One process, without xdist: benchmarks side by side would measure each other.
    words = ("--benchmark-json", str(path), "--benchmark-columns", "min,median,iqr,rounds", "--benchmark-sort", "name")
    named = any(word.split("::")[0].rstrip("/").startswith("benchmarks") for word in session.posargs)
    session.run("pytest", "-p", "no:xdist", *words, *session.posargs, *(() if named else ("benchmarks",)))
    if not path.exists():
        return  # nothing was timed: --co, or a selection of none
    session.run("python", "-m", "reports", "--benchmarks", str(path), str(path.with_suffix(".html")))


@nox.session(default=False)
def lint(session: nox.Session) -> None:
    """Ruff, spelling, import contracts, Django's checks, migrations; Dockerfile, docker-compose.yml, workflows."""
    _install(session, "lint")
    session.run("ruff", "check", *session.posargs)
    session.run("ruff", "format", "--check")
    session.run("codespell")
    session.run("lint-imports", "--no-cache")
    session.run("shellcheck", ".ci/run", ".ci/deploy")
    session.run("hadolint", "Dockerfile")
    for profile in ("", "dev", "lab", "load"):
        session.run(
            "docker-compose", *(("--profile", profile) if profile else ()), "config", "--quiet", env=STACK_SECRETS
        )
    session.run("check-jsonschema", "--builtin-schema", "vendor.dependabot", ".github/dependabot.yml")
    session.run("actionlint")
    session.run("zizmor", "--offline", "--quiet", ".github")
    session.run("python", "-m", "targets", "check", "--fail-level", "WARNING", env=TARGET_SETTINGS)
    # Without a database Django warns that it cannot compare the history there, which is not what is asked.
    unasked = "ignore:Got an error checking a consistent migration history:RuntimeWarning"
    session.run(
        *("python", "-W", unasked, "-m", "targets", "makemigrations", "--check", "--dry-run"), env=TARGET_SETTINGS
    )


@nox.session(default=False)
def types(session: nox.Session) -> None:
    """Mypy: strict, with Django's types for the target."""
    _install(session, "types")
    session.run("mypy", *(session.posargs or (*ROOMS, "noxfile.py")), env=TARGET_SETTINGS)


@nox.session(default=False, python=NEWER_PYTHON or False)
def compat(session: nox.Session) -> None:
    """The target and the equivalence proof on Django 6.1 and Python 3.12 or newer. [-- pytest's arguments]"""
    if NEWER_PYTHON is None:
        session.skip("Django 6.1 needs Python 3.12 or newer, and PATH has no python3.12, python3.13 or python3.14")
    _install(session, "compat")
    _pytest(session, "tests/targets", "tests/equivalence")


@nox.session(default=False)
def lock(session: nox.Session) -> None:
    """Compile requirements/*.txt from pyproject.toml. [-- --upgrade | --upgrade-package NAME]"""
    session.install("--require-hashes", "-r", str(REQUIREMENTS / "nox.txt"))
    for name in ("types", "tests", "lab", "image-target", "image-lab", "lint", "audit", "nox", "compat"):
        # One resolution for all: `types` holds nearly everything and goes first, the others follow it. Django 6.1
        # needs a newer Python, so `compat` stands alone.
        alone = name in {"types", "compat"}
        followed = () if alone else ("--constraints", str(REQUIREMENTS / "types.txt"))
        python = "3.12" if name == "compat" else "3.11"
        session.run(
            *("uv", "pip", "compile", "--quiet", "--universal", "--generate-hashes", "--python-version", python),
            *("--no-config", "--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links"),
            *("--group", name, "--output-file", str(REQUIREMENTS / f"{name}.txt")),
            *followed,
            *session.posargs,
        )


def _install(session: nox.Session, name: str) -> None:
    """Install requirements/NAME.txt, every file checked against its hash; nothing to do takes some 0.1 s."""
    # Servers are booted again and again: compile once here, not in the first request of each run.
    compiled = {} if name in {"lint", "types"} else {"UV_COMPILE_BYTECODE": "1"}
    session.install("--require-hashes", "-r", str(REQUIREMENTS / f"{name}.txt"), env=compiled)


def _pytest(session: nox.Session, *paths: str) -> None:
    """Pytest on two cores, a file never split between them, so that what a module boots is booted once."""
    # Exit code 5 is "no test was selected": as it should be for a selection by hand, a failure for the whole suite.
    codes = (0, 5) if session.posargs else (0,)
    session.run("pytest", *PYTEST, *(session.posargs or paths), success_codes=codes)


def _measure(session: nox.Session, *arguments: str, requirements: str = "lab") -> None:
    """Install what the lab needs, then `python -m lab ARGUMENTS`; the lab learns how long installing took.

    The lab's exit code becomes nox's own: SystemExit passes through nox, which turns every failed session into 1.
    """
    if "--parallel-worker" in sys.argv:
        print(f"nox -j runs sessions side by side, and {session.name} must be alone: leave -j out.", file=sys.stderr)
        raise SystemExit(2)
    begun = time.monotonic()
    _install(session, requirements)
    installing = time.monotonic() - begun + float(os.environ.get("WINDTUNNEL_BOOTSTRAP_SECONDS", "0"))
    session.log(f"python -m {' '.join(arguments)}")
    code = _door(
        [str(Path(session.bin) / "python"), "-m", *arguments],
        env={**os.environ, "WINDTUNNEL_INSTALL_SECONDS": f"{installing:.1f}"},
    )
    if code:
        raise SystemExit(code)


def _hand_over(session: nox.Session, *arguments: str) -> None:
    """Install what the lab needs, then become `python -m lab ARGUMENTS`: Ctrl-C is for what runs in the terminal."""
    _install(session, "lab")
    python = str(Path(session.bin) / "python")
    sys.stdout.flush()
    os.execv(python, [python, "-m", *arguments])


class _Stopped(Exception):  # noqa: N818 - a request, not an error
    """SIGINT or SIGTERM asks this process to end."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def _door(command: list[str], *, env: dict[str, str]) -> int:
    """The exit code of `command`, or 128 + the signal that ended it; stopped, it gets the time to clean up.

    Ctrl-C reaches the whole foreground group, so the door has it already and is only waited for. SIGTERM reaches
    nox alone and is passed on. A door that is not gone after CLEAN_UP_SECONDS is terminated, then killed.
    """

    def stop(number: int, _frame: FrameType | None) -> None:
        for each in handlers:
            signal.signal(each, signal.SIG_IGN)  # one request is enough: the door is already cleaning up
        raise _Stopped(number)

    handlers = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    door: subprocess.Popen[bytes] | None = None
    try:
        for each in handlers:
            signal.signal(each, stop)
        door = subprocess.Popen(command, env=env)
        code = door.wait()  # no time-out: waking up now and then would disturb what is measured
    except _Stopped as stopped:
        if door is not None:
            if stopped.number == signal.SIGTERM:
                door.terminate()
            _wait_for_clean_up(door)
        return 128 + stopped.number
    else:
        return code if code >= 0 else 128 - code
    finally:
        for each, handler in handlers.items():
            signal.signal(each, handler)


def _wait_for_clean_up(door: subprocess.Popen[bytes]) -> None:
    for last_resort in (door.terminate, door.kill):
        try:
            door.wait(timeout=CLEAN_UP_SECONDS)
        except subprocess.TimeoutExpired:
            last_resort()
        else:
            return
    door.wait()
