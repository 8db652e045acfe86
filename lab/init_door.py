"""Yields a first experiment file in a user's folder: for the Django project that is there, or for services by URL.

It asks nothing, overwrites nothing, and measures nothing.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.markup import escape

from lab import catalogue
from lab.errors import LabError
from lab.server import PASSED_ON, TREE

FILE: Final = "windtunnel_experiment.py"
PYTHON: Final = "{python}"
"""How a command names the Python that runs the lab, which has Django and granian."""

PROBE: Final = "import django, importlib.util as i; print(*(n for n in ('granian', 'gunicorn') if i.find_spec(n)))"
PROBE_SECONDS: Final = 30.0
PROGRAMS: Final = {
    "granian": "-m granian --interface wsgi --host 127.0.0.1 --port {port} --log-level warning",
    "gunicorn": "-m gunicorn --bind 127.0.0.1:{port} --worker-class gthread --keep-alive 75",
}
"""The server programs that are known, the preferred one first, each with one process and one thread."""

HEAD: Final = '''"""An experiment for Windtunnel, to be edited. From Windtunnel's folder:

./noxw -s lab -- {path}
"""

from lab.own import {words}

EXPERIMENT = experiment(
    name={name},
    question={question},
'''

DJANGO: Final = """    servers=[
        # Booted anew for each level and in each block, in this folder. It gets PATH, HOME and what you say in
        # environment={{"NAME": "value"}}; prepare="..." is a command that runs once before. {program}
        boot(
            {command},
            ready="/",
        ),
    ],
    knobs=[
        # What is compared: the first level with the other. Your code reads os.environ["MY_SWITCH"]; as long as nothing
        # reads it, the project is compared with itself. By a header: header_knob("X-My-Switch", levels=["off", "on"]).
        environment_knob("MY_SWITCH", levels=["off", "on"]),
    ],
"""

URLS: Final = """    servers=[
        # They must run already; the first is what the others are compared with. One that the lab boots:
        # boot("./serve --port {port}", ready="/"). One server alone: header_knob("X-My-Switch", levels=["off", "on"]).
        running("http://127.0.0.1:8000", name="before"),
        running("http://127.0.0.1:8001", name="after"),
    ],
"""

TAIL: Final = """    operations=[
        # What is asked. All must answer alike, or nothing is timed; answers="may differ" lets them.
        # request("book", "/books/{value}/", values=[1, 2, 3]); also method=, headers=, body=, status=.
        request("home", "/"),
    ],
    budget="60s",  # of measuring
)
"""


def write_experiment(folder: Path, *, console: Console) -> None:
    """Writes the file and says what to edit and what to type next. Raises LabError where it cannot be written."""
    if not folder.is_dir():
        raise LabError(f"there is no folder {folder}", hint="name your project's folder, as in ../mysite")
    path = folder / FILE
    shown = os.path.relpath(path)
    command = f"./noxw -s lab -- {shlex.quote(shown)}"
    django = _django(folder.resolve()) if (folder / "manage.py").is_file() else ""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(_text(_name(folder), shown=shlex.quote(shown), django=django))
    except FileExistsError:
        raise LabError(f"{shown} is there already", hint=f"run it: {command}; or remove it") from None
    what = "the knob and the requests" if django else "the addresses and the requests"
    console.print(f"wrote {escape(shown)}: edit {what} in it, then type: {escape(command)}", highlight=False)


def _text(name: str, *, shown: str, django: str) -> str:
    words = "boot, environment_knob, experiment, request" if django else "experiment, request, running"
    question = "Does MY_SWITCH change how long it takes?" if django else "Is the one after faster than the one before?"
    head = HEAD.format(path=shown, words=words, name=json.dumps(name), question=json.dumps(question))
    if not django:
        return head + URLS + TAIL
    is_for_work = "runserver" in django
    program = (
        "runserver is for development: better name\n        # the program that serves it elsewhere."
        if is_for_work
        else ""
    )
    body = DJANGO.format(command=json.dumps(django), program=program)
    return head + re.sub(r" +\n", "\n", body) + TAIL


def _name(folder: Path) -> str:
    """A name for the experiment, after its folder."""
    name = re.sub(r"[^a-z0-9_-]+", "_", folder.resolve().name.lower()).lstrip("0123456789_-")[:50] or "project"
    return f"{name}_project" if name in catalogue.names() else name


def _django(folder: Path) -> str:
    """The command that serves the project: by a program that its Python has, else by Django's own."""
    python, programs = _python(folder)
    stated = re.search(
        r"DJANGO_SETTINGS_MODULE\W+([\w.]+)\.settings",
        (folder / "manage.py").read_text(encoding="utf-8", errors="replace"),
    )
    package = stated[1] if stated else ""
    has_wsgi = bool(package) and (folder / package.replace(".", "/") / "wsgi.py").is_file()
    program = next((name for name in PROGRAMS if name in programs), "")
    if program and has_wsgi:
        return f"{python} {PROGRAMS[program]} {package}.wsgi:application"
    return f"{python} manage.py runserver --noreload 127.0.0.1:{{port}}"


def _python(folder: Path) -> tuple[str, list[str]]:
    """The first Python that has Django, as a command names it, and which server programs it has; else the lab's own."""
    environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    for name, path in _pythons(folder):
        try:
            done = subprocess.run(
                [path, "-c", PROBE], cwd=folder, env=environment, capture_output=True, text=True, check=False,
                timeout=PROBE_SECONDS,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired):
            continue
        if done.returncode == 0:
            return name, done.stdout.split()
    return PYTHON, ["granian"]


def _pythons(folder: Path) -> Iterator[tuple[str, str]]:
    for place in (".venv", "venv", "env"):
        if (folder / place / "bin" / "python").exists():
            yield f"{place}/bin/python", str(folder / place / "bin" / "python")
    active = Path(os.environ.get("VIRTUAL_ENV", ""))
    # Windtunnel's own, in which this runs, is the last resort and has a word of its own.
    if active.is_absolute() and active != Path(sys.prefix) and not active.is_relative_to(TREE):
        yield str(active / "bin" / "python"), str(active / "bin" / "python")
    if found := shutil.which("python3"):
        yield "python3", found
